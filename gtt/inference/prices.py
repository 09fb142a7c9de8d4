"""The cost of a question about a model, estimated from shape and length before it begins.

Seconds are those of one core of the machine in `docs/measurements.md`. The price decides which
process gets the job, and a job beyond all limits is refused at once; while it runs, the limits on
time hold on every machine. No torch is needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from gtt.config import GenerationConfig, ModelConfig
from gtt.data.corpus import parts_of
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
from gtt.plain_files import open_plain
from gtt.settings import parse

# Seconds on one core, measured: see docs/measurements.md, "Prices of questions".
PER_PRODUCT = 2e-11  # a multiplication with its addition
PER_WEIGHT = 5e-9  # one number of a (T, T) map of attention: scores, mask, softmax, product
PER_WEIGHT_LARGE = 7e-9  # likewise, where the maps of a layer take their pages anew each time
LARGE_MAPS = 2**25  # bytes from which they do, with glibc
PER_BYTE_READ = 8e-11  # of a model's weights, which go through the processor with every pass
PER_LAYER, PER_LAYER_SHOWN = 1e-4, 2.5e-4  # the calls for a layer; with all that is inside shown
PER_HEAD = 3e-5  # the calls for a head that is computed by itself
PER_BYTE = 2.5e-10  # copied, or read from a disk that the system remembers
LOADED_LAYER, LOADED_BYTE = 1e-3, 1.7e-9  # of a model that is made and filled
PER_TOKEN_TOLD = 8e-5  # its odds, its rank, its alternatives
PER_ODDS = 5e-9  # one of them, as a double
PER_ODDS_OF_LAYER = 2e-8  # one of those that a layer would have said
PER_STEP_OF_BEAMS = 1.5e-3
PER_WEIGHT_TOLD, PER_WEIGHT_PACKED = 8e-8, 2e-8  # of an answer with attention in it
PER_WEIGHT_JUDGED = 2e-8  # the habits of a head
FOLLOWED, FOLLOWED_WIDTH = 3e-3, 5e-5  # the steps of a path, with numbers as wide as the model
DRAWN, DRAWN_LAYER, DRAWN_HEAD = 0.02, 0.04, 2e-3
LARGEST_ABOUT = 1_000_000  # bytes of gtt.json, which is read while others wait


@dataclass(frozen=True)
class Price:
    """`seconds` in all and of the longest `step`, which nothing can interrupt; `bytes` at once."""

    seconds: float
    step: float
    bytes: float


@dataclass(frozen=True)
class Shape:
    """A model as far as prices go: its settings, its vocabulary, the bytes of its weights.

    `fingerprint` is that of the text that it learned.
    """

    model: ModelConfig
    vocab_size: int
    bytes: int
    fingerprint: str | None = None

    @property
    def calls(self) -> float:
        """Seconds of the calls for a layer with nothing shown: heads may be computed one by one."""
        is_apart = self.model.attention == "separate_heads"
        return PER_LAYER + (self.model.n_heads * PER_HEAD if is_apart else 0.0)

    def reading(
        self,
        tokens: int,
        batch: int = 1,
        layers_kept: int = 0,
        calls: float | None = None,
    ) -> Price:
        """One pass over (batch, tokens); the attention of `layers_kept` layers is kept.

        `calls` are the seconds of those for a layer, by default as for a look, which sees all that
        is inside.
        """
        model = self.model
        T, C, L, H = tokens, model.n_embed, model.n_layers, model.n_heads
        per_token = L * C * (4 * C + 2 * model.mlp_width) + C * self.vocab_size
        products = batch * (T * per_token + 2 * L * T * T * C)
        weights = batch * L * H * T * T
        called = L * (PER_LAYER_SHOWN if calls is None else calls)
        read = self.bytes * PER_BYTE_READ
        is_large = 4 * batch * H * T * T > LARGE_MAPS
        attended = weights * (PER_WEIGHT_LARGE if is_large else PER_WEIGHT)
        seconds = products * PER_PRODUCT + attended + called + read
        # Scores, mask and weights of a layer at once, and what is kept as it is and as doubles.
        transient = 4 * batch * (4 * H * T * T + T * (6 * C + 2 * model.mlp_width))
        kept_bytes = 24 * batch * layers_kept * H * T * T + 8 * batch * T * self.vocab_size
        return Price(seconds, seconds, transient + kept_bytes)


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
    load = shape.model.n_layers * LOADED_LAYER + shape.bytes * LOADED_BYTE
    # Once for many questions, so that it decides no more than it must of who waits for whom.
    step = max(price.step, shape.bytes * PER_BYTE)
    return Price(price.seconds + load, step, price.bytes + shape.bytes)


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
    for field, advice, fewer in _smaller(job):
        most = _largest(fewer, fits)
        if most:
            raise BadInput(f"{needs}: {advice.format(most=most)}.", field=field)
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
        with open_plain(about) as file:
            values = json.loads(file.read(LARGEST_ABOUT))
        recorded = values.get("fingerprint")
        fingerprint = recorded if isinstance(recorded, str) else None
        model = parse(ModelConfig, values["model"])
        return Shape(model, int(values["vocab_size"]), size, fingerprint)
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
        windows = [shape.reading(length) for length in bounds.reading_windows(tokens, block)]
        json_seconds = tokens * (PER_TOKEN_TOLD + vocabulary * PER_ODDS)
        return Price(
            sum(window.seconds for window in windows) + json_seconds,
            windows[0].step,
            windows[0].bytes,
        )
    if isinstance(job, LensJob):
        tokens = min(block, _length(job.text))
        read = shape.reading(tokens)
        places = min(job.positions, tokens)
        reading_out = (
            (layers + 1) * places * vocabulary * (model.n_embed * PER_PRODUCT + PER_ODDS_OF_LAYER)
        )
        kept_bytes = 4 * layers * tokens * model.n_embed + 8 * (layers + 1) * places * vocabulary
        return Price(read.seconds + reading_out, read.step + reading_out, read.bytes + kept_bytes)
    if isinstance(job, FollowJob):
        tokens = min(bounds.FOLLOWED_TOKENS, block, _length(job.text))
        path = FOLLOWED + model.n_embed * FOLLOWED_WIDTH
        return _longer(shape.reading(tokens, layers_kept=layers), path)
    if isinstance(job, AttentionJob):
        layer_count = layers if job.layers is None else min(layers, len(job.layers))
        heads = model.n_heads if job.heads is None else min(model.n_heads, len(job.heads))
        most = bounds.attention_tokens(model, layer_count, heads, packed=job.packed)
        tokens = min(most, _length(job.text))
        json_seconds = (
            layer_count * heads * tokens**2 * (PER_WEIGHT_PACKED if job.packed else PER_WEIGHT_TOLD)
        )
        return _longer(shape.reading(tokens, layers_kept=layer_count), json_seconds)
    if isinstance(job, HabitsJob):
        tokens = bounds.habit_tokens(model)
        judged = layers * model.n_heads * tokens**2 * PER_WEIGHT_JUDGED
        full_window = _longer(shape.reading(tokens, layers_kept=layers), judged)
        repeats = min(2 * (block // 2), bounds.REPEATED_TOKENS)
        repeated = shape.reading(repeats, layers_kept=layers)
        seconds = (
            bounds.HABIT_TEXTS * full_window.seconds + bounds.REPEATED_TEXTS * repeated.seconds
        )
        if texts := feeding_texts(shape):  # at most: it is asked only where heads do induction
            fed = (layers - 1) * model.n_heads
            seconds += fed * shape.reading(repeats, texts, layers_kept=layers).seconds
        return Price(seconds, max(full_window.step, repeated.step), full_window.bytes)
    if isinstance(job, AblationJob):
        length = bounds.ablation_tokens(model)
        full_window = shape.reading(length)
        prompt_pass = shape.reading(min(length, _length(job.text)))
        count = _validation_windows(job, shape, length)
        seconds = 2 * prompt_pass.seconds + 2 * count * full_window.seconds
        return Price(seconds, full_window.step if count else prompt_pass.step, full_window.bytes)
    return Price(0.0, 0.0, 0.0)  # copies are looked for a piece at a time


def _longer(price: Price, seconds: float) -> Price:
    """The price with `seconds` added to its single step."""
    return Price(price.seconds + seconds, price.step + seconds, price.bytes)


def _validation_windows(job: AblationJob, shape: Shape, length: int) -> int:
    """How many windows of validation text are read, by how much of it is kept."""
    parts = parts_of(Path(job.corpora), shape.fingerprint) if shape.fingerprint else None
    starts = len(parts[1]) - length if parts is not None else 0
    return max(0, min(bounds.ablation_windows(shape.model), starts))


def feeding_texts(shape: Shape) -> int:
    """The number of texts on which feeders of induction heads are measured; 0 where one text
    costs too much."""
    return min(bounds.FEEDING_TEXTS, int(bounds.FEEDING_SECONDS / _feeding(shape)))


def _feeding(shape: Shape) -> float:
    """Seconds to read one text once without each of the heads."""
    heads = shape.model.n_layers * shape.model.n_heads
    return heads * shape.reading(bounds.REPEATED_TOKENS).seconds


def _price_of_text(job: GenerateJob, shape: Shape) -> Price:
    model, settings = shape.model, job.settings
    count = _number(settings.get("max_new_tokens"), GenerationConfig().max_new_tokens)
    beams = _number(settings.get("num_beams"), 1)
    block = model.block_size
    prompt = min(block, _length(settings.get("prompt"), job.prompt_ids))
    slides = max(0, prompt + count - block) // max(1, block // 4)
    first = shape.reading(prompt, beams, calls=shape.calls)
    window = shape.reading(max(1, block - block // 4), beams, calls=shape.calls)
    # One sequence is read by a shorter way.
    one_token = shape.reading(1, beams, calls=shape.calls if beams > 1 else PER_LAYER)
    cache = 8 * model.n_layers * beams * block * model.n_embed  # bytes of keys and values
    growing = min(count, block - prompt)
    attended_places = growing * (prompt + growing / 2)
    attended_places += (count - growing) * (block - block / 8)
    attended = beams * model.n_layers * model.n_heads * attended_places * PER_WEIGHT
    token = one_token.seconds + attended / count
    if beams > 1:  # which go on from one another: their caches are copied
        token += cache * PER_BYTE + PER_STEP_OF_BEAMS
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
    seconds = DRAWN + model.n_layers * (DRAWN_LAYER + apart)
    return Price(seconds, seconds, 50e6 + 1e5 * model.n_layers * (1 + model.n_heads))


def _length(text: str | None, ids: list[int] | None = None) -> int:
    """An upper bound on the number of tokens: each has at least one byte."""
    if ids is not None:
        return max(1, len(ids))
    return max(1, len((text or " ").encode("utf-8", "surrogatepass")))


def _number(value: Any, default: int) -> int:
    """A number from settings that are not validated yet; the default where it is no number."""
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
        advice = "give a text of {most:,} characters at most"
        yield "text", advice, lambda most: replace(job, text=text[:most])


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
