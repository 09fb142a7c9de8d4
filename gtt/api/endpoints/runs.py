"""Runs: create, list, follow, stop, resume, restart, rename, delete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gtt.api.api_errors import ApiError, Conflict, NotFound, QuotaExceeded
from gtt.api.endpoints.configuration import changed, set_config
from gtt.api.responses import run_info, run_status
from gtt.api.schemas import (
    CreateRun,
    Deleted,
    ListRuns,
    Nothing,
    OfRun,
    RenameRun,
    RestartRun,
    ResumeRun,
    RunOnHub,
    RunResponse,
    RunsPage,
    SetConfig,
    StatusResponse,
    Train,
)
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.api.uploads import disk_refuses
from gtt.api.visitors import allowed, recipe_of
from gtt.config import RunConfig
from gtt.data.sources import UPLOAD
from gtt.errors import BadInput, UnusableRun
from gtt.runs.expected_text import text_of
from gtt.runs.home import folder_bytes
from gtt.runs.hub_job import is_unsettled
from gtt.runs.limits import fewest_parameters, run_bytes
from gtt.runs.managed_run import ACTIVE, ManagedRun, Parent
from gtt.runs.manager import UNDO_SECONDS
from gtt.runs.naming import base_name, free_name, name_for, text_name
from gtt.runs.processes import Worker

Mark = Mapping[str, Any] | None  # by which a run tells which request made it
FOLLOW_EVERY = 0.3  # seconds between two looks of a follower


async def train_and_follow(caller: Caller, request: Train) -> AsyncIterator[StatusResponse]:
    """Starts or stops a run and tells how it goes until it ends; leaving does not harm the run."""
    first = await asyncio.to_thread(train, caller, request)
    assert first.run is not None
    async for status in follow(caller.run(first.run.id)):
        yield status


async def follow(run: ManagedRun) -> AsyncIterator[StatusResponse]:
    """The status of a run at once, whenever it changes, and at its end."""
    last: Any = None
    while True:
        status = await asyncio.to_thread(run_status, run)
        mark = (status.seq, status.state, status.queue)
        if mark != last:
            last = mark
            yield StatusResponse(run=status)
        if status.state not in ACTIVE:
            return
        await asyncio.sleep(FOLLOW_EVERY)


@endpoint("POST", "/api/train", rate="write", stream=train_and_follow)
def train(caller: Caller, request: Train) -> StatusResponse:
    """Starts a run from a recipe or the draft, or stops the desk's current one.

    A run that is stopped finishes its step, saves, and can be resumed. A start counts as `create`.
    The same `idempotency_key` again returns the run that the first start made.
    """
    if request.action == "stop":
        return stop(caller, Nothing())

    def begin(mark: Mark) -> ManagedRun:
        caller.service.rates.take("create", caller.desk.owner)
        with caller.desk.lock:  # of two starts at once, one finds the run of the other
            current = caller.current_run()
            if current is not None and current.state() in ACTIVE:
                raise Conflict(
                    "A run of this desk is at work already: stop it first, or create another one "
                    "under /api/runs.",
                    field="action",
                )
            return begin_run(caller, asked_for(caller, request), None, mark)

    return StatusResponse(run=run_status(once(caller, request, begin)))


@endpoint("POST", "/api/train/stop", rate="write")
def stop(caller: Caller, request: Nothing) -> StatusResponse:
    """Stops the desk's current run after its present step; it is saved and can be resumed."""
    run = caller.run_or_current(None)
    caller.service.manager.stop(run)
    return StatusResponse(run=run_status(run))


@endpoint("GET", "/api/train/status", rate="read")
def status(caller: Caller, request: Nothing) -> StatusResponse:
    """The desk's current run, or null."""
    run = caller.current_run()
    return StatusResponse(run=run_status(run) if run is not None else None)


@endpoint("POST", "/api/runs", rate="create", status=201)
def create_run(caller: Caller, request: CreateRun) -> RunResponse:
    """Begins a new run from a recipe or the draft; it waits in the queue until there is room.

    The same `idempotency_key` again returns the run that the first request made.
    """
    if request.screen is not None:
        set_config(caller, SetConfig(screen=request.screen))
    return run_response(create(caller, request))


@endpoint("GET", "/api/runs", rate="read")
def list_runs(caller: Caller, request: ListRuns) -> RunsPage:
    """The runs on the desk, the newest first, page by page."""
    runs = caller.runs()
    if request.before is not None:
        ids = [run.id for run in runs]
        if request.before not in ids:
            raise NotFound("There is no such run on this desk to go on from.", field="before")
        runs = runs[ids.index(request.before) + 1 :]
    page = runs[: request.limit]
    more = len(runs) > len(page)
    return RunsPage(runs=[run_info(run) for run in page], next=page[-1].id if more else None)


@endpoint("GET", "/api/runs/{run_id}", rate="read")
def read_run(caller: Caller, request: OfRun) -> RunResponse:
    """One run: where it stands, what it measured, its configuration."""
    return run_response(caller.run(request.run_id))


@endpoint("PATCH", "/api/runs/{run_id}", rate="write")
def rename_run(caller: Caller, request: RenameRun) -> RunResponse:
    """Gives a run another name."""
    run = caller.run(request.run_id)
    with of_the_disk():
        caller.service.manager.rename(run, request.name)
    return run_response(run)


@endpoint("DELETE", "/api/runs/{run_id}", rate="write")
def delete_run(caller: Caller, request: OfRun) -> Deleted:
    """Stops a run and deletes it; for ten minutes it can be brought back."""
    run = caller.run(request.run_id)
    if is_unsettled(run.path) and not run.is_alive():
        raise Conflict(
            "The job of this run may still be at work on the Hub and cost something: follow it "
            "again, then stop it, or cancel it on the Hub.",
            field="run_id",
        )
    caller.service.manager.delete(run)
    return Deleted(deleted=run.id, undo_seconds=UNDO_SECONDS)


@endpoint("POST", "/api/runs/{run_id}/restore", rate="write")
def restore_run(caller: Caller, request: OfRun) -> RunResponse:
    """Brings back a run that was deleted a moment ago."""
    with caller.desk.lock, caller.service.beginning:
        run = caller.service.manager.deleted(request.run_id)
        if run is None or not caller.owns(run):
            raise NotFound("There is no such deleted run on this desk.", field="run_id")
        _require_room_for_run(caller)
        if run.note.waiting is not None:  # what it had reserved may be another's by now
            caller.desk.uploads.check_room(run_bytes(fewest_parameters(run.config)))
        with of_the_disk():
            caller.service.manager.restore(run)
    return run_response(run)


@endpoint("POST", "/api/runs/{run_id}/stop", rate="write")
def stop_run(caller: Caller, request: OfRun) -> RunResponse:
    """Ends a run after its present step; it is saved and can be resumed."""
    run = caller.run(request.run_id)
    caller.service.manager.stop(run)
    return run_response(run)


@endpoint("POST", "/api/runs/{run_id}/resume", rate="create")
def resume_run(caller: Caller, request: ResumeRun) -> RunResponse:
    """Goes on with a run from its newest checkpoint, if asked with other training settings.

    A run that has saved none begins again at its start.
    """
    run = caller.run(request.run_id)
    with caller.desk.lock, caller.service.beginning, of_the_disk():
        return _resumed(caller, run, request)


def _resumed(caller: Caller, run: ManagedRun, request: ResumeRun) -> RunResponse:
    run_bytes = folder_bytes(run.path)
    config = changed(run.config, request.config)
    after = allowed(config, caller, is_resumed=True, kept_bytes=run_bytes)
    changes = {}
    if request.config is not None:
        changes = request.config.model_dump(mode="json", exclude_unset=True)
        refused = [key for key in changes if key not in ("training", "generation")]
        if refused:
            raise BadInput(
                f"{refused[0]} cannot change in a resumed run: restart it with the change.",
                field=f"config.{refused[0]}",
            )
    elif after.training != run.config.training:
        changes = {"training": {"max_minutes": after.training.max_minutes}}
    try:
        caller.service.manager.resume(run, changes)
    except UnusableRun as error:
        raise Conflict(error.message, field="run_id") from None
    caller.desk.save_current_run(run.id)
    return run_response(run)


@endpoint("POST", "/api/runs/{run_id}/restart", rate="create", status=201)
def restart_run(caller: Caller, request: RestartRun) -> RunResponse:
    """Begins a new run with the settings of an old one, changed as asked, and numbers its name.

    The same `idempotency_key` again returns the run that the first request made.
    """
    old = caller.run(request.run_id)

    def begin(mark: Mark) -> ManagedRun:
        config = changed(old.config, request.config)
        names = {run.name for run in caller.runs()}
        if old.is_named_by_settings:
            return begin_run(caller, config, None, mark, old)
        base = base_name(old.name) if base_name(old.name) in names else old.name
        return begin_run(caller, config, free_name(base, names), mark, old)

    return run_response(once(caller, request, begin))


def create(caller: Caller, request: CreateRun) -> ManagedRun:
    """The run that a request asks for, new or made by the same request before."""

    def begin(mark: Mark) -> ManagedRun:
        return begin_run(caller, asked_for(caller, request), request.name, mark)

    return once(caller, request, begin)


def asked_for(caller: Caller, request: CreateRun | Train | RunOnHub) -> RunConfig:
    """The recipe that is named, else the draft, changed as asked."""
    base = recipe_of(request.recipe).config if request.recipe else caller.desk.draft
    return changed(base, request.config)


def once(
    caller: Caller,
    request: CreateRun | Train | RestartRun | RunOnHub,
    begin: Callable[[Mark], ManagedRun],
) -> ManagedRun:
    """The run that `begin` makes, or that the same request with the same key made before."""
    key = request.idempotency_key
    if key is None:
        return begin(None)
    values = request.model_dump(mode="json", exclude_unset=True, exclude={"token"})
    if not isinstance(request, CreateRun):  # the same values mean something else elsewhere
        values = {type(request).__name__: values}
    with caller.desk.lock:
        manager = caller.service.manager
        marks = {run.id: run.mark for run in manager.runs(caller.owns, deleted=True)}
        made = caller.desk.recall(key, values, marks)
        if made is not None:
            return _made_before(caller, made)
        run = begin(caller.desk.mark(key, values))
        caller.desk.remember(key, values, run.id)
        return run


def _made_before(caller: Caller, id: str) -> ManagedRun:
    try:
        return caller.run(id)
    except NotFound:
        raise Conflict(
            "The run that this idempotency key made was deleted: restore it, or send a new key.",
            field="idempotency_key",
        ) from None


def begin_run(
    caller: Caller,
    config: RunConfig,
    name: str | None,
    mark: Mark,
    old: ManagedRun | None = None,
    *,
    elsewhere: Callable[[ManagedRun], Worker] | None = None,
) -> ManagedRun:
    """A new run on the desk, waiting for its turn here or begun `elsewhere`."""
    with caller.desk.lock, caller.service.beginning, of_the_disk():
        _require_room_for_run(caller)
        config = allowed(config, caller, is_elsewhere=elsewhere is not None)
        text = text_name(config.data.source, _uploaded(caller, config))
        if name is None:
            vocab_size = text_of(config.data, caller.service.home.corpora).vocab_size
            runs = caller.runs()
            # Those that have not begun will be called by the vocabulary that they find.
            names = {run.name for run in runs} | {run.name_with(vocab_size) for run in runs}
            name = free_name(name_for(config, text, vocab_size), names)
        caller.desk.open_folder()  # too many desks are refused before there is a run
        parent = None if old is None else Parent(old.id, old.name)
        run = caller.service.manager.create(
            config,
            caller.desk.owner,
            mark,
            name=name,
            text=text,
            elsewhere=elsewhere,
            parent=parent,
        )
        caller.service.workspaces.note_written(folder_bytes(run.path))
        try:
            caller.desk.save_current_run(run.id)
        except ApiError:  # a run that nobody was told of would wait, and hold its room
            caller.service.manager.delete(run)
            raise
        return run


@contextmanager
def of_the_disk() -> Iterator[None]:
    """Turns an error of the disk inside of the `with` into `Unavailable`."""
    try:
        yield
    except OSError as error:
        raise disk_refuses(error) from None


def _uploaded(caller: Caller, config: RunConfig) -> str | None:
    """The name of the file that was uploaded, None where the text is no upload of this desk."""
    source = config.data.source.strip()
    if not source.startswith(UPLOAD):
        return None
    try:
        return caller.desk.uploads.get(source[len(UPLOAD) :]).name
    except NotFound:
        return None


def _require_room_for_run(caller: Caller) -> None:
    most = caller.limits.max_runs_per_workspace
    if most is not None and len(caller.runs()) >= most:
        raise QuotaExceeded(f"This desk holds {most} runs, and no more are allowed: delete one.")


def run_response(run: ManagedRun) -> RunResponse:
    """A run with everything about it."""
    return RunResponse(run=run_status(run), config=run.config)
