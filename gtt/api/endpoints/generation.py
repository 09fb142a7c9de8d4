"""Using a trained model: text, odds, attention."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gtt.api.api_errors import NotFound
from gtt.api.endpoints.checkpoints import Asking, answer_about, checkpoint_of, pieces_about
from gtt.api.schemas import (
    Attention,
    CaptureAttention,
    DrawnText,
    Generate,
    NextToken,
    NextTokens,
    ReadSnapshot,
    SnapshotInfo,
    Text,
    TokenOdds,
)
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.config import GenerationConfig
from gtt.errors import BadInput, UnusableRun
from gtt.inference import bounds
from gtt.inference.questions import AttentionJob, GenerateJob, NextTokenJob
from gtt.interpret.expectation import expected_attention
from gtt.runs.managed_run import ManagedRun
from gtt.runs.snapshot_files import read_snapshot
from gtt.settings import parse


async def generate_stream(caller: Caller, request: Generate) -> AsyncIterator[Text]:
    """The text as it grows; the last one is whole."""
    run, jobs = _generation(caller, request)
    drawn = [_Drawn(prompt=request.prompt or run.config.generation.prompt) for _ in jobs]
    if len(jobs) == 1:
        streams = [pieces_about(caller, run, request, jobs[0])]
    else:  # all of one checkpoint
        checkpoint = checkpoint_of(run, request)
        streams = [caller.stream(job(checkpoint)) for job in jobs]
    async for number, piece in _as_they_come(streams):
        drawn[number].take(piece)
        first = drawn[0]
        yield Text(
            run_id=run.id,
            prompt=first.prompt,
            text=first.text,
            tokens=sum(text.tokens for text in drawn),
            seconds=max(text.seconds for text in drawn),
            tokens_per_second=sum(text.tokens_per_second for text in drawn),
            seed=first.seed,
            samples=[DrawnText(text=text.text, ids=text.ids, seed=text.seed) for text in drawn],
        )


@dataclass
class _Drawn:
    """One text while it is being drawn."""

    prompt: str
    text: str = ""
    ids: list[int] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0
    tokens_per_second: float = 0.0
    seed: int | None = None

    def take(self, piece: dict[str, Any]) -> None:
        """Adds a piece, or what the last one says of the whole."""
        if not piece.get("done"):
            self.text += piece["text"]
            return
        for name in ("prompt", "text", "ids", "tokens", "seconds", "tokens_per_second", "seed"):
            setattr(self, name, piece[name])


async def _as_they_come(
    streams: Sequence[AsyncGenerator[dict[str, Any], None]],
) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """The pieces of several streams with the number of theirs; closing this closes them all."""
    waiting: dict[asyncio.Future[dict[str, Any]], int] = {}
    try:
        for number, stream in enumerate(streams):
            waiting[asyncio.ensure_future(anext(stream))] = number
        while waiting:
            finished, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for future in finished:
                number = waiting.pop(future)
                try:
                    piece = future.result()
                except StopAsyncIteration:
                    continue
                waiting[asyncio.ensure_future(anext(streams[number]))] = number
                yield number, piece
    finally:
        for future in waiting:
            future.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for stream in streams:
            await stream.aclose()


@endpoint("POST", "/api/generate", rate="generate", tag="models", stream=generate_stream)
async def generate(caller: Caller, request: Generate) -> Text:
    """Text from a trained model; as a stream with `Accept: text/event-stream`."""
    whole: Text | None = None
    async for text in generate_stream(caller, request):
        whole = text
    assert whole is not None
    return whole


@endpoint("POST", "/api/next_token", rate="look", tag="models")
async def next_token(caller: Caller, request: NextToken) -> NextTokens:
    """What the model holds likely after a text, before and after temperature, top-k and top-p."""
    run = caller.run_or_current(request.run_id)
    job = partial(NextTokenJob, **{**request.question(), "text": request.text or ""})
    answer = await answer_about(caller, run, request, job)
    tokens = [
        TokenOdds(id=token["id"], text=token["text"], odds=token["odds"], kept=token["kept_odds"])
        for token in answer["tokens"]
    ]
    return NextTokens(run_id=run.id, **{**answer, "tokens": tokens})


@endpoint("POST", "/api/attention/capture", rate="look", tag="models")
async def attention(caller: Caller, request: CaptureAttention) -> Attention:
    """Attention weights while the model reads a text, of all layers or of some."""
    run = caller.run_or_current(request.run_id)
    job = partial(AttentionJob, **request.question())
    answer = await answer_about(caller, run, request, job)
    pairs = expected_attention(run.config.data.source, answer["tokens"], is_cut=answer["cut"] > 0)
    expected = [[query, key] for query, key in pairs]
    return Attention(run_id=run.id, expected=expected, **answer)


@endpoint("GET", "/api/runs/{run_id}/snapshots/{step}", rate="read", tag="models")
def snapshot(caller: Caller, request: ReadSnapshot) -> SnapshotInfo:
    """The inside of a model as it was at a step of its training, also while that goes on."""
    run = caller.run(request.run_id)
    snapshots = run.reader.snapshots()
    up_to_step = [snapshot for snapshot in snapshots if snapshot.step <= request.step]
    if not up_to_step:
        raise NotFound(
            f"This run has no snapshot up to step {request.step}: its first one is of step "
            f"{snapshots[0].step}."
            if snapshots
            else "This run has taken no snapshot: training.snapshots is off, or it has just begun.",
            field="step",
        )
    try:
        arrays = read_snapshot(
            run.path / f"snapshots/step-{up_to_step[-1].step:08d}.safetensors",
            min(request.tokens, bounds.snapshot_tokens(run.config.model)),
        )
    except UnusableRun:
        raise NotFound("This snapshot is gone from the disk.", field="step") from None
    return SnapshotInfo(
        run_id=run.id,
        step=up_to_step[-1].step,
        tokens=arrays.texts,
        weights=arrays.attention.round(3).astype(float).round(3).tolist(),
        statistics=up_to_step[-1].statistics,
        steps=[snapshot.step for snapshot in snapshots],
    )


def _generation(caller: Caller, request: Generate) -> tuple[ManagedRun, list[Asking]]:
    """The run and a question for each sample; what is left out is as the run has it."""
    run = caller.run_or_current(request.run_id)
    settings_given: dict[str, Any] = request.model_dump(
        exclude={"run_id", "checkpoint", "samples", "prompt_ids"}, exclude_none=True
    )
    own = run.config.generation.model_dump(mode="json")
    if "max_new_tokens" not in settings_given:
        own["max_new_tokens"] = min(own["max_new_tokens"], 2000)
    settings = parse(GenerationConfig, {**own, **settings_given})
    plain = settings.model_dump(mode="json")
    if "prompt" not in settings_given:  # the run's own, or what its tokenizer has instead
        del plain["prompt"]
    if request.samples > 1 and settings.num_beams > 1:
        raise BadInput(
            "Beam search finds one text: ask for one sample, or for one beam.", field="samples"
        )
    first = secrets.randbelow(2**32) if settings.seed is None else settings.seed
    return run, [
        partial(
            GenerateJob,
            settings={**plain, "seed": (first + number) % 2**32},
            prompt_ids=request.prompt_ids,
        )
        for number in range(request.samples)
    ]
