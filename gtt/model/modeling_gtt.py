"""The model as `transformers` loads it, for shapes that plain GPT-2 cannot express.

This file and `gpt.py` are copied into such a checkpoint and named in its `auto_map`, so that
`AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)` needs no other package.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from .gpt import GPT, next_token_loss

NO_PADDING = "give texts of one length, or one at a time."


class GTTConfig(PretrainedConfig):
    """The attributes that `GPT` reads; the names are those of GTT's settings."""

    model_type = "gtt"
    attribute_map: ClassVar[dict[str, str]] = {
        "hidden_size": "n_embed",
        "num_hidden_layers": "n_layers",
        "num_attention_heads": "n_heads",
        "max_position_embeddings": "block_size",
    }

    def __init__(
        self,
        vocab_size: int = 256,
        n_layers: int = 2,
        n_heads: int = 4,
        n_embed: int = 128,
        block_size: int = 128,
        dropout: float = 0.0,
        attention: str = "fused",
        norm_position: str = "pre",
        residual: bool = True,
        position: str = "learned",
        activation: str = "gelu",
        mlp_ratio: float = 4.0,
        tie_embeddings: bool = True,
        bias: bool = True,
        **kwargs: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.n_embed = n_embed
        self.block_size = block_size
        self.dropout = dropout
        self.attention = attention
        self.norm_position = norm_position
        self.residual = residual
        self.position = position
        self.activation = activation
        self.mlp_ratio = mlp_ratio
        self.tie_embeddings = tie_embeddings
        self.bias = bias
        self.use_cache = False
        super().__init__(**{"tie_word_embeddings": tie_embeddings, **kwargs})


class GTTForCausalLM(PreTrainedModel, GenerationMixin):
    """`GPT` behind the interface of `transformers`; generates without a key/value cache."""

    config_class = GTTConfig
    base_model_prefix = "transformer"
    _tied_weights_keys: ClassVar[dict[str, str]] = {"lm_head.weight": "transformer.wte.weight"}

    def __init__(self, config: GTTConfig) -> None:
        super().__init__(config)
        gpt = GPT(config, config.vocab_size)
        self.transformer = gpt.transformer
        self.lm_head = gpt.lm_head
        self.post_init()

    def _init_weights(self, module: torch.nn.Module) -> None:
        """Nothing: `GPT` initialised its weights itself."""

    def get_input_embeddings(self) -> torch.nn.Module:
        return self.transformer.wte

    def get_output_embeddings(self) -> torch.nn.Module:
        return self.lm_head

    def prepare_inputs_for_generation(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **kwargs: Any
    ) -> dict[str, Tensor]:
        if attention_mask is not None and not bool(attention_mask.all()):
            raise ValueError(f"This model goes on from whole texts only: {NO_PADDING}")
        return {"input_ids": input_ids[:, -self.config.block_size :]}

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **kwargs: Any,
    ) -> CausalLMOutput:
        """Logits (B, T, V) for `input_ids` (B, T); with labels (B, T) also the mean loss.

        No token sees those after it, so `attention_mask` (B, T) changes nothing where padding
        stands at the end. Raises `ValueError` where it stands before a token.
        """
        if attention_mask is not None and bool((attention_mask.diff(dim=-1) > 0).any()):
            raise ValueError(f"This model reads no padding before a text: {NO_PADDING}")
        logits = self.lm_head(self.transformer(input_ids))
        loss = None
        if labels is not None:
            loss = next_token_loss(logits[:, :-1], labels[:, 1:])
        return CausalLMOutput(loss=loss, logits=logits)
