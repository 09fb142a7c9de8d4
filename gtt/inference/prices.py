"""What a question about a model costs, told from its shape and length before anything begins.

The prices are of one core of the machine in `docs/measurements.md`. They choose the process that
answers, and refuse what no patience would see to its end; a slower machine is held to the limits on
time all the same. No torch is needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from gtt.config import GenerationConfig, ModelConfig
from gtt.errors import BadInput, InvalidSetting
from gtt.inference import bounds
from gtt.inference.questions import (
    AblationJob,
    AttentionJob,
    DrawingJob,
    FollowJob,
    GenerateJob,
    HabitsJob,
    LensJob,
    Look,
    NextTokenJob,
    ReadingJob,
)
from gtt.settings import parse

# Seconds on one core, measured: see docs/measurements.md, "Prices of questions".
PER_PRODUCT = 2e-11  # a multiplication with its addition
PER_WEIGHT = 7e-9  # one number of a (T, T) map of attention: scores, mask, softmax, product
PER_LAYER = 1e-4  # the calls for a layer
PER_HEAD = 3e-5  # the calls for a head that is computed by itself
PER_BYTE = 2.5e-10  # copied, or read from a disk that the system remembers
DRAWN_LAYER = 0.04
DRAWN_HEAD = 2e-3
LARGEST_ABOUT = 1_000_000  # bytes of gtt.json, which is read while others wait


@dataclass(frozen=True)
class Price:
    """`seconds` in all and of the longest `step`, which nothing can interrupt; `bytes` at once."""

    seconds: float
    step: float
    bytes: float


@dataclass(frozen=True)
class Shape:
    """A model as far as prices go: its settings, its vocabulary, the bytes of its weights."""

    model: ModelConfig
    vocab_size: int
    bytes: int

    def reading(self, tokens: int, batch: int = 1, layers_kept: int = 0) -> Price:
        """One pass over (batch, tokens); the attention of `layers_kept` layers is kept."""
        model = self.model
        T, C, L, H = tokens, model.n_embed, model.n_layers, model.n_heads
        per_token = L * C * (4 * C + 2 * model.mlp_width) + C * self.vocab_size
        products = batch * (T * per_token + 2 * L * T * T * C)
        weights = batch * L * H * T * T
        apart = H * PER_HEAD if model.attention == "separate_heads" else 0.0
        seconds = products * PER_PRODUCT + weights * PER_WEIGHT + L * (PER_LAYER + apart)
        # Scores, mask and weights of a layer at once, and what is kept as it is and as doubles.
        transient = 4 * batch * (4 * H * T * T + T * (6 * C + 2 * model.mlp_width))
        kept = 24 * batch * layers_kept * H * T * T + 8 * batch * T * self.vocab_size
        return Price(seconds, seconds, transient + kept)


def price_of(job: Any) -> Price | None:
    """The price of a question, None where nothing can be told before it is looked at."""
    if isinstance(job, DrawingJob):
        return _price_of_drawing(job)
    if not isinstance(job, Look | GenerateJob):
        return Price(0.0, 0.0, 0.0)
    shape = shape_of(job.checkpoint)
    if shape is None:
        return None
    price = _price(job, shape)
    load = shape.bytes * PER_BYTE
    return Price(price.seconds + load, max(price.step, load), price.bytes + shape.bytes)


def refuse_too_dear(job: Any, price: Price, seconds: float, most_bytes: float) -> None:
    """Raises `BadInput` for a job beyond these bounds, with what would fit."""

    def fits(other: Any) -> bool:
        cost = price_of(other)
        return cost is None or (cost.seconds <= seconds and cost.bytes <= most_bytes)

    if price.seconds <= seconds and price.bytes <= most_bytes:
        return
    if price.bytes > most_bytes:
        needs = (
            f"This needs about {price.bytes / 1e9:.2g} GB of memory, and "
            f"{most_bytes / 1e9:.2g} GB are there for one question"
        )
    else:
        needs = f"This would take about {price.seconds:,.0f} s, and {seconds:,.0f} s are allowed"
    for field, what, fewer in _smaller(job):
        most = _largest(fewer, fits)
        if most:
            raise BadInput(f"{needs}: {what.format(most=most)}.", field=field)
    raise BadInput(f"{needs}: ask about a smaller model.", field="checkpoint")


def shape_of(checkpoint: str) -> Shape | None:
    """The shape of the model in a folder, None where that cannot be read.

    Raises FileNotFoundError where there is none.
    """
    about, weights = Path(checkpoint, "gtt.json"), Path(checkpoint, "model.safetensors")
    return _shape(str(about), about.stat().st_mtime_ns, weights.stat().st_size)


@lru_cache(maxsize=256)
def _shape(about: str, changed: int, size: int) -> Shape | None:
    try:
        with open(about, "rb") as file:
            values = json.loads(file.read(LARGEST_ABOUT))
        return Shape(parse(ModelConfig, values["model"]), int(values["vocab_size"]), size)
    except (
        OSError,
        InvalidSetting,
        ArithmeticError,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
    ):
        return None  # damaged: whoever opens it says how


def _price(job: Any, shape: Shape) -> Price:
    model, vocabulary = shape.model, shape.vocab_size
    block, layers = model.block_size, model.n_layers
    if isinstance(job, GenerateJob):
        return _price_of_text(job, shape)
    if isinstance(job, NextTokenJob):
        return shape.reading(min(block, _length(job.text, job.ids)))
    if isinstance(job, ReadingJob):
        tokens = min(bounds.READ_TOKENS, _length(job.text, job.ids))
        window = shape.reading(min(block, tokens))
        passes = 1 + max(0, tokens - block) // max(1, block // 2)
        told = tokens * vocabulary * 5e-9  # the odds of every token, as doubles
        return Price(window.seconds * passes + told, window.step, window.bytes)
    if isinstance(job, LensJob):
        tokens = min(block, _length(job.text))
        read = shape.reading(tokens)
        places = min(job.positions, tokens)
        said = (layers + 1) * places * vocabulary * (model.n_embed * PER_PRODUCT + 2e-8)
        kept = 4 * layers * tokens * model.n_embed + 8 * (layers + 1) * places * vocabulary
        return Price(read.seconds + said, read.step + said, read.bytes + kept)
    if isinstance(job, FollowJob):
        tokens = min(bounds.FOLLOWED_TOKENS, block, _length(job.text))
        return shape.reading(tokens, layers_kept=layers)
    if isinstance(job, AttentionJob):
        asked = layers if job.layers is None else min(layers, len(job.layers))
        heads = model.n_heads if job.heads is None else min(model.n_heads, len(job.heads))
        tokens = bounds.attention_tokens(model, asked, heads, packed=job.packed)
        return shape.reading(min(tokens, _length(job.text)), layers_kept=asked)
    if isinstance(job, HabitsJob):
        tokens = bounds.habit_tokens(model)
        one = shape.reading(tokens, layers_kept=layers)
        passes = bounds.HABIT_TEXTS + bounds.REPEATED_TEXTS
        feeding = feeding_texts(shape) * _feeding(shape)
        return Price(passes * one.seconds + feeding, one.step, one.bytes)
    if isinstance(job, AblationJob):
        one = shape.reading(bounds.ablation_tokens(model))
        passes = 2 + 2 * bounds.ablation_windows(model)
        return Price(passes * one.seconds, one.step, one.bytes)
    return Price(0.0, 0.0, 0.0)  # copies are looked for a piece at a time


def feeding_texts(shape: Shape) -> int:
    """On how many texts it is asked what feeds induction heads; 0 where one is too dear."""
    return min(bounds.FEEDING_TEXTS, int(bounds.FEEDING_SECONDS / _feeding(shape)))


def _feeding(shape: Shape) -> float:
    """Seconds to read one text once without each of the heads."""
    heads = shape.model.n_layers * shape.model.n_heads
    return heads * shape.reading(bounds.REPEATED_TOKENS).seconds


def _price_of_text(job: GenerateJob, shape: Shape) -> Price:
    model, given = shape.model, job.settings
    count = _number(given.get("max_new_tokens"), GenerationConfig().max_new_tokens)
    beams = _number(given.get("num_beams"), 1)
    block = model.block_size
    prompt = min(block, _length(given.get("prompt"), job.prompt_ids))
    slides = max(0, prompt + count - block) // max(1, block // 4)
    first, window = shape.reading(prompt, beams), shape.reading(max(1, 3 * block // 4), beams)
    one = shape.reading(1, beams)
    cache = 8 * model.n_layers * beams * block * model.n_embed  # bytes of keys and values
    token = one.seconds + cache * PER_BYTE * (1 if beams > 1 else 0.2)
    longest = max(first.step, window.step if slides else 0.0, token)
    return Price(
        seconds=first.seconds + slides * window.seconds + count * token,
        step=longest,
        bytes=max(first.bytes, window.bytes if slides else 0) + cache * (2 if beams > 1 else 1),
    )


def _price_of_drawing(job: DrawingJob) -> Price | None:
    try:
        model = parse(ModelConfig, job.model)
    except InvalidSetting:
        return None
    apart = model.n_heads * DRAWN_HEAD if model.attention == "separate_heads" else 0.0
    seconds = 0.05 + model.n_layers * (DRAWN_LAYER + apart)
    return Price(seconds, seconds, 50e6 + 1e5 * model.n_layers * (1 + model.n_heads))


def _length(text: str | None, ids: list[int] | None = None) -> int:
    """At most so many tokens: a token has one byte at least."""
    if ids is not None:
        return max(1, len(ids))
    return max(1, len((text or " ").encode("utf-8", "surrogatepass")))


def _number(value: Any, default: int) -> int:
    """A number among settings that are not checked yet; what is none is refused where they are."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return max(1, min(int(value), 1_000_000)) if is_number else default


Smaller = tuple[str, str, Callable[[int], Any]]


def _smaller(job: Any) -> Iterable[Smaller]:
    """Ways to ask for less: the field, what to do, and the job with so many of it."""
    if isinstance(job, GenerateJob):

        def with_setting(name: str) -> Callable[[int], Any]:
            return lambda most: replace(job, settings={**job.settings, name: most})

        if _number(job.settings.get("num_beams"), 1) > 1:
            yield "num_beams", "take {most} beams at most", with_setting("num_beams")
        yield "max_new_tokens", "draw {most:,} tokens at most", with_setting("max_new_tokens")
    elif isinstance(job, NextTokenJob | ReadingJob) and job.ids is not None:
        ids = job.ids
        yield "ids", "give {most:,} ids at most", lambda most: replace(job, ids=ids[:most])
    elif isinstance(job, NextTokenJob | ReadingJob | LensJob | AttentionJob | FollowJob):
        text = job.text or ""
        what = "give a text of {most:,} characters at most"
        yield "text", what, lambda most: replace(job, text=text[:most])


def _largest(fewer: Callable[[int], Any], fits: Callable[[Any], bool]) -> int:
    """The largest number with which a job fits, from 1 to a million; 0 where none does."""
    low, high = 0, 1_000_000
    while low < high:
        middle = (low + high + 1) // 2
        if fits(fewer(middle)):
            low = middle
        else:
            high = middle - 1
    return low
