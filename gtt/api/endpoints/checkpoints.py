"""Answers questions about a checkpoint, also while its run replaces it by another one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from gtt.api.api_errors import NotFound
from gtt.api.schemas import Inside
from gtt.api.service import Caller
from gtt.errors import UnusableRun
from gtt.inference.pipe import Result
from gtt.inference.questions import Job
from gtt.runs.managed_run import ACTIVE, ManagedRun

TRIES = 5
Asking = Callable[[str], Job]  # the folder of a checkpoint to a question about it


async def answer_about(caller: Caller, run: ManagedRun, request: Inside, asking: Asking) -> Result:
    """The answer about the checkpoint that `request` names; raises as `pieces_about` does."""
    result: Result = {}
    async with aclosing(pieces_about(caller, run, request, asking)) as pieces:
        async for piece in pieces:
            result = piece
    return result


async def pieces_about(
    caller: Caller, run: ManagedRun, request: Inside, asking: Asking
) -> AsyncGenerator[Result, None]:
    """The answer piece by piece.

    A run at work keeps its best and its newest checkpoint: where the one that was cannot be read
    and another has taken its place, that one is asked about, `TRIES` in all. Raises `NotFound`
    where there is none, and what the question raises.
    """
    checkpoint = checkpoint_of(run, request)
    for tries_left in reversed(range(TRIES)):
        has_begun = False
        try:
            async with aclosing(caller.stream(asking(checkpoint))) as pieces:
                async for piece in pieces:
                    has_begun = True
                    yield piece
            return
        except UnusableRun:
            newer = checkpoint_of(run, request)
            if has_begun or newer == checkpoint or not tries_left:
                raise
            checkpoint = newer


def checkpoint_of(run: ManagedRun, request: Inside) -> str:
    """The folder of the checkpoint that is asked for; raises `NotFound`."""
    checkpoints = run.folder.checkpoints
    try:
        return str(checkpoints.chosen(request.checkpoint))
    except UnusableRun:
        steps = ", ".join(map(str, checkpoints.steps()))
        if steps:
            sentence = f"This run keeps no such checkpoint; there are: {steps}."
        elif run.state() in ACTIVE:
            sentence = "This run has saved no checkpoint yet: wait for the first one."
        else:
            sentence = "This run ended before it saved a checkpoint: resume it or start another."
        raise NotFound(sentence, field="checkpoint") from None
