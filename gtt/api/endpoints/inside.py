"""Using a trained model: text, odds, attention, architecture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from gtt.api.anatomy import parts_of
from gtt.api.errors import NotFound
from gtt.api.schemas import (
    Architecture,
    Attention,
    CaptureAttention,
    Generate,
    Inside,
    NextToken,
    NextTokens,
    OfDraftOrRun,
    ReadSnapshot,
    SnapshotInfo,
    Text,
    TokenOdds,
)
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.api.visitors import vocabulary_of
from gtt.config import GenerationConfig
from gtt.errors import BadInput, UnusableRun
from gtt.inference.client import AttentionJob, GenerateJob, NextTokenJob
from gtt.runs.managed import ACTIVE, ManagedRun
from gtt.runs.snapshot_files import read_snapshot
from gtt.settings import parse


async def generate_stream(caller: Caller, request: Generate) -> AsyncIterator[Text]:
    """The text as it grows; the last one is whole."""
    run, job = _generation(caller, request)
    text, prompt = "", request.prompt or run.config.generation.prompt
    async for piece in caller.service.inference.stream(job):
        prompt = piece.get("prompt", prompt)
        text = piece["text"] if piece.get("done") else text + piece["text"]
        yield Text(
            run_id=run.id,
            prompt=prompt,
            text=text,
            tokens=piece.get("tokens", 0),
            seconds=piece.get("seconds", 0.0),
            tokens_per_second=piece.get("tokens_per_second", 0.0),
            seed=piece.get("seed"),
        )


@endpoint(
    "POST",
    "/api/generate",
    rate="generate",
    tag="models",
    stream=generate_stream,
    examples=({"prompt": "One day", "max_new_tokens": 100, "seed": 1},),
)
async def generate(caller: Caller, request: Generate) -> Text:
    """Text from a trained model; as a stream with `Accept: text/event-stream`."""
    whole: Text | None = None
    async for text in generate_stream(caller, request):
        whole = text
    assert whole is not None
    return whole


@endpoint(
    "POST", "/api/next_token", rate="look", tag="models", examples=({"text": "One day the "},)
)
async def next_token(caller: Caller, request: NextToken) -> NextTokens:
    """What the model holds likely after a text, before and after temperature, top-k and top-p."""
    run = _run_with_model(caller, request)
    answer = await caller.service.inference.ask(
        NextTokenJob(
            checkpoint=_checkpoint(run, request),
            text=request.text,
            temperature=request.temperature,
            top_k=request.top_k,
            top_p=request.top_p,
            count=request.count,
        )
    )
    tokens = [
        TokenOdds(id=one["id"], text=one["text"], odds=one["odds"], kept=one["kept_odds"])
        for one in answer["tokens"]
    ]
    return NextTokens(
        run_id=run.id,
        tokens=tokens,
        entropy=answer["entropy"],
        context_tokens=answer["context_tokens"],
        cut=answer["cut"],
    )


@endpoint(
    "POST",
    "/api/attention/capture",
    rate="look",
    tag="models",
    examples=({"text": "One day the king"},),
)
async def attention(caller: Caller, request: CaptureAttention) -> Attention:
    """Attention weights while the model reads a text, of all layers or of some."""
    run = _run_with_model(caller, request)
    last = run.config.model.n_layers - 1
    for layer in request.layers or ():
        if not 0 <= layer <= last:
            raise BadInput(f"There is no layer {layer}: they go from 0 to {last}.", field="layers")
    answer = await caller.service.inference.ask(
        AttentionJob(checkpoint=_checkpoint(run, request), text=request.text, layers=request.layers)
    )
    return Attention(
        run_id=run.id,
        tokens=answer["tokens"],
        ids=answer["ids"],
        cut=answer["cut"],
        layers=request.layers if request.layers is not None else list(range(last + 1)),
        weights=answer["weights"],
    )


@endpoint("GET", "/api/architecture", rate="read", tag="models")
def architecture(caller: Caller, request: OfDraftOrRun) -> Architecture:
    """The parts of a model with their shapes and parameters: of a run, else of the draft."""
    run = caller.run(request.run_id) if request.run_id is not None else None
    config = run.config if run is not None else caller.desk.draft
    vocabulary = run.view().vocab_size if run is not None else None
    vocabulary = vocabulary or vocabulary_of(config)
    parts = parts_of(config.model, vocabulary)
    return Architecture(
        config=config.model.model_dump(mode="json"),
        vocab_size=vocabulary,
        parameters=config.model.parameter_count(vocabulary) if vocabulary else None,
        parts=parts,
    )


@endpoint("GET", "/api/runs/{run_id}/snapshots/{step}", rate="read", tag="models")
def snapshot(caller: Caller, request: ReadSnapshot) -> SnapshotInfo:
    """The inside of a model as it was at a step of its training, also while that goes on."""
    run = caller.run(request.run_id)
    taken = run.reader.snapshots()
    found = [one for one in taken if one.step <= request.step]
    if not found:
        raise NotFound(
            f"This run has no snapshot up to step {request.step}: its first one is of step "
            f"{taken[0].step}."
            if taken
            else "This run has taken no snapshot: training.snapshots is off, or it has just begun.",
            field="step",
        )
    try:
        arrays = read_snapshot(
            run.path / f"snapshots/step-{found[-1].step:08d}.safetensors", request.tokens
        )
    except UnusableRun:
        raise NotFound("This snapshot is gone from the disk.", field="step") from None
    return SnapshotInfo(
        run_id=run.id,
        step=found[-1].step,
        tokens=arrays.texts,
        weights=arrays.attention.round(3).astype(float).round(3).tolist(),
        statistics=found[-1].statistics,
        steps=[one.step for one in taken],
    )


def _generation(caller: Caller, request: Generate) -> tuple[ManagedRun, GenerateJob]:
    """The run and the job of a request; what it leaves out is as the run has it."""
    run = _run_with_model(caller, request)
    asked: dict[str, Any] = request.model_dump(exclude={"run_id", "checkpoint"}, exclude_none=True)
    own = run.config.generation.model_dump(mode="json")
    if "max_new_tokens" not in asked:
        own["max_new_tokens"] = min(own["max_new_tokens"], 2000)
    settings = parse(GenerationConfig, {**own, **asked}).model_dump(mode="json")
    if "prompt" not in asked:  # the run's own, or what its tokenizer has instead
        del settings["prompt"]
    return run, GenerateJob(checkpoint=_checkpoint(run, request), settings=settings)


def _run_with_model(caller: Caller, request: Inside) -> ManagedRun:
    return caller.run_or_current(request.run_id)


def _checkpoint(run: ManagedRun, request: Inside) -> str:
    """The folder of the checkpoint that is asked for; raises `NotFound`."""
    kept = run.folder.checkpoints
    try:
        if request.checkpoint == "best":
            return str(kept.best())
        if request.checkpoint == "latest":
            return str(kept.newest())
        return str(kept.at_step(int(request.checkpoint)))
    except UnusableRun:
        steps = ", ".join(str(int(path.name[5:])) for path in kept.all())
        if steps:
            sentence = f"This run keeps no such checkpoint; there are: {steps}."
        elif run.state() in ACTIVE:
            sentence = "This run has saved no checkpoint yet: wait for the first one."
        else:
            sentence = "This run ended before it saved a checkpoint: resume it or start another."
        raise NotFound(sentence, field="checkpoint") from None
