"""Questions about the inside of a trained model.

Each is registered once, by `look`: what is asked, the job that works it out (`gtt.inference`), what
is answered. The endpoint and its description follow on every surface.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields
from functools import partial
from typing import Any, cast

from gtt.api.api_errors import NotFound
from gtt.api.endpoints.checkpoints import answer_about
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
    Response,
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

Call = Callable[[Caller, Any], Awaitable[Any]]


def look(
    path: str,
    name: str,
    words: str,
    request_type: type[Inside],
    job: Callable[..., Job],
    response_type: Callable[..., Response],
) -> Call:
    """Registers a look: an endpoint at `path`, whose docstring is `words`.

    The job is made of the request's `question`, the checkpoint that is meant, and the place of the
    corpora where it has a field `corpora`. The answer has the fields of its result, and `run_id`.
    """
    reads_text = any(field.name == "corpora" for field in fields(cast(Any, job)))

    async def call(caller: Caller, request: Any) -> Any:
        run = caller.run_or_current(request.run_id)
        corpora = {"corpora": str(caller.service.home.corpora)} if reads_text else {}
        question = partial(job, **request.question(), **corpora)
        return response_type(run_id=run.id, **await answer_about(caller, run, request, question))

    call.__name__, call.__doc__ = name, words
    call.__annotations__ = {"caller": Caller, "request": request_type, "return": response_type}
    return endpoint("POST", path, rate="look", tag="models")(call)


heads = look(
    "/api/heads",
    "heads",
    "What each head does by habit: where it looks on validation text, and on repeated tokens.",
    MeasureHeads,
    HabitsJob,
    Heads,
)
ablate = look(
    "/api/ablate",
    "ablate",
    "What becomes of a text, of the next token and of the validation loss without some heads.",
    Ablate,
    AblationJob,
    Ablation,
)
read_text = look(
    "/api/read",
    "read_text",
    "A text token by token: odds, rank, surprise, what was likelier; perplexity of the whole.",
    ReadText,
    ReadingJob,
    Reading,
)
logit_lens = look(
    "/api/lens",
    "logit_lens",
    "What each layer would have said, if the unembedding had come right after it.",
    LookThroughLayers,
    LensJob,
    Lens,
)
follow_token = look(
    "/api/follow",
    "follow_token",
    "One token's way through a layer: the actual vectors, with the arithmetic in words.",
    FollowToken,
    FollowJob,
    TokenPath,
)
copies = look(
    "/api/copies",
    "copies",
    "What of a text stands word for word in the training part, and how much of it is novel.",
    FindCopies,
    CopiesJob,
    CopyCheck,
)


@endpoint("GET", "/api/runs/{run_id}/heads", rate="look", tag="models")
def head_history(caller: Caller, request: HeadHistory) -> HeadsOverTime:
    """How the habits of each head came to be, from the snapshots of a run, also as it goes on."""
    run = caller.run(request.run_id)
    snapshots = run.reader.snapshots()
    step_by = -(-len(snapshots) // bounds.snapshots(run.config.model)) or 1
    places = sorted({*range(0, len(snapshots), step_by), *range(len(snapshots))[-1:]})
    steps = []
    for number in places:
        try:
            arrays = read_snapshot(run.path / snapshots[number].path, bounds.SNAPSHOT_TOKENS)
        except BadInput:  # gone, or not yet whole
            continue
        habits = heads_in_snapshot(arrays)
        steps.append(
            HeadsAtStep(
                step=snapshots[number].step,
                heads=[[HeadHabits(**head_habits) for head_habits in layer] for layer in habits],
            )
        )
    if not steps:
        raise NotFound(
            "This run has taken no snapshot: training.snapshots is off, or it has just begun.",
            field="run_id",
        )
    return HeadsOverTime(run_id=run.id, steps=steps)
