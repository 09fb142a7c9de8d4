"""Polling: the state of a run, and what is new since the last request."""

from __future__ import annotations

from gtt.api.responses import run_status
from gtt.api.schemas import Sample, Watch, WatchRun
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.runs.fold import CURVES
from gtt.runs.managed_run import ManagedRun
from gtt.runs.records import Record, measured_in, sound, step_in
from gtt.training.schedule import lr_factor

POINTS = 600  # of a curve that is sent whole
EVENTS = 1000  # that are sent one by one; whoever is further behind gets the curves anew
SCHEDULE_POINTS = 60

Points = list[tuple[int, float]]
NOTHING = Watch(
    run=None, cursor=0, resumes=0, fresh=True, curves={}, samples=[], snapshots=[], schedule=[]
)


@endpoint("GET", "/api/train/watch", rate="watch")
def watch(caller: Caller, request: WatchRun) -> Watch:
    """A run, or the desk's current one, with what is new since a cursor.

    The first answer holds whole curves, thinned by minimum and maximum; later ones only what came
    after, so that what an update costs does not depend on the length of the run. After a resume
    the curves come anew (`fresh`), since steps are done again.
    """
    run = caller.current_run() if request.run_id is None else caller.run(request.run_id)
    if run is None:
        return NOTHING
    status, view = run_status(run), run.view()
    is_far_behind = view.seq - request.after > EVENTS
    if request.after == 0 or request.resumes != view.resumes or is_far_behind:
        curves: dict[str, Points] = {name: run.reader.curve(name, POINTS) for name in CURVES}
        return Watch(
            run=status,
            cursor=view.seq,
            resumes=view.resumes,
            fresh=True,
            curves=curves,
            samples=_samples(run),
            snapshots=[snapshot.step for snapshot in run.reader.snapshots()],
            schedule=_schedule(run, status.total_steps),
        )
    events = [sound(event) for event in run.reader.events(request.after, EVENTS)]
    curves = {}
    for event in events:
        for name, value in measured_in(event).items():
            if value is not None and name in CURVES:
                curves.setdefault(name, []).append((step_in(event), value))
    by_type: dict[str, list[Record]] = {}
    for event in events:
        by_type.setdefault(str(event.get("type")), []).append(event)
    return Watch(
        run=status,
        cursor=events[-1]["seq"] if events else request.after,
        resumes=view.resumes,
        fresh=False,
        curves=curves,
        samples=[_sample(event) for event in by_type.get("Sampled", ())],
        snapshots=[step_in(event) for event in by_type.get("Snapshotted", ())],
        schedule=_schedule(run, status.total_steps) if "RunStarted" in by_type else [],
    )


def _samples(run: ManagedRun) -> list[Sample]:
    """The samples of a run; taken at log-spaced steps, they are few however long it is."""
    return [
        Sample(step=sample.step, prompt=sample.prompt, text=sample.text)
        for sample in run.reader.samples()
    ]


def _sample(event: Record) -> Sample:
    prompt, text = str(event.get("prompt", "")), str(event.get("text", ""))
    return Sample(step=step_in(event), prompt=prompt, text=text)


def _schedule(run: ManagedRun, total: int | None) -> Points:
    """The learning rate as planned, some points of it."""
    if total is None:
        return []
    training = run.config.training
    steps = sorted({round(i * (total - 1) / (SCHEDULE_POINTS - 1)) for i in range(SCHEDULE_POINTS)})
    return [(step, training.learning_rate * lr_factor(step, total, training)) for step in steps]
