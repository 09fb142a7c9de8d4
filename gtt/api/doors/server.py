"""The private doors into Starlette and uvicorn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from gtt.api.doors import behind


@contextmanager
def wrapped(app: Starlette, around: Callable[[ASGIApp], ASGIApp]) -> Iterator[None]:
    """Inside of the `with`, `around` lies outside of all middleware of a running application.

    Why: middleware that is given to an application, or added, ends up inside of what Gradio adds
    afterwards; its own answers preflights of any site and adds permissive headers.
    """
    inside = behind("starlette", app, "middleware_stack") or app.build_middleware_stack()
    app.middleware_stack = around(inside)
    try:
        yield
    finally:
        app.middleware_stack = inside


def outermost(app: Starlette) -> ASGIApp | None:
    """What of an application a request meets first."""
    middleware: ASGIApp | None = behind("starlette", app, "middleware_stack")
    return middleware


def without_upgrades(base: Any) -> Any:
    """uvicorn's protocol, `base`, that takes no web sockets and tells whether it is idle.

    Why: an upgrade would hand the connection to another class, past every bound. `cycle` is the
    request at work, None before the first.
    """
    behind("uvicorn", base, "_should_upgrade")

    class PlainProtocol(base):  # type: ignore[misc]
        def is_idle(self) -> bool:
            cycle = behind("uvicorn", self, "cycle")
            return cycle is None or bool(behind("uvicorn", cycle, "response_complete"))

        def _should_upgrade(self) -> bool:
            return False

    return PlainProtocol


def replace_http_protocol(change: Callable[[Any], Any]) -> None:
    """Puts `change` of uvicorn's protocol before every server of this process from now on.

    Why: Gradio starts uvicorn itself and passes on no settings of it.
    """
    from uvicorn.protocols.http import auto

    auto.AutoHTTPProtocol = change(behind("uvicorn", auto, "AutoHTTPProtocol"))
