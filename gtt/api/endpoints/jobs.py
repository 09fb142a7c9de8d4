"""Runs on machines of the Hugging Face Hub: what they cost, beginning one, following it again."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from dataclasses import asdict
from weakref import WeakKeyDictionary

from gtt.api.api_errors import ApiError, Conflict, Forbidden, Unavailable
from gtt.api.endpoints.estimates import estimated
from gtt.api.endpoints.runs import Mark, asked_for, begin_run, of_the_disk, once, run_response
from gtt.api.schemas import (
    EstimateRun,
    FollowJob,
    MachineInfo,
    Machines,
    Nothing,
    RunOnHub,
    RunResponse,
)
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.errors import BadInput, UnusableRun
from gtt.hub.jobs.follow_start import follow_job as follow
from gtt.hub.jobs.follow_start import refuse_tracker, start_job
from gtt.hub.jobs.hardware import (
    Flavor,
    checked_minutes,
    checked_price,
    flavor_named,
    proposed_minutes,
)
from gtt.hub.names import repo_name
from gtt.hub.push_start import checked_token, own_token
from gtt.runs import calibration
from gtt.runs.hub_job import JobFolder, JobState
from gtt.runs.managed_run import ManagedRun
from gtt.runs.processes import Worker

MOST, MOST_EACH = 8, 2  # jobs followed at once, of all strangers and of one desk
RETRY = 60.0  # seconds
DECIDED_WITHIN = 30.0  # seconds that the answer waits for that of the Hub
# The Hub's answers to starts, by run: what the same request sent again is told as well.
_decisions: WeakKeyDictionary[ManagedRun, Future[JobState | None]] = WeakKeyDictionary()


class HubRefused(ApiError):
    """The Hub does not tell which machines it has; the sentence says why."""

    status, code = 502, "hub_refused"


@endpoint("GET", "/api/jobs/hardware", rate="read")
def job_hardware(caller: Caller, request: Nothing) -> Machines:
    """The machines that the Hub lends, with their prices, and a time limit for the draft."""
    _require_hub(caller)
    machines = [MachineInfo(**asdict(flavor)) for flavor in _flavors(caller)]
    threads = calibration.worker_threads(caller.service.manager.slots)
    try:
        seconds = estimated(caller, EstimateRun(), threads).seconds
    except BadInput:  # a draft that no run can have; a start says why
        seconds = None
    return Machines(
        machines=machines,
        minutes=proposed_minutes(seconds),
        seconds_here=seconds,
        has_login=not caller.limits.for_strangers and own_token() is not None,
    )


@endpoint("POST", "/api/jobs", rate="create", status=201)
async def run_on_hub(caller: Caller, request: RunOnHub) -> RunResponse:
    """Begins a new run on a machine of the Hub, which costs its user money there.

    From then on it is a run like any other: its journal comes in live, its checkpoints when they
    are saved, and stopping it cancels the job. Nothing is begun where the price of the time limit
    is above `at_most`. What the Hub refuses within half a minute is the answer, and leaves no run.
    """
    run = await asyncio.to_thread(_begin, caller, request)
    decision = _decisions.get(run)
    refused = await asyncio.wrap_future(decision) if decision is not None else None
    if refused is not None:
        raise BadInput(str(refused.message), field=refused.field)
    return await asyncio.to_thread(run_response, run)


def _decide(caller: Caller, run: ManagedRun, before: str | None, key: str | None) -> None:
    """Waits in a thread of its own for the Hub's answer to a start, and takes away a run that was
    refused, also where whoever asked for it has hung up."""
    decision: Future[JobState | None] = Future()
    decision.set_running_or_notify_cancel()  # from now on nobody's leaving cancels it
    _decisions[run] = decision

    def wait() -> None:
        try:
            refused = _refusal(run)
            if refused is not None:
                _take_away(caller, run, before, key)
            decision.set_result(refused)
        except BaseException as error:
            decision.set_exception(error)

    threading.Thread(target=wait, name="deciding", daemon=True).start()


def _refusal(run: ManagedRun) -> JobState | None:
    """The job where nothing was begun and its process has ended; None where it is at the Hub, was
    stopped, or has not got its answer within a while."""
    until = time.monotonic() + DECIDED_WITHIN
    while time.monotonic() < until and run.stop_asked_at is None:
        job = JobFolder(run.path).read()
        if job is None or job.id is not None or job.stage == "lost":
            return None
        if job.stage == "over" and not run.at_work:
            return job if job.message is not None else None
        time.sleep(0.1)
    return None


def _take_away(caller: Caller, run: ManagedRun, before: str | None, key: str | None) -> None:
    """Leaves the desk as if the run had not been; another that is looked at by now stays that."""
    with of_the_disk(), caller.desk.lock:
        if caller.desk.current_run == run.id:
            is_there = before is not None and caller.service.manager.get(before) is not None
            caller.desk.save_current_run(before if is_there else None)
        if key is not None:
            caller.desk.free_key(key)
        caller.service.manager.discard(run)


def _begin(caller: Caller, request: RunOnHub) -> ManagedRun:
    _require_hub(caller)
    token = checked_token(request.token or _own_token(caller))
    repo = repo_name(request.repo) if request.repo else None
    flavor = flavor_named(_flavors(caller), request.flavor)
    checked_price(flavor, checked_minutes(request.minutes), request.at_most)
    home = caller.service.home
    state = JobState(
        flavor=flavor.name,
        title=flavor.title,
        dollars_per_hour=flavor.dollars_per_hour,
        minutes=request.minutes,
        at_most=request.at_most,
        repo=repo,
    )

    def elsewhere(run: ManagedRun) -> Worker:
        uploads = home.uploads_of(run.owner)
        return start_job(run.path, state, home, token=token, uploads=uploads)

    def begin(mark: Mark) -> ManagedRun:
        config = asked_for(caller, request)
        refuse_tracker(config)
        with caller.desk.lock:
            _require_place(caller)
            before = caller.desk.current_run
            run = begin_run(caller, config, request.name, mark, elsewhere=elsewhere)
            _decide(caller, run, before, request.idempotency_key)
            return run

    return once(caller, request, begin)


@endpoint("POST", "/api/runs/{run_id}/follow", rate="create")
def follow_job(caller: Caller, request: FollowJob) -> RunResponse:
    """Follows the job of a run again that nobody follows any more, as after a restart."""
    run = caller.run(request.run_id)
    _require_hub(caller)
    token = checked_token(request.token or _own_token(caller))
    home = caller.service.home
    try:
        with of_the_disk(), caller.desk.lock:
            _require_place(caller)
            caller.service.manager.follow_again(
                run, lambda run: follow(run.path, home, token=token)
            )
    except UnusableRun as error:
        raise Conflict(error.message, field="run_id") from None
    return run_response(run)


def _require_hub(caller: Caller) -> None:
    if not caller.limits.allow_hub:
        raise Forbidden("This server does not use the Hub: train here instead.")


def _own_token(caller: Caller) -> str | None:
    return None if caller.limits.for_strangers else own_token()


def _flavors(caller: Caller) -> list[Flavor]:
    try:
        return caller.service.prices.flavors()
    except BadInput as error:
        raise HubRefused(error.message) from None


def _require_place(caller: Caller) -> None:
    """Raises `Unavailable` where too many jobs are followed already."""
    if not caller.limits.for_strangers:
        return
    followed = [run for run in caller.service.manager.at_work() if run.is_elsewhere()]
    own = sum(caller.owns(run) for run in followed)
    if own >= MOST_EACH or len(followed) >= MOST:
        raise Unavailable(
            "More runs on the Hub's machines cannot be followed here just now: wait for one to "
            "end, or stop it.",
            retry_after=RETRY,
        )
