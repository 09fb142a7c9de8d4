"""Questions about a text: odds, logit lens, one token's computation, copied passages.

A function that takes long is a generator and yields now and then, so that others have their turn.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict
from typing import Any

import numpy.typing as npt
import torch

from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput, UnusableRun
from gtt.inference import bounds
from gtt.inference.checked_values import (
    TokenTexts,
    as_base64,
    corpus_of,
    given_ids,
    last_ids,
    numbers_asked,
    plain,
)
from gtt.inference.loaded import Loaded
from gtt.inference.pipe import Result
from gtt.inference.questions import CopiesJob, FollowJob, LensJob, NextTokenJob, ReadingJob
from gtt.interpret.copying import Copies, find_copies
from gtt.interpret.following import follow
from gtt.interpret.lens import logit_lens
from gtt.interpret.path_steps import Spot
from gtt.interpret.probing import activations_of
from gtt.interpret.surprise import each_token, mean_surprise
from gtt.model.sampling import NOT_NUMBERS, next_token_odds, penalise

TOKENS_A_TURN = 64
COPY_SECONDS = 60.0
COPY_CHUNK = 1 << 15  # words or tokens at a time: others have their turn in between
COMPARED_WORDS = 4000  # of the validation part
CHARACTERS_OF_A_WORD = 6  # with the blank after it


def next_token(job: NextTokenJob, loaded: Loaded) -> Result:
    """The odds of the token after a text."""
    all_ids = given_ids(loaded, job.ids, job.text)
    most = loaded.model.config.block_size
    ids = all_ids[-most:]
    tokens = torch.tensor([ids])
    logits = activations_of(loaded.model, tokens, lambda name: False)[0][0, -1].float()  # (V,)
    odds = logits.softmax(dim=-1)
    if not bool(odds.isfinite().all()):
        raise UnusableRun(NOT_NUMBERS, field="checkpoint")
    penalised = penalise(logits[None], torch.tensor([all_ids]), job.repetition_penalty)[0]
    filtered_odds = next_token_odds(penalised, job.temperature, job.top_k, job.top_p)
    likeliest = odds.sort(descending=True, stable=True).indices[: job.count].tolist()
    return {
        "tokens": [
            {
                "id": id,
                "text": loaded.tokenizer.token_text(id),
                "odds": float(odds[id]),
                "kept_odds": float(filtered_odds[id]),
            }
            for id in likeliest
        ],
        "entropy": float(torch.special.entr(odds.double()).sum()),
        "context_tokens": len(ids),
        "cut": len(all_ids) - len(ids),
        "ids": all_ids,
        "logits": as_base64(logits.numpy(), "<f4") if job.packed else None,
    }


def reading(job: ReadingJob, loaded: Loaded) -> Generator[str, None, Result]:
    """A text token by token, with the odds that each was given."""
    ids = given_ids(loaded, job.ids, job.text or "")
    if len(ids) > bounds.READ_TOKENS:
        raise BadInput(
            f"The text has {len(ids):,} tokens, more than the {bounds.READ_TOKENS:,} that are read "
            "at once: give a part of it.",
            field="text",
        )
    readings = []
    try:
        for token in each_token(loaded.model, ids, job.alternatives):
            readings.append(token)
            if len(readings) % TOKENS_A_TURN == 0:
                yield ""
    except FloatingPointError:
        raise UnusableRun(NOT_NUMBERS, field="checkpoint") from None
    token_texts = TokenTexts(loaded.tokenizer)
    tokens = [
        {
            **{key: value for key, value in asdict(token).items() if key != "alternatives"},
            "text": token_texts[token.id],
            "alternatives": [
                {"id": id, "text": token_texts[id], "odds": odds} for id, odds in token.alternatives
            ],
        }
        for token in readings
    ]
    loss = mean_surprise(readings)
    predicted = [token for token in readings if token.surprise is not None]
    size = len(
        loaded.tokenizer.decode([token.id for token in predicted]).encode("utf-8", "replace")
    )
    return {
        "tokens": tokens,
        "loss": loss,
        "perplexity": None if loss is None else math.exp(min(loss, 700)),
        "bits_per_byte": None
        if loss is None or not size
        else loss * len(predicted) / size / math.log(2),
    }


def lens(job: LensJob, loaded: Loaded) -> Result:
    """The logit lens: the likeliest tokens after each layer."""
    ids, cut = last_ids(loaded, job.text, loaded.model.config.block_size)
    places = list(range(max(0, len(ids) - job.positions), len(ids)))
    read = [
        (name, logits.double().softmax(-1))
        for name, logits in logit_lens(loaded.model, ids, places)
    ]
    final = read[-1][1]  # (positions, V)
    if not bool(final.isfinite().all()):
        raise UnusableRun(NOT_NUMBERS, field="checkpoint")
    top_token = final.argmax(-1, keepdim=True)
    token_texts = TokenTexts(loaded.tokenizer)
    layers = []
    for name, odds in read:
        own = odds.gather(-1, top_token)
        top = odds.topk(min(job.count, odds.shape[-1]), dim=-1)
        layers.append(
            {
                "name": name,
                "likeliest": [
                    [
                        {"id": id, "text": token_texts[id], "odds": value}
                        for id, value in zip(row, values)
                    ]
                    for row, values in zip(top.indices.tolist(), top.values.tolist())
                ],
                "final_odds": own[:, 0].tolist(),
                "final_rank": (1 + (odds > own).sum(-1)).tolist(),
            }
        )
    return {
        "tokens": [token_texts[id] for id in ids],
        "places": places,
        "layers": layers,
        "cut": cut,
    }


def following(job: FollowJob, loaded: Loaded) -> Result:
    """One token's way through a layer."""
    config = loaded.model.config
    numbers_asked([job.layer], config.n_layers, "layer", "layer")
    ids, cut = last_ids(loaded, job.text, min(bounds.FOLLOWED_TOKENS, config.block_size))
    if not -len(ids) <= job.place < len(ids):
        raise BadInput(
            f"There is no token {job.place}: the text has tokens 0 to {len(ids) - 1}.",
            field="place",
        )
    place = job.place % len(ids)
    spot = Spot(job.step, job.row, job.column) if job.step else None
    path = follow(loaded.model, ids, place, job.layer, spot)
    if spot is not None and spot.name not in (names := [step.name for step in path.steps]):
        raise BadInput(
            f"There is no step {spot.name!r}; there are {', '.join(names)}.", field="step"
        )
    token_texts = TokenTexts(loaded.tokenizer)
    steps = [
        {
            **{key: value for key, value in asdict(step).items() if key != "ids"},
            "rows": [[plain(value) for value in row] for row in step.rows],
            "texts": [token_texts[id] for id in step.ids],
        }
        for step in path.steps
    ]
    return {
        "tokens": [token_texts[id] for id in ids],
        "place": place,
        "layer": job.layer,
        "steps": steps,
        "stream": [{"name": name, "length": length} for name, length in path.stream],
        "cut": cut,
    }


def copies(job: CopiesJob, loaded: Loaded) -> Generator[str, None, Result]:
    """What of a text stands word for word in the training part."""
    parts = corpus_of(job.checkpoint, job.corpora)
    if parts is None:
        raise UnusableRun(
            "The text that this model was trained on is no longer kept as tokens: train a run on "
            "it again to compare.",
            field="checkpoint",
        )
    train, validation = parts
    tokenizer = loaded.tokenizer
    compared = _first_words(tokenizer, validation, COMPARED_WORDS)
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
            copies_found: Copies = end.value
            return {**asdict(copies_found), "whole": whole}
        yield ""


def _first_words(tokenizer: Tokenizer, ids: npt.NDArray[Any], count: int) -> str:
    """So many words of a text, or as many characters as they have on average, if that is less."""
    text = ""
    for piece in tokenizer.decode_in_pieces(ids, 1 << 13):
        text += piece
        if len(text) >= count * CHARACTERS_OF_A_WORD:
            break
    return " ".join(text[: count * CHARACTERS_OF_A_WORD].split()[:count])
