"""Saves a model as a folder that `transformers` loads, and loads it. There is no other format.

Shapes that GPT-2 can express are written as plain GPT-2: missing biases and positions become zeros,
sinusoidal positions become a table. The others carry their model file through `auto_map`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gtt.config import GenerationConfig, ModelConfig
from gtt.errors import InvalidSetting, UnusableRun
from gtt.model.gpt import GPT
from gtt.plain_files import read_plain_text
from gtt.settings import parse
from gtt.support import ANY, Support

# What a person may change in config.json and still have the same function.
INCIDENTAL = {
    *("architectures", "auto_map", "dtype", "initializer_range"),
    *("bos_token_id", "eos_token_id", "pad_token_id"),
    *("dropout", "embd_pdrop", "resid_pdrop", "attn_pdrop", "attention"),
}
FORMAT = 1  # of gtt.json; a folder with a higher number comes from a newer version
GPT2_ACTIVATIONS = {"gelu": "gelu_new", "relu": "relu", "silu": "silu"}


# What a checkpoint can hold: the settings that `modeling_gtt.GTTConfig` reads.
supports = Support(
    "A checkpoint cannot hold a model with model.{}: leave that setting as it was.",
    n_layers=ANY,
    n_heads=ANY,
    n_embed=ANY,
    block_size=ANY,
    dropout=ANY,
    attention=("fused", "separate_heads"),
    norm_position=("pre", "post", "none"),
    residual=(True, False),
    position=("learned", "sinusoidal", "none"),
    activation=("gelu", "relu", "silu"),
    mlp_ratio=ANY,
    tie_embeddings=(True, False),
    bias=(True, False),
)

# Of these what `transformers.GPT2LMHeadModel` computes as well.
fits_gpt2 = Support(
    "GPT-2 does not have model.{}: the checkpoint brings its own model file.",
    n_layers=ANY,
    n_heads=ANY,
    n_embed=ANY,
    block_size=ANY,
    dropout=ANY,
    attention=("fused", "separate_heads"),
    norm_position=("pre",),
    residual=(True,),
    position=("learned", "sinusoidal", "none"),
    activation=("gelu", "relu", "silu"),
    mlp_ratio=ANY,
    tie_embeddings=(True, False),
    bias=(True, False),
)


def export_config(config: ModelConfig, vocab_size: int) -> dict[str, Any]:
    """What `config.json` holds; raises `BadInput` for a model that a checkpoint cannot hold."""
    supports.require(config)
    shared = {
        "vocab_size": vocab_size,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
        "tie_word_embeddings": config.tie_embeddings,
        "dtype": "float32",
    }
    if not fits_gpt2(config):
        return {
            "model_type": "gtt",
            "architectures": ["GTTForCausalLM"],
            "auto_map": {
                "AutoConfig": "modeling_gtt.GTTConfig",
                "AutoModelForCausalLM": "modeling_gtt.GTTForCausalLM",
            },
            **config.model_dump(),
            **shared,
        }
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "n_positions": config.block_size,
        "n_embd": config.n_embed,
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "n_inner": config.mlp_width,
        "activation_function": GPT2_ACTIVATIONS[config.activation],
        "embd_pdrop": config.dropout,
        "resid_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "layer_norm_epsilon": 1e-5,
        "initializer_range": 0.02,
        **shared,
    }


def export_tensors(model: GPT) -> dict[str, Tensor]:
    """The weights by the names `transformers` expects, each once; detached, not copied."""
    config: ModelConfig = model.config
    tensors = {
        name: tensor.detach()
        for name, tensor in model.state_dict().items()
        if not (config.tie_embeddings and name == "lm_head.weight")
    }
    if fits_gpt2(config):
        weight = tensors["transformer.wte.weight"]
        if config.position == "none":
            tensors["transformer.wpe.weight"] = weight.new_zeros(config.block_size, config.n_embed)
        if not config.bias:
            tensors |= {
                f"{name.removesuffix('.weight')}.bias": weight.new_zeros(tensor.shape[-1])
                for name, tensor in tensors.items()
                if ".h." in name or ".ln_f." in name
            }
    return tensors


def save_model(
    model: GPT, folder: Path, generation: GenerationConfig, about: dict[str, Any]
) -> None:
    """Writes config, weights and `gtt.json` into `folder`, which must exist.

    `about` is plain values to keep beside the model configuration in `gtt.json`. Raises `BadInput`
    for a model that a checkpoint cannot hold.
    """
    config: ModelConfig = model.config
    supports.require(config)
    tensors = {
        name: tensor.to("cpu", torch.float32).contiguous()
        for name, tensor in export_tensors(model).items()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    _write_json(folder / "config.json", export_config(config, model.vocab_size))
    defaults: dict[str, Any] = {"max_new_tokens": generation.max_new_tokens, "do_sample": False}
    if generation.repetition_penalty != 1:
        defaults["repetition_penalty"] = generation.repetition_penalty
    if generation.num_beams > 1:
        defaults["num_beams"] = generation.num_beams
    elif generation.temperature > 0:
        defaults |= {
            "do_sample": True,
            "temperature": generation.temperature,
            "top_k": generation.top_k,
            "top_p": generation.top_p or 1e-9,  # top-p 0 keeps the likeliest token alone
        }
    _write_json(folder / "generation_config.json", defaults)
    if not fits_gpt2(config):
        for name in ("gpt.py", "modeling_gtt.py"):
            shutil.copyfile(Path(__file__).parent / name, folder / name)
    _write_json(
        folder / "gtt.json",
        {
            "format": FORMAT,
            "model": config.model_dump(),
            "vocab_size": model.vocab_size,
            **about,
        },
    )


def read_about(folder: Path) -> dict[str, Any]:
    """What `gtt.json` says; raises `UnusableRun` where it is missing, damaged or too new."""
    path = folder / "gtt.json"
    try:
        about = json.loads(read_plain_text(path))
        version = about["format"]
    except FileNotFoundError:
        raise UnusableRun(f"{folder} is not a checkpoint: it has no gtt.json.") from None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnusableRun(f"{path} cannot be read ({error}): take another checkpoint.") from None
    if not isinstance(version, int) or version > FORMAT:
        raise UnusableRun(
            f"{folder} was written by a newer version of GTT (format {version}, this one reads "
            f"{FORMAT}): update GTT."
        )
    return dict(about)


def load_model(folder: Path) -> tuple[GPT, dict[str, Any]]:
    """The model of a checkpoint folder, in eval mode on the CPU, and what `gtt.json` says.

    Raises `UnusableRun` where the folder is damaged, its tensors do not fit its configuration, or
    `transformers` would read another model out of it.
    """
    about = read_about(folder)
    try:
        config = parse(ModelConfig, about["model"])
        vocab_size = int(about["vocab_size"])
    except (InvalidSetting, LookupError, TypeError, ValueError, OverflowError) as error:
        raise UnusableRun(f"{folder}/gtt.json does not describe a model: {error}") from None
    _refuse_cut_weights(folder, config, vocab_size)
    refuse_other_config(folder, export_config(config, vocab_size))
    with torch.random.fork_rng(devices=[]):  # the initial weights are thrown away
        model = GPT(config, vocab_size)
    load_weights(model, folder)
    return model.eval(), about


def refuse_other_config(folder: Path, expected: dict[str, Any]) -> None:
    """Raises `UnusableRun` where `config.json` is missing, damaged or tells of another model."""
    path = folder / "config.json"
    try:
        config = json.loads(read_plain_text(path))
        differing = [
            name
            for name, value in expected.items()
            if name not in INCIDENTAL and config.get(name) != value
        ]
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise UnusableRun(f"{path} cannot be read ({error}): take another checkpoint.") from None
    if differing:
        name = differing[0]
        raise UnusableRun(
            f"{folder}: config.json does not describe the model of gtt.json ({name} is "
            f"{config.get(name)!r}, expected {expected[name]!r}): mend it, or take another "
            "checkpoint."
        )


def _refuse_cut_weights(folder: Path, config: ModelConfig, vocab_size: int) -> None:
    """Raises `UnusableRun` where the file is too small for the model, before memory is taken."""
    path = folder / "model.safetensors"
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UnusableRun(f"{path} cannot be read ({error}): take another checkpoint.") from None
    if vocab_size < 1 or size < 4 * config.parameter_count(vocab_size):
        raise UnusableRun(
            f"{path} cannot be read (it is smaller than the model of gtt.json): take another "
            "checkpoint."
        )


def load_weights(model: GPT, folder: Path) -> None:
    """Copies the weights of a checkpoint into `model`; all of them or, on an error, none.

    Raises `UnusableRun` where the file is damaged, holds other tensors than the model's, or values
    that are no numbers.
    """
    path = folder / "model.safetensors"
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError, LookupError, TypeError, ValueError) as error:
        raise UnusableRun(f"{path} cannot be read ({error}): take another checkpoint.") from None
    expected = {name: tuple(tensor.shape) for name, tensor in export_tensors(model).items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted(expected.keys() | shapes.keys()):
        if expected.get(name) != shapes.get(name):
            raise UnusableRun(
                f"{folder}: the weights do not fit the configuration ({name} is "
                f"{shapes.get(name, 'missing')}, expected {expected.get(name, 'nothing')}): "
                "take another checkpoint."
            )
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise UnusableRun(
                f"{folder}: the weights are not numbers ({name}): take a checkpoint from before "
                "the training diverged."
            )
    state = model.state_dict()
    with torch.no_grad():
        for name in state.keys() & tensors.keys():  # the rest are zeros that only GPT-2 needs
            state[name].copy_(tensors[name])


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
