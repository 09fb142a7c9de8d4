"""Pushes of a run to the Hugging Face Hub, and their progress."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gtt.api.api_errors import ApiError, Conflict, Forbidden, NotFound
from gtt.api.schemas import OfRun, PushInfo, PushResponse, PushRun
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.api.uploads import disk_refuses
from gtt.errors import UnusableRun
from gtt.hub.names import repo_name
from gtt.hub.push_start import PushAtWork, checked_token, own_token, start_push
from gtt.hub.push_start import cancel_push as end_push
from gtt.hub.push_state import PushFolder, PushState
from gtt.hub.qr import qr_svg
from gtt.runs.managed_run import ACTIVE, ManagedRun

FOLLOW_EVERY = 0.3  # seconds between two looks of a follower


class PushFailed(ApiError):
    """The Hub, the network or the token would not have it; the sentence says what to do."""

    status, code = 502, "push_failed"


async def push_and_follow(caller: Caller, request: PushRun) -> AsyncIterator[PushResponse]:
    """Pushes and tells how it goes to its end; leaving does not harm the push.

    Raises `PushFailed` where it ends otherwise than well.
    """
    await asyncio.to_thread(push_to_hub, caller, request)
    run = caller.run(request.run_id)
    last: PushState | None = None
    while True:
        state = await asyncio.to_thread(PushFolder(run.path).read)
        if state is None:
            return
        if state != last:
            last = state
            yield _response(caller, state)
        if not state.is_at_work:
            if state.stage != "done":
                raise PushFailed(state.message or "The push ended without a word: push again.")
            return
        await asyncio.sleep(FOLLOW_EVERY)


@endpoint("POST", "/api/runs/{run_id}/push", rate="push", status=202, stream=push_and_follow)
def push_to_hub(caller: Caller, request: PushRun) -> PushResponse:
    """Publishes the best checkpoint of a run on the Hugging Face Hub, with a model card.

    Or, as `pocket`, the page that runs it in any browser, as a static Space.
    All of it appears there in one moment, or nothing. The push goes on when its page or this server
    is closed; `push_status` tells how it stands. After a broken connection the same call goes on,
    and what has arrived is not sent again.
    """
    run = caller.run(request.run_id)
    if not caller.limits.allow_hub:
        raise Forbidden("This server does not push to the Hub: take the model home instead.")
    _require_checkpoint(run)
    repo_name(request.repo)
    token = checked_token(request.token or (None if caller.limits.for_strangers else own_token()))
    try:
        started = caller.service.pushes.start(
            caller.desk.owner,
            lambda: start_push(
                run.path,
                caller.service.home,
                request.repo,
                private=request.private,
                token=token,
                form=request.format,
            ),
        )
    except PushAtWork as error:
        raise Conflict(error.message, field=error.field) from None
    except OSError as error:
        raise disk_refuses(error) from None
    return _response(caller, started.folder.read())


@endpoint("GET", "/api/runs/{run_id}/push", rate="watch")
def push_status(caller: Caller, request: OfRun) -> PushResponse:
    """How the last push of a run stands, or null where there was none."""
    run = caller.run(request.run_id)
    return _response(caller, PushFolder(run.path).read())


@endpoint("DELETE", "/api/runs/{run_id}/push", rate="write")
def cancel_push(caller: Caller, request: OfRun) -> PushResponse:
    """Ends the push of a run that is at work: nothing of it is published, and it can go on later.

    One that is being published already is waited for, up to twenty seconds; then it is still at
    work, and its message says that it is too late. Without one it does nothing.
    """
    run = caller.run(request.run_id)
    return _response(caller, end_push(PushFolder(run.path)))


def _require_checkpoint(run: ManagedRun) -> None:
    try:
        run.folder.checkpoints.best()
    except UnusableRun:
        sentence = (
            "This run has saved no checkpoint yet: wait for the first one, or stop it."
            if run.state() in ACTIVE
            else "This run ended before it saved a checkpoint: resume it or take another."
        )
        raise NotFound(sentence, field="run_id") from None


def _response(caller: Caller, state: PushState | None) -> PushResponse:
    has_login = not caller.limits.for_strangers and own_token() is not None
    if state is None:
        return PushResponse(push=None, has_login=has_login)
    return PushResponse(
        push=PushInfo(
            stage=state.stage,
            repo=state.repo,
            format=state.form,
            private=state.private,
            step=state.step,
            bytes_sent=state.sent,
            bytes_kept=state.kept,
            bytes_total=state.total,
            seconds_left=state.seconds_left,
            url=state.url,
            qr=qr_svg(state.url) if state.url and state.form == "pocket" else None,
            message=state.message,
        ),
        has_login=has_login,
    )
