"""The journal of a run: events by cursor, curves, and checkpoints to download."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

from gtt.api.api_errors import NotFound
from gtt.api.archive import zipped
from gtt.api.schemas import (
    CheckpointInfo,
    Checkpoints,
    Curve,
    EventsPage,
    Metrics,
    OfCheckpoint,
    OfMaybeRun,
    OfRun,
    ReadEvents,
    ReadMetrics,
)
from gtt.api.service import Caller
from gtt.api.table import Download, endpoint
from gtt.errors import UnusableRun
from gtt.runs.fold import CURVES
from gtt.runs.home import folder_bytes
from gtt.runs.managed_run import ACTIVE, ManagedRun
from gtt.runs.measured_points import csv_head, csv_row, measured_points
from gtt.runs.records import sound
from gtt.training.checkpoints import CheckpointFolder, step_of

FOLLOW_EVERY = 0.25  # seconds between two looks at the journal's size
# Of one page of a stream: whoever does not read on holds no more than this in memory.
STREAM_EVENTS, STREAM_BYTES = 200, 100_000


async def follow_events(caller: Caller, request: ReadEvents) -> AsyncIterator[EventsPage]:
    """Events as they come, until the run has ended and all is told."""
    run, after, size = caller.run(request.run_id), request.after, -1
    while True:
        # Asked before reading: what was written before the end is then read as well.
        active = run.state() in ACTIVE
        now = run.journal_size()
        if now != size:
            size = now
            while events := await asyncio.to_thread(
                run.reader.events, after, STREAM_EVENTS, STREAM_BYTES
            ):
                after = int(events[-1]["seq"])
                yield EventsPage(events=events, last=after, state=run.state())
        if not active:
            return
        await asyncio.sleep(FOLLOW_EVERY)


@endpoint("GET", "/api/runs/{run_id}/events", rate="read", stream=follow_events)
def events(caller: Caller, request: ReadEvents) -> EventsPage:
    """The journal of a run beyond a cursor; as a stream with `Accept: text/event-stream`.

    A stream goes on where `Last-Event-ID` says, so that a browser reconnects by itself.
    """
    run = caller.run(request.run_id)
    state = run.state()
    records = run.reader.events(request.after, request.limit)
    last = int(records[-1]["seq"]) if records else min(request.after, run.view().seq)
    return EventsPage(events=records, last=last, state=state)


@endpoint("GET", "/api/metrics/history", rate="read")
def metrics(caller: Caller, request: ReadMetrics) -> Metrics:
    """The curves of a run, or of the desk's current one, in columns."""
    run = caller.run_or_current(request.run_id)
    view = run.view()
    after = request.after_step if request.after_step >= 0 else None
    curves = {}
    for name in CURVES:
        points = run.reader.curve(name, request.points, after)
        curves[name] = Curve(
            steps=[int(step) for step, _ in points], values=[value for _, value in points]
        )
    return Metrics(
        run_id=run.id, seq=view.seq, state=run.state(view), curves=curves, baselines=view.baselines
    )


@endpoint("GET", "/api/metrics.csv", rate="look")
def metrics_csv(caller: Caller, request: OfMaybeRun) -> Download:
    """Every measured point of a run, a row each, none left out."""
    run = caller.run_or_current(request.run_id)
    return Download(f"{run.id}.csv", "text/csv; charset=utf-8", _rows(run))


def _rows(run: ManagedRun) -> Iterator[bytes]:
    yield csv_head()
    after = 0
    while events := run.reader.events(after):
        after = int(events[-1]["seq"])
        yield b"".join(csv_row(point) for point in measured_points(map(sound, events)))


@endpoint("GET", "/api/runs/{run_id}/journal", rate="look")
def journal(caller: Caller, request: OfRun) -> Download:
    """The whole journal of a run, one JSON object a line."""
    run = caller.run(request.run_id)
    return Download(f"{run.id}.jsonl", "application/x-ndjson", _lines(run))


def _lines(run: ManagedRun) -> Iterator[bytes]:
    after = 0
    while events := run.reader.events(after):
        after = int(events[-1]["seq"])
        yield "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events).encode()


@endpoint("GET", "/api/runs/{run_id}/checkpoints", rate="read")
def checkpoints(caller: Caller, request: OfRun) -> Checkpoints:
    """The checkpoints that are kept: the newest and the best."""
    folder = caller.run(request.run_id).folder.checkpoints
    checkpoint_folders = folder.all()
    best = _best_of(folder)
    return Checkpoints(
        checkpoints=[
            CheckpointInfo(step=step_of(path), best=path.name == best, bytes=folder_bytes(path))
            for path in checkpoint_folders
        ]
    )


@endpoint("GET", "/api/runs/{run_id}/checkpoints/{step}", rate="look")
def download_checkpoint(caller: Caller, request: OfCheckpoint) -> Download:
    """A checkpoint as a ZIP; unpacked, it loads in `transformers`."""
    run = caller.run(request.run_id)
    try:
        folder = run.folder.checkpoints.at_step(request.step)
    except UnusableRun as error:
        raise NotFound(error.message, field="step") from None
    name = f"{run.id}-step-{request.step}"
    return Download(f"{name}.zip", "application/zip", zipped(folder, name))


def _best_of(folder: CheckpointFolder) -> str | None:
    try:
        return folder.best().name
    except UnusableRun:
        return None
