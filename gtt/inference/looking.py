"""Looks into a model, for a page: what `gtt.interpret` computes, with tokens as text and in bounds.

A function that takes long is a generator and yields now and then, so that others have their turn.
"""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gtt.config import ModelConfig
from gtt.data.corpus import parts_of
from gtt.data.repeats import LONGEST_PERIOD, repeated_tokens, sayable_tokens
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput, UnusableRun
from gtt.inference.loaded import Loaded
from gtt.inference.pipe import Result
from gtt.inference.questions import (
    AblationJob,
    AttentionJob,
    CopiesJob,
    DrawingJob,
    FollowJob,
    HabitsJob,
    LensJob,
    NextTokenJob,
    ReadingJob,
)
from gtt.interpret.ablation import logits_without, losses_without
from gtt.interpret.architecture import draw
from gtt.interpret.attention import attention_maps
from gtt.interpret.copying import Copies, find_copies
from gtt.interpret.following import follow
from gtt.interpret.heads import (
    Habits,
    chance_of,
    habits_of,
    induction_scores,
    mean_habits,
    name_of,
)
from gtt.interpret.lens import logit_lens
from gtt.interpret.probing import activations_of
from gtt.interpret.surprise import mean_surprise, read_text
from gtt.model.export import read_about
from gtt.model.sampling import next_token_odds, penalise
from gtt.settings import parse

ATTENTION_TOKENS = 256
ATTENTION_WEIGHTS = 2**19  # of all heads together: 4 MB on their way to the page
PACKED_WEIGHTS = 2**22  # likewise, as two bytes each
READ_TOKENS = 4096  # of a text that is read token by token
FOLLOWED_TOKENS = 48
HABIT_TEXTS = 8
REPEATED_TEXTS = 16
ABLATION_WINDOWS = 16
COPY_SECONDS = 60.0
COPY_CHUNK = 1 << 15  # words or tokens at a time: others have their turn in between
COMPARED_WORDS = 4000  # of the validation part
NOT_NUMBERS = "The odds of this model are not numbers: take a checkpoint from before it diverged."

Answer = Result | Generator[str, None, Result]


@singledispatch
def look(job: Any, loaded: Loaded) -> Answer:
    """The answer to a question about a checkpoint, at once or step by step; raises `BadInput`."""
    raise TypeError(job)


@look.register
def next_token(job: NextTokenJob, loaded: Loaded) -> Result:
    """The odds of the token after a text."""
    given = _given_ids(loaded, job.ids, job.text)
    most = loaded.model.config.block_size
    ids = given[-most:]
    tokens = torch.tensor([ids])
    logits = activations_of(loaded.model, tokens, lambda name: False)[0][0, -1].float()  # (V,)
    odds = logits.softmax(dim=-1)
    if not bool(odds.isfinite().all()):
        raise UnusableRun(NOT_NUMBERS, field="checkpoint")
    penalised = penalise(logits[None], torch.tensor([given]), job.repetition_penalty)[0]
    kept = next_token_odds(penalised, job.temperature, job.top_k, job.top_p)
    likeliest = odds.sort(descending=True, stable=True).indices[: job.count].tolist()
    return {
        "tokens": [
            {
                "id": id,
                "text": loaded.tokenizer.token_text(id),
                "odds": float(odds[id]),
                "kept_odds": float(kept[id]),
            }
            for id in likeliest
        ],
        "entropy": float(torch.special.entr(odds.double()).sum()),
        "context_tokens": len(ids),
        "cut": len(given) - len(ids),
        "ids": given,
        "logits": _as_base64(logits.numpy(), "<f4") if job.packed else None,
    }


@look.register
def attention(job: AttentionJob, loaded: Loaded) -> Result:
    """What each head looks at while the model reads the end of a text."""
    config = loaded.model.config
    layers = _asked(job.layers, config.n_layers, "layer")
    heads = _asked(job.heads, config.n_heads, "head")
    budget = PACKED_WEIGHTS * 2 if job.packed else ATTENTION_WEIGHTS
    fitting = math.isqrt(budget // max(1, len(layers) * len(heads)))
    ids, cut = _last_ids(
        loaded, job.text, max(1, min(ATTENTION_TOKENS, config.block_size, fitting))
    )
    maps = attention_maps(loaded.model, ids, layers)
    scores, weights = maps.scores[:, heads].double(), maps.weights[:, heads].double()
    if not bool(weights.isfinite().all()):
        raise UnusableRun(NOT_NUMBERS, field="checkpoint")
    return {
        "tokens": [loaded.tokenizer.token_text(id) for id in ids],
        "ids": ids,
        "cut": cut,
        "layers": layers,
        "heads": heads,
        "weights": None if job.packed else weights.round(decimals=4).tolist(),
        "scores": _without_future(scores) if job.scores else None,
        "packed": _pack(weights) if job.packed else None,
    }


@look.register
def habits(job: HabitsJob, loaded: Loaded) -> Generator[str, None, Result]:
    """What each head does by habit, on validation text and on random tokens said twice."""
    config = loaded.model.config
    parts = _corpus_of(job.checkpoint, job.corpora)
    random = np.random.default_rng(0)
    length = min(ATTENTION_TOKENS, config.block_size)
    if parts is not None and len(parts[1]) >= length:
        validation = parts[1]
        starts = random.integers(0, len(validation) - length + 1, HABIT_TEXTS)
        texts = [validation[start : start + length].astype(np.int64) for start in starts]
        vocabulary = sayable_tokens(loaded.tokenizer, validation[: 1 << 18])
    else:
        vocabulary = sayable_tokens(loaded.tokenizer, np.arange(loaded.tokenizer.vocab_size))
        texts = [random.choice(vocabulary, length) for _ in range(HABIT_TEXTS)]
    period = min(config.block_size // 2, len(vocabulary), LONGEST_PERIOD)
    layers = range(config.n_layers)
    scores = []
    for text in repeated_tokens(vocabulary, period, REPEATED_TEXTS) if period > 1 else ():
        scores.append(induction_scores(_weights(loaded, text, layers), period))
        yield ""
    induction = np.mean(scores, axis=0) if scores else None
    measured: list[list[Habits]] = []
    for text in texts:
        measured.append(habits_of(_weights(loaded, text, layers), text, induction))
        yield ""
    (chance,) = mean_habits([[chance_of(text)] for text in texts])
    named = [{**one.as_json(), "name": name_of(one, chance)} for one in mean_habits(measured)]
    by_layer = [
        named[start : start + config.n_heads] for start in range(0, len(named), config.n_heads)
    ]
    return {
        "heads": by_layer,
        "chance": {
            **chance.as_json(),
            "induction": 1 / period if period > 1 else None,
            "name": None,
        },
        "measured_on": "validation" if parts is not None else "random",
        "tokens": length,
        "period": period if period > 1 else None,
    }


@look.register
def ablation(job: AblationJob, loaded: Loaded) -> Generator[str, None, Result]:
    """Losses and odds with some heads switched off."""
    config = loaded.model.config
    for layer, head in job.heads:
        _asked([layer], config.n_layers, "layer")
        _asked([head], config.n_heads, "head")
    off = [(layer, head) for layer, head in job.heads]
    ids, cut = _last_ids(loaded, job.text, config.block_size)
    tokens = torch.tensor([ids])
    before, after = (logits_without(loaded.model, tokens, heads)[0] for heads in ((), off))
    yield ""
    targets = torch.tensor(ids[1:])
    losses = [
        float(torch.nn.functional.cross_entropy(logits[:-1].float(), targets))
        if len(ids) > 1
        else None
        for logits in (before, after)
    ]
    odds, without = (logits[-1].double().softmax(-1) for logits in (before, after))
    if not bool(odds.isfinite().all()):
        raise UnusableRun(NOT_NUMBERS, field="checkpoint")
    likeliest = torch.maximum(odds, without).sort(descending=True, stable=True).indices
    windows = list(_validation_windows(job.checkpoint, job.corpora, config.block_size))
    measured = []
    for window in windows:
        measured.append(losses_without(loaded.model, window[:, :-1], window[:, 1:], off))
        yield ""
    means = np.mean(measured, axis=0).tolist() if measured else (None, None)
    return {
        "loss": losses[0],
        "loss_without": losses[1],
        "validation": means[0],
        "validation_without": means[1],
        "windows": len(windows),
        "cut": cut,
        "next": [
            {
                "id": id,
                "text": loaded.tokenizer.token_text(id),
                "odds": float(odds[id]),
                "odds_without": float(without[id]),
            }
            for id in likeliest[: job.count].tolist()
        ],
    }


@look.register
def reading(job: ReadingJob, loaded: Loaded) -> Result:
    """A text token by token, with the odds that each was given."""
    ids = _given_ids(loaded, job.ids, job.text or "")
    if len(ids) > READ_TOKENS:
        raise BadInput(
            f"The text has {len(ids):,} tokens, more than the {READ_TOKENS:,} that are read at "
            "once: give a part of it.",
            field="text",
        )
    try:
        readings = read_text(loaded.model, ids, job.alternatives)
    except FloatingPointError:
        raise UnusableRun(NOT_NUMBERS, field="checkpoint") from None
    shown = _Texts(loaded.tokenizer)
    tokens = [
        {
            **{key: value for key, value in asdict(one).items() if key != "alternatives"},
            "text": shown[one.id],
            "alternatives": [
                {"id": id, "text": shown[id], "odds": odds} for id, odds in one.alternatives
            ],
        }
        for one in readings
    ]
    loss = mean_surprise(readings)
    known = [one for one in readings if one.surprise is not None]
    size = len(loaded.tokenizer.decode([one.id for one in known]).encode("utf-8", "replace"))
    return {
        "tokens": tokens,
        "loss": loss,
        "perplexity": None if loss is None else math.exp(min(loss, 700)),
        "bits_per_byte": None
        if loss is None or not size
        else loss * len(known) / size / math.log(2),
    }


@look.register
def lens(job: LensJob, loaded: Loaded) -> Result:
    """What each layer would have said."""
    ids, cut = _last_ids(loaded, job.text, loaded.model.config.block_size)
    places = list(range(max(0, len(ids) - job.positions), len(ids)))
    read = [
        (name, logits[places].double().softmax(-1))
        for name, logits in logit_lens(loaded.model, ids)
    ]
    final = read[-1][1]  # (positions, V)
    if not bool(final.isfinite().all()):
        raise UnusableRun(NOT_NUMBERS, field="checkpoint")
    said = final.argmax(-1, keepdim=True)
    shown = _Texts(loaded.tokenizer)
    layers = []
    for name, odds in read:
        own = odds.gather(-1, said)
        top = odds.topk(min(job.count, odds.shape[-1]), dim=-1)
        layers.append(
            {
                "name": name,
                "likeliest": [
                    [{"id": id, "text": shown[id], "odds": value} for id, value in zip(row, values)]
                    for row, values in zip(top.indices.tolist(), top.values.tolist())
                ],
                "final_odds": own[:, 0].tolist(),
                "final_rank": (1 + (odds > own).sum(-1)).tolist(),
            }
        )
    return {
        "tokens": [shown[id] for id in ids],
        "places": places,
        "layers": layers,
        "cut": cut,
    }


@look.register
def following(job: FollowJob, loaded: Loaded) -> Result:
    """One token's way through a layer."""
    config = loaded.model.config
    _asked([job.layer], config.n_layers, "layer")
    ids, cut = _last_ids(loaded, job.text, min(FOLLOWED_TOKENS, config.block_size))
    if not -len(ids) <= job.place < len(ids):
        raise BadInput(
            f"There is no token {job.place}: the text has tokens 0 to {len(ids) - 1}.",
            field="place",
        )
    place = job.place % len(ids)
    path = follow(loaded.model, ids, place, job.layer)
    shown = _Texts(loaded.tokenizer)
    steps = [
        {
            **{key: value for key, value in asdict(step).items() if key != "ids"},
            "rows": [[_plain(value) for value in row] for row in step.rows],
            "texts": [shown[id] for id in step.ids],
        }
        for step in path.steps
    ]
    return {
        "tokens": [shown[id] for id in ids],
        "place": place,
        "layer": job.layer,
        "steps": steps,
        "stream": [{"name": name, "length": length} for name, length in path.stream],
        "cut": cut,
    }


@look.register
def copies(job: CopiesJob, loaded: Loaded) -> Generator[str, None, Result]:
    """What of a text stands word for word in the training part."""
    parts = _corpus_of(job.checkpoint, job.corpora)
    if parts is None:
        raise UnusableRun(
            "The text that this model was trained on is no longer kept as tokens: train a run on "
            "it again to compare.",
            field="checkpoint",
        )
    train, validation = parts
    tokenizer = loaded.tokenizer
    compared = " ".join(_first_words(tokenizer, validation, COMPARED_WORDS))
    began = time.monotonic()
    whole = True

    def in_time() -> Iterator[str]:
        nonlocal whole
        for piece in tokenizer.decode_in_pieces(train, COPY_CHUNK):
            if time.monotonic() - began > COPY_SECONDS:
                whole = False
                return
            yield piece

    looking = find_copies(job.text, in_time(), compared, chunk=COPY_CHUNK)
    while True:
        try:
            next(looking)
        except StopIteration as end:
            found: Copies = end.value
            return {**asdict(found), "whole": whole}
        yield ""


def drawing(job: DrawingJob) -> Result:
    """The graph of a model that needs no checkpoint."""
    drawn = draw(parse(ModelConfig, job.model), job.vocab_size, job.batch, job.tokens)
    return {
        **{key: value for key, value in asdict(drawn).items() if key != "source"},
        "source": [
            {"line": line, "first": first, "code": code}
            for line, (first, code) in drawn.source.items()
        ],
    }


class _Texts(dict[int, str]):
    """Tokens as text, each looked up once."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self._tokenizer = tokenizer

    def __missing__(self, id: int) -> str:
        self[id] = text = self._tokenizer.token_text(id)
        return text


def encode(tokenizer: Tokenizer, text: str, name: str) -> list[int]:
    """The tokens of a text, at least one; raises `BadInput` with the field `name`."""
    try:
        ids = tokenizer.encode(text)
    except BadInput as error:
        raise BadInput(error.message, field=name) from None
    if not ids:
        raise BadInput(f"The {name} is empty: give at least one character.", field=name)
    return ids


def checked_ids(tokenizer: Tokenizer, ids: Sequence[int], name: str) -> list[int]:
    """Ids that the tokenizer has, at least one; raises `BadInput` with the field `name`."""
    if not ids or not all(0 <= id < tokenizer.vocab_size for id in ids):
        raise BadInput(
            f"{name} must be token numbers from 0 to {tokenizer.vocab_size - 1}, at least one.",
            field=name,
        )
    return list(ids)


def _given_ids(loaded: Loaded, ids: list[int] | None, text: str) -> list[int]:
    if ids is not None:
        return checked_ids(loaded.tokenizer, ids, "ids")
    return encode(loaded.tokenizer, text, "text")


def _last_ids(loaded: Loaded, text: str, most: int) -> tuple[list[int], int]:
    """The last tokens of a text, `most` of them, and how many were cut off on the left."""
    ids = encode(loaded.tokenizer, text, "text")
    return ids[-most:], max(0, len(ids) - most)


def _asked(numbers: list[int] | None, count: int, what: str) -> list[int]:
    """Those asked for, or all; raises `BadInput` where there is no such layer or head."""
    for number in numbers or ():
        if not 0 <= number < count:
            raise BadInput(
                f"There is no {what} {number}: they go from 0 to {count - 1}.", field=f"{what}s"
            )
    return list(range(count)) if numbers is None else list(numbers)


def _weights(loaded: Loaded, ids: npt.NDArray[Any], layers: Sequence[int]) -> npt.NDArray[Any]:
    """Attention weights of all heads, (layers H, T, T)."""
    return attention_maps(loaded.model, ids.tolist(), layers).weights.flatten(0, 1).numpy()


def _corpus_of(checkpoint: str, corpora: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
    """The training and validation tokens of the text of a checkpoint, None where they are gone."""
    fingerprint = read_about(Path(checkpoint)).get("fingerprint")
    return parts_of(Path(corpora), fingerprint) if isinstance(fingerprint, str) else None


def _validation_windows(checkpoint: str, corpora: str, block_size: int) -> Iterator[Tensor]:
    """Windows (1, block size + 1) from all over the validation part, none where it is gone."""
    parts = _corpus_of(checkpoint, corpora)
    if parts is None or len(parts[1]) < block_size + 1:
        return
    starts = np.linspace(0, len(parts[1]) - block_size - 1, ABLATION_WINDOWS).astype(int)
    for start in sorted(set(starts.tolist())):
        yield torch.from_numpy(parts[1][start : start + block_size + 1].astype(np.int64))[None]


def _first_words(tokenizer: Tokenizer, ids: npt.NDArray[Any], count: int) -> list[str]:
    words: list[str] = []
    for piece in tokenizer.decode_in_pieces(ids, 1 << 13):
        words += piece.split()
        if len(words) >= count:
            break
    return words[:count]


def _without_future(scores: Tensor) -> list[Any]:
    """Scores (layers, H, T, T) as nested lists, None where a query would see the future."""
    return [
        [[[_plain(score) for score in row] for row in head] for head in layer]
        for layer in scores.tolist()
    ]


def _plain(value: float) -> float | None:
    """A number as JSON has it, with about six digits."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _pack(weights: Tensor) -> str:
    """The lower triangles of weights (layers, H, T, T), as `AttentionJob` describes them."""
    rows, columns = np.tril_indices(weights.shape[-1])
    return _as_base64((weights.numpy()[:, :, rows, columns] * 65535).round(), "<u2")


def _as_base64(numbers: npt.NDArray[Any], dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers.astype(dtype)).tobytes()).decode("ascii")
