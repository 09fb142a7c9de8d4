"""Questions about the heads of a model: attention, habits, and the loss without them.

A function that takes long is a generator and yields now and then, so that others have their turn.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gtt.data.repeats import LONGEST_PERIOD, repeated_tokens, sayable_tokens
from gtt.errors import UnusableRun
from gtt.inference import bounds
from gtt.inference.checked_values import (
    TokenTexts,
    as_base64,
    corpus_of,
    last_ids,
    numbers_asked,
    plain,
)
from gtt.inference.loaded import Loaded
from gtt.inference.pipe import Result
from gtt.inference.prices import Shape, feeding_texts
from gtt.inference.questions import AblationJob, AttentionJob, HabitsJob
from gtt.interpret.ablation import logits_without, loss_without
from gtt.interpret.attention import attention_maps, weights_without
from gtt.interpret.feeding import feeding_heads
from gtt.interpret.heads import (
    Habits,
    chance_of,
    habits_of,
    induction_scores,
    is_inducing,
    mean_habits,
    name_of,
    preferences,
    weight_by_token,
)
from gtt.model.sampling import NOT_NUMBERS


def attention(job: AttentionJob, loaded: Loaded) -> Result:
    """What each head looks at while the model reads the end of a text."""
    config = loaded.model.config
    layers = numbers_asked(job.layers, config.n_layers, "layer", "layers")
    heads = numbers_asked(job.heads, config.n_heads, "head", "heads")
    most = bounds.attention_tokens(config, len(layers), len(heads), packed=job.packed)
    ids, cut = last_ids(loaded, job.text, most)
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


def habits(job: HabitsJob, loaded: Loaded) -> Generator[str, None, Result]:
    """The habits of each head, on validation text and on repeated random tokens."""
    config = loaded.model.config
    parts = corpus_of(job.checkpoint, job.corpora)
    random = np.random.default_rng(0)
    length = bounds.habit_tokens(config)
    validation = parts[1] if parts is not None and len(parts[1]) >= length else None
    if validation is not None:
        starts = random.integers(0, len(validation) - length + 1, bounds.HABIT_TEXTS)
        texts = [validation[start : start + length].astype(np.int64) for start in starts]
        vocabulary = sayable_tokens(loaded.tokenizer, validation[: 1 << 18])
    else:
        vocabulary = sayable_tokens(loaded.tokenizer, np.arange(loaded.tokenizer.vocab_size))
        texts = [random.choice(vocabulary, length) for _ in range(bounds.HABIT_TEXTS)]
    longest = min(config.block_size // 2, len(vocabulary), LONGEST_PERIOD)
    period = longest if longest > 1 else None
    layers = range(config.n_layers)
    scores = []
    count = bounds.REPEATED_TEXTS
    repeated = repeated_tokens(vocabulary, period, count) if period else np.empty((0, 0))
    for text in repeated:
        scores.append(induction_scores(_weights(loaded, text, layers), len(text) // 2))
        yield ""
    induction = np.mean(scores, axis=0) if scores else None
    measured: list[list[Habits]] = []
    by_token = []
    for text in texts:
        weights = _weights(loaded, text, layers)
        measured.append(habits_of(weights, text, induction))
        by_token.append(weight_by_token(weights, text))
        yield ""
    token_texts = TokenTexts(loaded.tokenizer)
    liked = [
        [{**asdict(preference), "text": token_texts[preference.id]} for preference in head]
        for head in preferences(by_token)
    ]
    (chance,) = mean_habits([[chance_of(text, period)] for text in texts])
    heads = mean_habits(measured)
    named = [
        {**head_habits.as_json(), "name": name_of(head_habits, chance), "preferred": tokens}
        for head_habits, tokens in zip(heads, liked)
    ]
    inducing = [
        divmod(number, config.n_heads)
        for number, head_habits in enumerate(heads)
        if is_inducing(head_habits, chance)
    ]
    count = feeding_texts(Shape(config, loaded.model.vocab_size, loaded.bytes))
    tokens = torch.from_numpy(repeated[:count])
    feeders = yield from feeding_heads(loaded.model, tokens, inducing if count else [])
    for (layer, head), head_feeders in feeders.items():
        named[layer * config.n_heads + head]["fed_by"] = [asdict(feeder) for feeder in head_feeders]
    by_layer = [
        named[start : start + config.n_heads] for start in range(0, len(named), config.n_heads)
    ]
    return {
        "heads": by_layer,
        "chance": {**chance.as_json(), "name": None},
        "measured_on": "random" if validation is None else "validation",
        "tokens": length,
        "period": period,
    }


def ablation(job: AblationJob, loaded: Loaded) -> Generator[str, None, Result]:
    """Losses and odds with some heads switched off."""
    config = loaded.model.config
    for layer, head in job.heads:
        numbers_asked([layer], config.n_layers, "layer", "heads")
        numbers_asked([head], config.n_heads, "head", "heads")
    off = [(layer, head) for layer, head in job.heads]
    length, most = bounds.ablation_tokens(config), bounds.ablation_windows(config)
    ids, cut = last_ids(loaded, job.text, length)
    tokens = torch.tensor([ids])
    before = logits_without(loaded.model, tokens, ())[0]
    yield ""
    after = logits_without(loaded.model, tokens, off)[0]
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
    windows = list(_validation_windows(job.checkpoint, job.corpora, length, most))
    measured = []
    for window in windows:
        pair = []
        for heads in ((), off):
            pair.append(loss_without(loaded.model, window[:, :-1], window[:, 1:], heads))
            yield ""
        measured.append(pair)
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


def _weights(loaded: Loaded, ids: npt.NDArray[Any], layers: Sequence[int]) -> npt.NDArray[Any]:
    """Attention weights of all heads, (layers H, T, T)."""
    weights = weights_without(loaded.model, torch.from_numpy(ids)[None], layers)[0]
    return weights.flatten(0, 1).numpy()


def _validation_windows(checkpoint: str, corpora: str, length: int, most: int) -> Iterator[Tensor]:
    """Windows (1, length + 1) from all over the validation part, none where it is gone."""
    parts = corpus_of(checkpoint, corpora)
    if parts is None or len(parts[1]) < length + 1:
        return
    starts = np.linspace(0, len(parts[1]) - length - 1, most).astype(int)
    for start in sorted(set(starts.tolist())):
        yield torch.from_numpy(parts[1][start : start + length + 1].astype(np.int64))[None]


def _without_future(scores: Tensor) -> list[Any]:
    """Scores (layers, H, T, T) as nested lists, None where a query would see the future."""
    return [
        [[[plain(score) for score in row] for row in head] for head in layer]
        for layer in scores.tolist()
    ]


def _pack(weights: Tensor) -> str:
    """The lower triangles of weights (layers, H, T, T), as `AttentionJob` describes them."""
    rows, columns = np.tril_indices(weights.shape[-1])
    return as_base64((weights.numpy()[:, :, rows, columns] * 65535).round(), "<u2")
