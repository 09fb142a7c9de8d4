"""Drawing text from a model: one token at a time, each read with a key/value cache."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor

from gtt.config import GenerationConfig
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput
from gtt.model import decoding
from gtt.model.decoding import Decoder
from gtt.model.gpt import GPT, KeyValueCache
from gtt.model.growing_text import GrowingText

EMPTY_PROMPT = "The prompt is empty: give at least one character."
NOT_NUMBERS = "The odds of this model are not numbers: take a checkpoint from before it diverged."


@contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Switches dropout off inside the `with` block and restores what was set before.

    Never hold it open across a `yield`: the model may be training in between.
    """
    if not model.training:  # to switch every module costs more than a small model's token
        yield
        return
    model.eval()
    try:
        yield
    finally:
        model.train()


def next_token_odds(
    logits: Tensor, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
) -> Tensor:
    """Probabilities (…, V) from logits (…, V) after temperature, then top-k, then top-p.

    Temperature 0 puts all the odds on the likeliest token. `top_k` 0 and `top_p` 1 are off. Top-p
    keeps the smallest set of tokens whose odds reach p, at least one (nucleus sampling, Holtzman et
    al. 2020); top-k keeps the k likeliest (Fan et al. 2018).
    """
    logits = logits.float()
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    # With the maximum at 0 first, a small temperature gives -inf and never inf - inf; one so small
    # that fp32 takes it for 0 would give 0 / 0.
    logits = (logits - logits.amax(-1, keepdim=True)) / max(temperature, 1e-30)
    if 0 < top_k < logits.shape[-1]:
        smallest_kept = logits.topk(top_k, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < smallest_kept, float("-inf"))
    odds = logits.softmax(dim=-1)
    if top_p < 1:
        ranked, order = odds.sort(dim=-1, descending=True, stable=True)
        before = ranked.cumsum(dim=-1) - ranked  # the odds of all that rank higher
        cut = before >= top_p
        cut[..., 0] = False
        odds = odds.masked_fill(cut.scatter(-1, order, cut), 0.0)
        odds = odds / odds.sum(dim=-1, keepdim=True)
    return odds


def penalise(logits: Tensor, previous: Tensor, penalty: float) -> Tensor:
    """Logits (B, V) with those of the tokens in `previous` (B, T) made less likely.

    A positive logit is divided by the penalty, a negative one multiplied (Keskar et al. 2019); 1
    changes nothing.
    """
    if penalty == 1:
        return logits
    own = logits.gather(-1, previous)
    return logits.scatter(-1, previous, torch.where(own > 0, own / penalty, own * penalty))


def sample_tokens(
    model: GPT,
    tokens: Tensor,
    settings: GenerationConfig,
    generator: torch.Generator | None = None,
) -> Iterator[Tensor]:
    """Yields the next token of each sequence, (B,), `settings.max_new_tokens` times.

    `tokens` is (B, T) with T at least 1, all rows of one length; only the last `block_size` of them
    are read. Past the block size the window slides by a quarter of a block at a time, so that most
    tokens still cost one position: a model with learned positions has to read its window anew when
    the window moves. The model stays as it is between two tokens, training mode included, and
    torch's default generator is not touched where `generator` is given. `num_beams` plays no part.
    Raises `FloatingPointError` where the model's odds are not numbers, as after a diverged
    training.
    """
    if tokens.shape[1] == 0:
        raise BadInput(EMPTY_PROMPT, field="prompt")
    reader = Reader(model, tokens)
    sequence = tokens  # (B, T + what was drawn)
    for position in range(settings.max_new_tokens):
        logits = penalise(reader.logits(), sequence, settings.repetition_penalty)
        token = _draw(logits, settings, generator)
        yield token
        if position + 1 == settings.max_new_tokens:
            return
        reader.append(token)
        if settings.repetition_penalty != 1:
            sequence = torch.cat([sequence, token[:, None]], dim=1)


def beam_search(model: GPT, tokens: Tensor, settings: GenerationConfig) -> Iterator[Tensor]:
    """Yields, step by step, the likeliest continuation of `tokens` (1, T) that it finds.

    At each step the `num_beams` likeliest sequences of all continuations of those before are kept,
    by the sum of their log-odds (Graves 2012). A step yields the tokens (N,) on which all of them
    agree by then, often none; the last one yields the rest. Temperature, top-k, top-p and the seed
    play no part; the repetition penalty acts on log-odds here, as in `transformers`.
    """
    beams = settings.num_beams
    reader = Reader(model, tokens.expand(beams, -1))
    written = tokens.expand(beams, -1)  # (beams, T + what was written)
    scores = torch.full((beams,), float("-inf"), device=tokens.device)
    scores[0] = 0.0  # they are all the same at first: only one may go on
    settled = tokens.shape[1]
    for position in range(settings.max_new_tokens):
        log_odds = reader.logits().float().log_softmax(-1)
        log_odds = penalise(log_odds, written, settings.repetition_penalty)
        totals = scores[:, None] + log_odds  # (beams, V)
        if bool(totals.isnan().any()):
            raise FloatingPointError(NOT_NUMBERS)
        scores, best = totals.flatten().topk(min(beams, totals.numel()))
        parents, next_ids = best // totals.shape[1], best % totals.shape[1]
        written = torch.cat([written[parents], next_ids[:, None]], dim=1)
        if position + 1 == settings.max_new_tokens:
            yield written[0, settled:]  # the best stands first
            return
        agreed = (written[:, settled:] == written[0, settled:]).all(0).long().cumprod(0).sum()
        yield written[0, settled : settled + int(agreed)]
        settled += int(agreed)
        reader.keep(parents)
        reader.append(next_ids)


def continue_tokens(
    model: GPT,
    ids: Sequence[int],
    settings: GenerationConfig,
    generator: torch.Generator | None = None,
) -> Iterator[list[int]]:
    """Yields, step by step, what follows one sequence of ids: drawn, or found by beam search.

    A step costs one reading of the model and gives one token, or with beams any number of them.
    Raises `BadInput` for no ids, and what `sample_tokens` raises.
    """
    if not ids:
        raise BadInput(EMPTY_PROMPT, field="prompt")
    tokens = torch.tensor([ids], device=next(model.parameters()).device)
    if settings.num_beams > 1:
        return (token.tolist() for token in beam_search(model, tokens, settings))
    return ([int(token)] for token in sample_tokens(model, tokens, settings, generator))


class Reader:
    """A model reading sequences that grow by a token at a time, B together.

    `tokens` is (B, T). What was read stays in a key/value cache; one sequence on a CPU is read by
    the shorter way of `Decoder`, if that knows the model.
    """

    def __init__(self, model: GPT, tokens: Tensor) -> None:
        self.model = model
        self.block_size = model.config.block_size
        slide = max(1, self.block_size // 4)
        self.length_after_slide = max(1, self.block_size - slide)
        self.cache = KeyValueCache(model, tokens.shape[0])
        self.window = tokens[:, -self.block_size :]
        self.unread = self.window
        weight = model.lm_head.weight
        short = len(tokens) == 1 and weight.device.type == "cpu" and weight.dtype == torch.float32
        is_known = short and decoding.supports(model.config)
        self.decoder = Decoder(model, self.cache) if is_known else None

    @torch.inference_mode()
    def logits(self) -> Tensor:
        """Logits (B, V) of what comes next; dropout is off."""
        if self.decoder is not None and self.unread.shape[1] == 1:
            return self.decoder.read(int(self.unread))
        with evaluating(self.model):
            logits: Tensor = self.model(self.unread, cache=self.cache)[:, -1]
        return logits

    def append(self, token: Tensor) -> None:
        """Adds a token (B,) to each sequence."""
        self.unread = token[:, None]  # (B, 1)
        self.window = torch.cat([self.window, self.unread], dim=1)
        if self.cache.length == self.block_size:
            self.window = self.window[:, -self.length_after_slide :]
            self.unread, self.cache.length = self.window, 0

    def keep(self, rows: Tensor) -> None:
        """Goes on with these sequences (B,) alone; one may be there several times."""
        self.window = self.window[rows]
        for layer, (keys, values) in enumerate(zip(self.cache.keys, self.cache.values)):
            self.cache.keys[layer], self.cache.values[layer] = keys[rows], values[rows]


@torch.inference_mode()
def _draw(logits: Tensor, settings: GenerationConfig, generator: torch.Generator | None) -> Tensor:
    """One token (B,) for each row of logits (B, V)."""
    if settings.temperature == 0:
        return logits.argmax(-1)
    odds = next_token_odds(logits, settings.temperature, settings.top_k, settings.top_p)
    if not math.isfinite(float(odds.sum())):
        raise FloatingPointError(NOT_NUMBERS)
    token: Tensor = torch.multinomial(odds, 1, generator=generator)[:, 0]
    return token


def seeded(seed: int, device: torch.device) -> torch.Generator:
    """A random generator of one's own, so that drawing leaves every other stream untouched."""
    generator = torch.Generator(device)
    generator.manual_seed(seed)
    return generator


def generate_text(model: GPT, tokenizer: Tokenizer, settings: GenerationConfig) -> Iterator[str]:
    """Yields the continuation of `settings.prompt` piece by piece; joined, it is the whole.

    A piece is held back while it may be the start of a stop string or an unfinished UTF-8
    character. The text ends before the first stop string. Raises `BadInput` at once for a prompt
    that is empty or holds characters the tokenizer does not know.
    """
    device = next(model.parameters()).device
    generator = None if settings.seed is None else seeded(settings.seed, device)
    steps = continue_tokens(model, tokenizer.encode(settings.prompt), settings, generator)
    return _as_text(steps, GrowingText(tokenizer, settings.stop))


def _as_text(steps: Iterator[list[int]], growing: GrowingText) -> Iterator[str]:
    for token in chain.from_iterable(steps):
        if piece := growing.add(token):
            yield piece
        if growing.is_ended:
            return
    if piece := growing.finish():
        yield piece


def complete(
    model: GPT,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    settings: GenerationConfig,
    generator: torch.Generator | None = None,
    batch_size: int = 64,
) -> list[str]:
    """The continuations of many prompts, prompts of one length drawn together.

    Each continuation ends before the first of `settings.stop`, or after `max_new_tokens`. They are
    always drawn, never found by beam search.
    """
    device = next(model.parameters()).device
    encoded = [tokenizer.encode(prompt) for prompt in prompts]
    answers = [""] * len(prompts)
    by_length: dict[int, list[int]] = {}
    for index, ids in enumerate(encoded):
        by_length.setdefault(len(ids), []).append(index)
    for length in sorted(by_length):
        same = by_length[length]
        for first in range(0, len(same), batch_size):
            group = same[first : first + batch_size]
            tokens = torch.tensor([encoded[index] for index in group], device=device)
            with evaluating(model):
                drawn = torch.stack(list(sample_tokens(model, tokens, settings, generator)), dim=1)
            for index, ids in zip(group, drawn.tolist()):
                answers[index] = _until(tokenizer.decode(ids), settings.stop)
    return answers


def _until(text: str, stops: Sequence[str]) -> str:
    ends = [at for stop in stops if stop and (at := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text
