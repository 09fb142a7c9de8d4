"""The layers of the guard around an application, from the outside inwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from gtt.api.doors.server import outermost, wrapped
from gtt.api.guard.cache_paths import HiddenPaths
from gtt.api.guard.gradio_bodies import NoRemoteFiles
from gtt.api.guard.gradio_calls import KnownCalls
from gtt.api.guard.middleware import Guard
from gtt.api.guard.page_cache import Pages
from gtt.errors import GTTError

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[Mapping[str, Any] | None]]


def guarding(
    *, known_calls: KnownCalls | None = None, cache: Path | None = None, **options: Any
) -> Lifespan:
    """A lifespan that puts a `Guard` with these options around the whole of an application.

    `known_calls` are the events that exist; without it Gradio looks for every name itself. `cache`
    is Gradio's folder of files, whose path is hidden.

    `add_middleware` would not do: Gradio adds its own afterwards, which then lies outside. Usage:
    `demo.launch(app_kwargs={"routes": ours, "lifespan": guarding(routes=ours)})`.
    """

    def around(inside: ASGIApp) -> ASGIApp:
        if cache is None:
            return Guard(Pages(NoRemoteFiles(inside, known_calls)), **options)
        hidden = HiddenPaths(inside, cache)
        return Guard(Pages(NoRemoteFiles(hidden, known_calls, hidden.restored)), **options)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with wrapped(app, around):
            yield

    return lifespan


def refuse_unguarded(app: Starlette) -> None:
    """Raises `GTTError` where no guard is around a running application."""
    if not isinstance(outermost(app), Guard):
        raise GTTError(
            "The page was served without its guard, and was ended: the installed version of Gradio "
            "does not run the lifespan that it is given. Install the one of requirements.txt."
        )
