"""The open routes: our own, and those of Gradio that the page and its clients need.

All other routes of Gradio are closed, also those that a new version adds, until they are named here
with a reason. docs/decisions/0023-the-guard.md lists what is closed today, and why.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from starlette.routing import BaseRoute, Match, compile_path
from starlette.types import Scope

from gtt.api.api_errors import ApiError, NotFound
from gtt.api.guard.page_cache import path_of


class OpenRoute(NamedTuple):
    """A route of Gradio by its methods and its path, both as Gradio has them, and what it is for.

    OPTIONS is open on each of them: by it a browser asks for a page of a site that was allowed.
    """

    methods: frozenset[str]
    path: str
    reason: str


def _open(methods: str, path: str, reason: str) -> OpenRoute:
    return OpenRoute(frozenset(methods.split()), path, reason)


API = "/gradio_api"
PAGE_ROUTES = (
    _open("GET HEAD", "/", "the page"),
    _open("GET", "/config", "what the page is made of, for Gradio's clients"),
    _open("GET", "/assets/{path:path}", "scripts and styles of the page"),
    _open("GET", "/static/{path:path}", "fonts and pictures of the page"),
    _open("GET", "/theme.css", "the page's colours"),
    _open("GET", "/favicon.ico", "the page's icon"),
    _open("GET", "/manifest.json", "name and icon of the page on a home screen"),
    _open("GET", "/robots.txt", "asked for by search engines"),
)
CALL_ROUTES = (
    _open("GET", f"{API}/info", "the endpoints, for Gradio's clients and its page of them"),
    _open("GET", f"{API}/openapi.json", "the same, in the words of OpenAPI"),
    _open("GET", f"{API}/app_id", "whether the server was started anew"),
    _open("GET", f"{API}/startup-events", "asked for by Gradio's clients before the first call"),
    _open("GET", f"{API}/heartbeat/{{session_hash}}", "whether a page of a session is open"),
    _open("POST", f"{API}/queue/join", "an event of the page"),
    _open("GET", f"{API}/queue/data", "what comes of the events of a session"),
    _open("POST", f"{API}/call/{{api_name}}", "a call by position"),
    _open("POST", f"{API}/call/v2/{{api_name}}", "a call by name"),
    _open("GET", f"{API}/call/{{api_name}}/{{event_id}}", "what comes of a call"),
    _open("GET", f"{API}/call/v2/{{api_name}}/{{event_id}}", "what comes of one by name"),
    _open("POST", f"{API}/cancel", "ends an event"),
    _open("POST", f"{API}/reset", "ends an event, in the words of older clients"),
    _open("POST", f"{API}/upload", "a file for an event"),
    _open("GET", f"{API}/upload_progress", "how far it is"),
    _open("GET HEAD", f"{API}/file={{path_or_url:path}}", "a file that an event gave"),
)
SIGN_IN_ROUTES = (
    _open("GET", "/login/huggingface", "to the Hub, which asks who it is"),
    _open("GET", "/login/callback", "and back"),
    _open("GET", "/logout", "forgets it"),
)
MCP_ROUTES = tuple(
    _open("GET HEAD POST DELETE", f"{API}/mcp{below}", "the tools of an agent")
    for below in ("", "/{path:path}")
)
ALWAYS_OPEN: tuple[OpenRoute, ...] = (*PAGE_ROUTES, *CALL_ROUTES)
# Schemes that file= would fetch or refuse; a file of ours is a plain path.
_REMOTE = ("http:", "https:", "ftp:", "file:", "data:", "//")


def open_routes(environment: Mapping[str, str] = os.environ) -> tuple[OpenRoute, ...]:
    """The routes of Gradio that are open on this server: signing in and MCP where they are on."""
    signs_in = bool(environment.get("OAUTH_CLIENT_ID"))
    has_tools = environment.get("GRADIO_MCP_SERVER", "").lower() == "true"
    return (
        *ALWAYS_OPEN,
        *(SIGN_IN_ROUTES if signs_in else ()),
        *(MCP_ROUTES if has_tools else ()),
    )


class OpenRoutes:
    """The routes that may be asked for: `own` are ours, `gradios` those of Gradio.

    Below Gradio's own prefix the list alone decides, however wide a path of ours is. The first path
    that fits counts.
    """

    def __init__(
        self, own: Iterable[BaseRoute] = (), gradios: Iterable[OpenRoute] = ALWAYS_OPEN
    ) -> None:
        self._own = tuple(own)
        self._gradios = [
            (compile_path(route.path.rstrip("/"))[0], route.methods) for route in gradios
        ]

    def check(self, scope: Scope) -> None:
        """Raises `NotFound` for a route that is closed, `ApiError` for a method that is."""
        path = path_of(scope)
        if not path.startswith(f"{API}/") and any(
            route.matches(scope)[0] is not Match.NONE for route in self._own
        ):
            return
        matching = (methods for pattern, methods in self._gradios if pattern.match(path))
        methods = next(matching, frozenset())
        if scope["type"] == "websocket" or not methods or _is_remote(path):
            raise NotFound("There is no such page here: see /docs for what there is.")
        if scope["method"] not in methods and scope["method"] != "OPTIONS":
            raise ApiError(
                f"{scope['method'][:20]} does nothing here; it takes {', '.join(sorted(methods))}.",
                status=405,
                code="method_not_allowed",
            )


def _is_remote(path: str) -> bool:
    """Whether a file is asked for that is an address."""
    _, _, target = path.partition(f"{API}/file=")
    target = target.strip().lower()
    return "://" in target or target.startswith(_REMOTE)
