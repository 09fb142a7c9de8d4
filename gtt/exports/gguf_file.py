"""GGUF: a model as llama.cpp and the programs around it read it.

What llama.cpp computes for the architecture `gpt2` is GPT-2 and nothing else, so the model has to
have that shape. Its byte pairs are GPT-2's, with the words cut as GPT-2 cuts them. The numbers are
those of the checkpoint, in fp32.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gtt.config import RunConfig
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput
from gtt.exports.pocket_page import tokenizer_layout
from gtt.model.export import export_tensors, load_model
from gtt.support import ANY, Support

# llama.cpp's names for GPT-2's, and which of them it stores the other way round, (out, in).
OUTER = {
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.ln_f": "output_norm",
    "lm_head": "output",
}
INNER = {
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}
TURNED = ("attn_qkv", "attn_output", "ffn_up", "ffn_down")

supports = Support(
    "llama.cpp knows GPT-2 as it was published, and this model has model.{}: take the folder for "
    "transformers instead.",
    n_layers=ANY,
    n_heads=ANY,
    n_embed=ANY,
    block_size=ANY,
    dropout=ANY,
    attention=("fused", "separate_heads"),
    norm_position=("pre",),
    residual=(True,),
    position=("learned", "sinusoidal", "none"),  # a table, of zeros where there is none
    activation=("gelu",),
    mlp_ratio=ANY,
    tie_embeddings=(True, False),
    bias=(True, False),
)
# A byte that no text in UTF-8 has. llama.cpp wants a token that ends a text and would else take the
# twelfth, a comma.
NEVER = "\u00ff"


def write_gguf_file(checkpoint: Path, config: RunConfig, file: Path) -> None:
    """Writes the model of a checkpoint; raises `BadInput` where GGUF cannot express it."""
    model, about = load_model(checkpoint)
    supports.require(model.config, field="as")
    layout = _layout(Tokenizer.load(checkpoint), checkpoint)
    from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType

    writer = GGUFWriter(file, "gpt2")
    writer.add_name(config.name)
    if isinstance(about.get("step"), int):
        writer.add_description(f"Trained from scratch with GTT, {about['step']} steps.")
    writer.add_context_length(model.config.block_size)
    writer.add_embedding_length(model.config.n_embed)
    writer.add_block_count(model.config.n_layers)
    writer.add_feed_forward_length(model.config.mlp_width)
    writer.add_head_count(model.config.n_heads)
    writer.add_layer_norm_eps(1e-5)
    writer.add_file_type(LlamaFileType.ALL_F32)
    _add_tokenizer(writer, layout)
    for name, tensor in export_tensors(model).items():
        values = tensor.detach().float().numpy()
        gguf_tensor = gguf_name(name)
        if gguf_tensor.endswith(".weight") and gguf_tensor.split(".")[-2] in TURNED:
            values = np.ascontiguousarray(values.T)
        writer.add_tensor(gguf_tensor, values, raw_dtype=GGMLQuantizationType.F32)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def gguf_name(name: str) -> str:
    """llama.cpp's name of a tensor: `blk.0.attn_qkv.weight` for `transformer.h.0.attn.c_attn…`."""
    module, _, kind = name.rpartition(".")
    if module in OUTER:
        return f"{OUTER[module]}.{kind}"
    layer, _, inner = module.removeprefix("transformer.h.").partition(".")
    return f"blk.{layer}.{INNER[inner]}.{kind}"


def _layout(tokenizer: Tokenizer, checkpoint: Path) -> dict[str, Any]:
    """The tokenizer's tokens, merges and marks; raises `BadInput` for other kinds."""
    if tokenizer.alphabet is not None:
        raise BadInput(
            "llama.cpp needs a token that ends a text, and a vocabulary of characters has none: "
            "each of them may come in a text. Train with the bpe tokenizer, or take the pocket "
            "model or the folder for transformers.",
            field="as",
        )
    layout = tokenizer_layout(tokenizer, checkpoint)
    if "" in layout["tokens"]:
        raise BadInput(
            "This tokenizer has numbers without a token, which GGUF cannot have: take the folder "
            "for transformers instead.",
            field="as",
        )
    return layout


def _add_tokenizer(writer: Any, layout: dict[str, Any]) -> None:
    from gguf import TokenType

    tokens, marks = layout["tokens"], layout["marks"]
    end = tokens.index(marks[-1] if marks else NEVER)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [TokenType.CONTROL if token in marks else TokenType.NORMAL for token in tokens]
    )
    writer.add_token_merges(layout["merges"])
    writer.add_bos_token_id(end)
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
