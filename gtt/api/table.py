"""The table of endpoints: every function that a button, a script or an agent may call.

An endpoint is an ordinary typed function `(caller, request) -> response`, listed with the decorator
`endpoint`. REST, the Gradio client and MCP are made from this table, so that none of them can have
what another lacks.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_type_hints

from gtt.api.rates import Kind
from gtt.api.schemas import Request, Response

Method = Literal["GET", "POST", "PATCH", "DELETE"]
Stream = Callable[[Any, Any], AsyncIterator[Response]]


@dataclass(frozen=True)
class Download:
    """A file to download; `chunks` is produced while it is read."""

    name: str
    media_type: str
    chunks: Iterator[bytes]


@dataclass(frozen=True)
class Endpoint:
    """One row of the table.

    `call` answers once; `stream`, where there is one, answers bit by bit to the same request. An
    endpoint that `takes_file` gets the pieces of a file beside the request.
    """

    name: str
    method: Method
    path: str
    call: Callable[..., Any]
    request: type[Request]
    response: type[Any]
    rate: Kind
    status: int = 200
    tag: str = "runs"
    stream: Stream | None = None
    takes_file: bool = False

    @property
    def title(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.call) or "").partition("\n")[0]

    @property
    def description(self) -> str:
        """The whole docstring."""
        return inspect.getdoc(self.call) or ""

    @property
    def path_fields(self) -> tuple[str, ...]:
        """The fields of the request that stand in the path."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def has_body(self) -> bool:
        """Whether the other fields come as a JSON body; else they come as a query."""
        return self.method in ("POST", "PATCH") and not self.takes_file

    @property
    def is_download(self) -> bool:
        return self.response is Download


TABLE: dict[str, Endpoint] = {}

Function = TypeVar("Function", bound=Callable[..., Any])


def endpoint(method: Method, path: str, **about: Any) -> Callable[[Function], Function]:
    """Lists a function in the table under its own name, or under `name`."""

    def add(function: Function) -> Function:
        hints = get_type_hints(function)
        name = about.pop("name", function.__name__)
        assert name not in TABLE, f"two endpoints are named {name}"
        row = Endpoint(
            name=name,
            method=method,
            path=path,
            call=function,
            request=hints["request"],
            response=hints["return"],
            **about,
        )
        TABLE[name] = row
        return function

    return add


async def answer(row: Endpoint, caller: Any, request: Request, *more: Any) -> Any:
    """The answer of an endpoint, whether its function waits or not.

    A function that does not wait runs in a thread, so that none of them holds up the others.
    """
    if inspect.iscoroutinefunction(row.call):
        waiting: Awaitable[Any] = row.call(caller, request, *more)
        return await waiting
    import asyncio

    return await asyncio.to_thread(row.call, caller, request, *more)
