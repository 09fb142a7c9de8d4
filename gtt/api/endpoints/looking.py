"""Looks into a trained model that take more than one number apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gtt.api.endpoints.checkpoints import answer_about
from gtt.api.errors import NotFound
from gtt.api.schemas import (
    Ablate,
    Ablation,
    CopyCheck,
    FindCopies,
    FollowToken,
    HeadHabits,
    HeadHistory,
    Heads,
    HeadsAtStep,
    HeadsOverTime,
    Inside,
    Lens,
    LookThroughLayers,
    MeasureHeads,
    Reading,
    ReadText,
    TokenPath,
)
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.errors import BadInput
from gtt.inference import bounds
from gtt.inference.questions import (
    AblationJob,
    CopiesJob,
    FollowJob,
    HabitsJob,
    Job,
    LensJob,
    ReadingJob,
)
from gtt.interpret.history import heads_in_snapshot
from gtt.runs.snapshot_files import read_snapshot


@endpoint("POST", "/api/heads", rate="look", tag="models")
async def heads(caller: Caller, request: MeasureHeads) -> Heads:
    """What each head does by habit: where it looks on validation text, and on repeated tokens."""
    return Heads(**await _asked(HabitsJob, caller, request, corpora=_corpora(caller)))


@endpoint("GET", "/api/runs/{run_id}/heads", rate="look", tag="models")
def head_history(caller: Caller, request: HeadHistory) -> HeadsOverTime:
    """How the habits of each head came to be, from the snapshots of a run, also as it goes on."""
    run = caller.run(request.run_id)
    taken = run.reader.snapshots()
    step_by = -(-len(taken) // bounds.snapshots(run.config.model)) or 1
    shown = sorted({*range(0, len(taken), step_by), *range(len(taken))[-1:]})
    steps = []
    for number in shown:
        try:
            arrays = read_snapshot(run.path / taken[number].path, bounds.SNAPSHOT_TOKENS)
        except BadInput:  # gone, or not yet whole
            continue
        habits = heads_in_snapshot(arrays)
        steps.append(
            HeadsAtStep(
                step=taken[number].step,
                heads=[[HeadHabits(**one) for one in layer] for layer in habits],
            )
        )
    if not steps:
        raise NotFound(
            "This run has taken no snapshot: training.snapshots is off, or it has just begun.",
            field="run_id",
        )
    return HeadsOverTime(run_id=run.id, steps=steps)


@endpoint("POST", "/api/ablate", rate="look", tag="models")
async def ablate(caller: Caller, request: Ablate) -> Ablation:
    """What becomes of a text, of the next token and of the validation loss without some heads."""
    off = [(one.layer, one.head) for one in request.heads]
    return Ablation(
        **await _asked(AblationJob, caller, request, corpora=_corpora(caller), heads=off)
    )


@endpoint("POST", "/api/read", rate="look", tag="models")
async def read_text(caller: Caller, request: ReadText) -> Reading:
    """A text token by token: odds, rank, surprise, what was likelier; perplexity of the whole."""
    return Reading(**await _asked(ReadingJob, caller, request))


@endpoint("POST", "/api/lens", rate="look", tag="models")
async def logit_lens(caller: Caller, request: LookThroughLayers) -> Lens:
    """What each layer would have said, if the unembedding had come right after it."""
    return Lens(**await _asked(LensJob, caller, request))


@endpoint("POST", "/api/follow", rate="look", tag="models")
async def follow_token(caller: Caller, request: FollowToken) -> TokenPath:
    """One token's way through a layer: the actual vectors, with the arithmetic in words."""
    return TokenPath(**await _asked(FollowJob, caller, request))


@endpoint("POST", "/api/copies", rate="look", tag="models")
async def copies(caller: Caller, request: FindCopies) -> CopyCheck:
    """What of a text stands word for word in the training part, and how much of it is novel."""
    return CopyCheck(**await _asked(CopiesJob, caller, request, corpora=_corpora(caller)))


async def _asked(
    job: Callable[..., Job], caller: Caller, request: Inside, **more: Any
) -> dict[str, Any]:
    """Hands a request on as a job; its result, and whose it is."""
    run = caller.run_or_current(request.run_id)
    given = request.model_dump(exclude={"run_id", "checkpoint"}) | more
    result = await answer_about(caller, run, request, partial(job, **given))
    return {"run_id": run.id, **result}


def _corpora(caller: Caller) -> str:
    return str(caller.service.home.corpora)
