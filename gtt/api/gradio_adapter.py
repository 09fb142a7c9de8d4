"""The table as Gradio endpoints: what the Gradio client and, over MCP, an agent see.

Beside its private doors (`gtt.api.doors`) this is the only module of this floor that knows Gradio.
Every endpoint keeps its name; its parameters are the fields of its request, and `workspace`, the
key of the caller's desk. A call without a key gets a desk of its own and its key in the answer,
under `workspace`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import gradio as gr

import gtt.api.endpoints  # noqa: F401 - fills the table
from gtt.api.api_errors import error_body
from gtt.api.doors import gradio as doors
from gtt.api.guard.gradio_calls import KnownCalls
from gtt.api.guard.unread_results import Unread
from gtt.api.guard.visitor_address import address_of
from gtt.api.schemas import Request
from gtt.api.service import Caller, Service
from gtt.api.table import TABLE, Download, Endpoint, answer
from gtt.api.uploads import disk_refuses
from gtt.errors import FULL_DISK, GTTError
from gtt.runs.limits import MEGABYTE
from gtt.settings import parse

log = logging.getLogger(__name__)

WORKSPACE = "X-GTT-Workspace"
LIMIT = 64  # of events of one endpoint at a time; the endpoints hold back what is costly
CHUNK = 2**16
# Answered page by page: `predict` returns the last part of a stream, and would drop the others.
BY_CURSOR = ("events",)
PLAIN = (bool, int, float, str)
SIGNED_IN = "signed_in"
Field = tuple[str, Any, Any]  # name, kind, default of a parameter


def add_endpoints(service: Service) -> None:
    """Lists the whole table in the Blocks that are open."""
    for row in TABLE.values():
        if row.takes_file:
            _add_upload(service, row)
        elif row.is_download:
            _add_download(service, row)
        else:
            streams = row.stream is not None and row.name not in BY_CURSOR
            function = _streaming(service, row) if streams else _once(service, row)
            described = _described(function, row, _parameters(row.request))
            gr.api(described, api_name=row.name, concurrency_limit=LIMIT)


def known_calls(page: gr.Blocks) -> KnownCalls:
    """The calls that a page knows: its events and the endpoints with their parameters."""
    events = doors.event_names(page)
    return KnownCalls(
        names=frozenset(name for name in events.values() if name),
        parameters={name: _required(row) for name, row in TABLE.items()},
        numbers=frozenset(events),
        is_session=partial(doors.has_session, page),
        is_event=partial(doors.has_event, page),
    )


def _required(row: Endpoint) -> dict[str, bool]:
    """The parameters of an endpoint, and whether each has to be given."""
    empty = inspect.Parameter.empty
    if row.takes_file:
        return {"file": True} | {name: False for name, _, _ in _parameters(row.request)}
    return {name: default is empty for name, _, default in _parameters(row.request)}


def make_queue_frugal(page: gr.Blocks, unread: Unread) -> None:
    """Lets a page and its events take little time and memory, for results that wait too."""
    doors.look_for_events_rarely(page)
    doors.keep_sessions_small()
    doors.leave_matplotlib_out()
    doors.keep_results_in(page, unread)
    unread.forgotten = partial(doors.forget_session, page)


def caller_of(service: Service, workspace: Any, request: gr.Request | None) -> Caller:
    """Whoever calls: by the key that is given, else by the header of REST."""
    key = workspace or (request.headers.get(WORKSPACE) if request is not None else None)
    # An event of the page asks for no request, but was made by one.
    http = request if request is not None else doors.request_at_work()
    address = address_of(_peer(http), _forwarded(http)) if http is not None else ""
    return service.caller(key or None, address)  # also a key that is no text, which is refused


def _peer(http: gr.Request) -> str | None:
    client = getattr(http, "client", None)
    return getattr(client, "host", None)


def _forwarded(http: gr.Request) -> list[str]:
    headers = getattr(http, "headers", None)
    forwarded = headers.get("x-forwarded-for") if headers is not None else None
    return [forwarded] if isinstance(forwarded, str) else []


def as_gradio_error(error: BaseException) -> gr.Error:
    """The same error as everywhere: the sentence as message, code and field as title."""
    if not isinstance(error, GTTError):
        log.error("an endpoint failed", exc_info=error)
    _, body, _ = error_body(error)
    detail = body["error"]
    field = f" ({detail['field']})" if detail["field"] else ""
    return gr.Error(str(detail["message"]), title=f"{detail['code']}{field}", print_exception=False)


@contextmanager
def gradio_errors() -> Iterator[None]:
    """What goes wrong inside of the `with` reaches the caller as `as_gradio_error` has it."""
    try:
        yield
    except Exception as error:
        raise as_gradio_error(error) from None


def begin(
    service: Service, endpoint: str, http: gr.Request | None, /, **values: Any
) -> tuple[Caller, Any]:
    """The caller and the request of a call of an endpoint by its name, checked and counted.

    `values` are the request's fields, None where left out, and the key as `workspace`. Raises
    `GTTError`, which is for `gradio_errors`.
    """
    row = TABLE[endpoint]
    caller = caller_of(service, values.pop("workspace", None), http)
    service.unread.belongs(doors.event_at_work(), caller.desk.owner)
    service.rates.take(row.rate, caller.desk.owner)
    fields = {name: value for name, value in values.items() if value is not None}
    return caller, parse(row.request, fields, strict=True)


def signed_in(values: dict[str, Any]) -> None:
    """Takes what Gradio knows of a sign-in with Hugging Face for the token that is left out."""
    sign_in = values.pop(SIGNED_IN, None)
    if sign_in is not None and not values.get("token"):
        values["token"] = sign_in.token


def _finished(caller: Caller, response: Any) -> dict[str, Any]:
    """The response as plain values, with the key of a desk that was just made.

    An event's `path` is called `file` here: Gradio's client takes whatever has a `path` for a file
    of the server and tries to download it.
    """
    values: dict[str, Any] = response.model_dump(mode="json")
    for event in values.get("events", ()):
        if "path" in event:
            event["file"] = event.pop("path")
    return {**values, "workspace": caller.desk.key} if caller.desk.key else values


def _once(service: Service, row: Endpoint) -> Callable[..., Any]:
    async def call(request: gr.Request, **values: Any) -> dict[str, Any]:
        with gradio_errors():
            caller, row_request = begin(service, row.name, request, **values)
            return _finished(caller, await answer(row, caller, row_request))

    return call


def _streaming(service: Service, row: Endpoint) -> Callable[..., Any]:
    async def call(request: gr.Request, **values: Any) -> AsyncIterator[dict[str, Any]]:
        assert row.stream is not None
        with gradio_errors():
            signed_in(values)
            caller, row_request = begin(service, row.name, request, **values)
            with service.streams.held(caller.desk.owner):
                async for part in row.stream(caller, row_request):
                    yield _finished(caller, part)

    return call


def _described(
    function: Callable[..., Any], row: Endpoint, parameters: list[Field]
) -> Callable[..., Any]:
    """The function with the name, the parameters and the words of its endpoint."""
    anywhere = inspect.Parameter.POSITIONAL_OR_KEYWORD
    hints: dict[str, Any] = {"request": gr.Request, "return": dict}
    listed = [inspect.Parameter("request", anywhere, annotation=gr.Request)]
    if "token" in row.request.model_fields:  # Gradio fills it in for whoever is signed in
        hints[SIGNED_IN] = gr.OAuthToken | None
        listed.append(inspect.Parameter(SIGNED_IN, anywhere, annotation=gr.OAuthToken | None))
    for name, kind, default in parameters:
        hints[name] = kind
        listed.append(inspect.Parameter(name, anywhere, default=default, annotation=kind))

    if inspect.isasyncgenfunction(function):

        async def named(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            async for part in function(**bound.arguments):
                yield part

    else:

        async def named(*args: Any, **kwargs: Any) -> Any:  # type: ignore[misc]
            bound = signature.bind(*args, **kwargs)
            return await function(**bound.arguments)

    signature = inspect.Signature(listed, return_annotation=dict)
    named.__signature__ = signature  # type: ignore[attr-defined]
    named.__annotations__ = hints
    named.__name__ = row.name
    named.__doc__ = _words(row)
    return named


def _parameters(model: type[Request]) -> list[Field]:
    """Name, kind and default of each field, required ones first, and of the workspace key."""
    empty = inspect.Parameter.empty
    rows: list[Field] = [
        (name, _kind(field.annotation), empty if field.is_required() else field.default)
        for name, field in model.model_fields.items()
    ]
    rows.sort(key=lambda row: row[2] is not empty)
    return [*rows, ("workspace", str, None)]


def _kind(annotation: Any) -> type:
    """The JSON type of a field's annotation; of a union the first plain one."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType, Annotated):
        return next((kind for kind in map(_kind, parts) if kind in PLAIN), _kind(parts[0]))
    if origin is Literal:
        return type(parts[0])
    plain_type = origin or annotation
    kinds = (bool, int, float, str, list)
    return next(
        (k for k in kinds if isinstance(plain_type, type) and issubclass(plain_type, k)), dict
    )


def _words(row: Endpoint) -> str:
    """The docstring in the form that Gradio reads descriptions of parameters from."""
    lines = [row.description, "", "Args:"]
    if row.takes_file:
        lines.append("    file: The file itself.")
    for name, field in row.request.model_fields.items():
        lines.append(f"    {name}: {field.description or field.title or name}")
    lines.append("    workspace: The key of your desk; left out, a new one comes back.")
    return "\n".join(lines)


def _add_upload(service: Service, row: Endpoint) -> None:
    """An upload takes a real file component, so that `handle_file` works."""

    async def call(request: gr.Request, file: str | None, **values: Any) -> dict[str, Any]:
        with gradio_errors():
            path = Path(file) if file else None
            if path is not None and values.get("name") is None:
                values["name"] = path.name
            caller, row_request = begin(service, row.name, request, **values)
            return _finished(caller, await answer(row, caller, row_request, _pieces(path)))

    # Gradio lets out only what is None otherwise: the name is the file's own then.
    optional: list[Field] = [(name, kind, None) for name, kind, _ in _parameters(row.request)]
    file = ("file", str, inspect.Parameter.empty)
    _add_with_components(call, row, [file, *optional], gr.JSON(visible=False))


async def _pieces(path: Path | None) -> AsyncIterator[bytes]:
    """The pieces of a file that Gradio has received; it deletes its copy by and by."""
    if path is None:
        return
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def _add_download(service: Service, row: Endpoint) -> None:
    """A download fills a real file component, so that a client gets the file."""
    out = gr.File(visible=False)

    async def call(request: gr.Request, **values: Any) -> str:
        with gradio_errors():
            caller, row_request = begin(service, row.name, request, **values)
            download = await answer(row, caller, row_request)
            return await asyncio.to_thread(_written, download, doors.cache_folder(out), service)

    _add_with_components(call, row, _parameters(row.request), out)


def _written(download: Download, cache: Path, service: Service) -> str:
    """The path of the file: in Gradio's cache, which it clears, in a folder that nobody guesses.

    Raises `ApiError` where the disk has no room for it, and leaves nothing then.
    """
    folder = cache / secrets.token_urlsafe(32)
    folder.mkdir(parents=True)
    path, room = folder / download.name, 0
    try:
        with path.open("wb") as file:
            for chunk in download.chunks:
                if room < len(chunk):
                    room = max(len(chunk), MEGABYTE)
                    service.workspaces.check_room(room)
                room -= len(chunk)
                file.write(chunk)
                service.workspaces.note_written(len(chunk))
    except BaseException as error:
        size = path.stat().st_size if path.exists() else 0
        shutil.rmtree(folder, ignore_errors=True)
        service.workspaces.note_written(-size)
        if isinstance(error, OSError) and error.errno in FULL_DISK:
            raise disk_refuses(error) from None
        raise
    return str(path)


def _add_with_components(
    function: Callable[..., Any], row: Endpoint, parameters: list[Field], out: Any
) -> None:
    """An endpoint with a hidden component for each parameter, where a file goes in or out."""
    inputs: list[Any] = []
    for name, kind, default in parameters:
        # What an upload leaves out follows from its file.
        value = None if row.takes_file or default is inspect.Parameter.empty else default
        if name == "file":
            inputs.append(gr.File(visible=False, label=name))
        elif kind is int:
            inputs.append(gr.Number(value, visible=False, label=name, precision=0))
        else:
            inputs.append(gr.Textbox(value, visible=False, label=name))
    gr.Button(visible=False).click(
        _described(function, row, parameters),
        inputs,
        out,
        api_name=row.name,
        api_description=row.description,
        concurrency_limit=LIMIT,
    )
