"""The pocket model: one HTML file with the model in it, which any browser runs without a network.

The JavaScript in `pocket/` is the whole of it: a forward pass, a tokenizer, sampling, in a worker,
and a page around them. Here the files are put together with the weights: in half precision, in
which the page writes what GTT writes, or in eight bits where the file would be too large.
"""

from __future__ import annotations

import base64
import json
import string
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gtt.config import ModelConfig, RunConfig, size_name
from gtt.data.public_settings import public_source
from gtt.data.tokenizer_json import BYTE_OF
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput
from gtt.exports.formats import WeightsName
from gtt.exports.one_file import one_file, text
from gtt.model.export import load_model
from gtt.model.gpt import GPT
from gtt.plain_files import read_plain_text
from gtt.support import ANY, Support

FOLDER = Path(__file__).parent / "pocket"
WORKER = ("ranking.js", "weights.js", "tokenizer.js", "model.js", "sampling.js", "worker.js")
PAGE = ("ranking.js", "asking.js", "writing.js", "attention.js")

LARGEST: dict[str, int] = {  # parameters: 160 MB of text, which a telephone still opens
    "fp16": 60_000_000,
    "int8": 120_000_000,
}
HALVES_UP_TO = 20_000_000  # parameters: a file of 53 MB, beyond which it is eight bits
PrecisionName = Literal["fp16", "int8"]
PRECISIONS: dict[str, str] = {  # as the page says it
    "fp16": "Its weights are kept in 16 bits.",
    "int8": "Its weights are rounded to 8 bits, so that the file is half as large: what it writes "
    "may differ from what the model wrote where it was trained.",
}
FULL = 65504.0  # the largest half-precision number

# What `pocket/model.js` computes.
supports = Support(
    "The pocket model does not compute model.{}: take the folder for transformers instead.",
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


def weights_for(count: int, wished: WeightsName = "auto") -> PrecisionName:
    """The precision of a page with that many parameters: as wished, else what fits its size."""
    if wished != "auto":
        return wished
    return "fp16" if count <= HALVES_UP_TO else "int8"


def refusal(model: ModelConfig, vocab_size: int, wished: WeightsName = "auto") -> str | None:
    """None where the page can run such a model, else a sentence that says why not."""
    unknown = supports.refusal(model)
    if unknown is not None:
        return unknown
    count = model.parameter_count(vocab_size)
    precision = weights_for(count, wished)
    if count > LARGEST[precision]:
        instead = "int8" if count <= LARGEST["int8"] else "the folder for transformers"
        return (
            f"A page with {size_name(count)} parameters in {precision} is more than a browser "
            f"opens ({size_name(LARGEST[precision])}): take {instead} instead."
        )
    return None


def pocket_page(checkpoint: Path, config: RunConfig, weights: WeightsName = "auto") -> str:
    """The page with the model of a checkpoint; raises `BadInput` where it cannot be one."""
    model, about = load_model(checkpoint)
    tokenizer = Tokenizer.load(checkpoint)
    reason = refusal(model.config, model.vocab_size, weights)
    if reason is not None:
        raise BadInput(reason, field="as")
    precision = weights_for(model.config.parameter_count(model.vocab_size), weights)
    tensors = _tensors(model.state_dict(), tied=model.config.tie_embeddings)
    kinds = {
        name: precision if _is_matrix(name, tensor) else "fp16" for name, tensor in tensors.items()
    }
    facts = {
        "model": {**model.config.model_dump(mode="json"), "mlp_width": model.config.mlp_width},
        "vocabulary": model.vocab_size,
        "tokenizer": tokenizer_layout(tokenizer, checkpoint),
        "tensors": [[name, list(values.shape), kinds[name]] for name, values in tensors.items()],
    }
    packed = b"".join(
        _eighths(values) if kinds[name] == "int8" else _halves(name, values).tobytes()
        for name, values in tensors.items()
    )
    draws = config.generation
    prompt = draws.prompt
    if tokenizer.unknown_characters(prompt):
        prompt = tokenizer.decode([0])
    body = string.Template(_read("page.html")).substitute(
        title=text(config.name),
        summary=text(_summary(config.data.source, model.config, model.vocab_size)),
        prompt="\n" + text(prompt),  # HTML drops the first line break in a field
        temperature=_within(draws.temperature, 0, 2),
        top_k=min(draws.top_k, model.vocab_size),
        top_p=draws.top_p,
        count=min(draws.max_new_tokens, 2000),
        vocabulary=model.vocab_size,
        about_training=text(_training(about)),
        precision=PRECISIONS[precision],
        about=as_json(facts),
        weights=base64.b64encode(packed).decode("ascii"),
        worker="\n".join(_read(name) for name in WORKER),
        page="\n".join(_read(name) for name in PAGE),
    )
    return one_file(config.name, _read("page.css"), body, scripts=True)


def tokenizer_layout(tokenizer: Tokenizer, checkpoint: Path) -> dict[str, Any]:
    """What tokenizer.js needs; raises `BadInput` for a tokenizer that it does not know."""
    layout = json.loads(read_plain_text(checkpoint / "tokenizer.json"))
    if tokenizer.alphabet is not None:
        return {"kind": "char", "tokens": list(tokenizer.alphabet)}
    model, before = layout["model"], layout["pre_tokenizer"] or {}
    added = layout.get("added_tokens") or []
    is_plain = (
        model["type"] == "BPE"
        and before.get("type") == "ByteLevel"
        and before.get("use_regex", True)
        and not before.get("add_prefix_space")
        and layout.get("normalizer") is None
        and not model.get("ignore_merges")
        and not model.get("continuing_subword_prefix")
        and not model.get("end_of_word_suffix")
        and not any(
            token.get(flag) for token in added for flag in ("lstrip", "rstrip", "single_word")
        )
        and all(symbol in model["vocab"] for symbol in BYTE_OF)
    )
    if not is_plain:
        raise BadInput(
            "The pocket model knows characters and byte pairs as GPT-2 has them, and this model's "
            "tokenizer is another one: take the folder for transformers instead.",
            field="as",
        )
    numbers = {**model["vocab"], **{token["content"]: token["id"] for token in added}}
    tokens = [""] * tokenizer.vocab_size
    for token, number in numbers.items():
        tokens[number] = token
    return {
        "kind": "bpe",
        "tokens": tokens,
        "merges": [f"{first} {second}" for first, second in tokenizer.merges],
        "marks": [token["content"] for token in added],
    }


def as_json(values: Any) -> str:
    """JSON that may stand in a script element: nothing in it ends the element or begins another."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _tensors(state: dict[str, Tensor], *, tied: bool) -> dict[str, Tensor]:
    return {
        name: values for name, values in state.items() if not (tied and name == "lm_head.weight")
    }


def _is_matrix(name: str, values: Tensor) -> bool:
    """Whether eight bits are enough: for large tables, not for norms, biases and positions."""
    return values.dim() == 2 and name != "transformer.wpe.weight"


def eight_bits(values: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """A matrix as whole numbers from -127 to 127 and a scale for each of its rows, in fp32."""
    array = values.detach().float().numpy()
    scales = np.abs(array).max(axis=1, initial=0.0) / 127
    steps = np.where(scales > 0, scales, 1.0)[:, None]
    return np.rint(array / steps).astype(np.int8), scales.astype("<f4")


def as_on_page(model: GPT, precision: PrecisionName) -> GPT:
    """The model with its weights rounded as a page has them, for comparing what the two write."""
    with torch.no_grad():
        for name, values in model.named_parameters():
            if precision == "int8" and _is_matrix(name, values):
                numbers, scales = eight_bits(values)
                rounded = torch.from_numpy(numbers.astype(np.float32) * scales[:, None])
            else:
                rounded = values.half().float()
            values.copy_(rounded)
    return model


def _eighths(values: Tensor) -> bytes:
    numbers, scales = eight_bits(values)
    return scales.tobytes() + numbers.tobytes()


def _halves(name: str, values: Tensor) -> np.ndarray:
    """Little-endian half-precision numbers; raises `BadInput` for weights beyond them."""
    array = values.detach().float().numpy()
    largest = float(np.abs(array).max(initial=0.0))
    if largest > FULL:
        raise BadInput(
            f"The weights of {name} reach {largest:.3g}, and half precision ends at {FULL:,.0f}: "
            "take the folder for transformers instead.",
            field="as",
        )
    return array.astype("<f2")


def _within(number: float, least: float, most: float) -> float:
    return min(most, max(least, number))


def _summary(source_name: str, model: ModelConfig, vocab_size: int) -> str:
    source = public_source(source_name)
    text = f" on {source.title}" if source.kind in ("built-in", "hub") else ""
    return (
        f"A small GPT with {model.parameter_count(vocab_size):,} parameters, trained from "
        f"scratch{text}: "
        f"{model.n_layers} layers of {model.n_heads} heads, {vocab_size:,} tokens, of which it "
        f"sees {model.block_size} at a time."
    )


def _training(about: dict[str, Any]) -> str:
    step, loss = about.get("step"), about.get("validation_loss")
    sentence = f"Trained for {step:,} steps" if isinstance(step, int) else "Trained from scratch"
    if isinstance(loss, (int, float)):
        sentence += f", to a loss of {loss:.3f} nats per token"
    return sentence + "."


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
