"""What a request over HTTP says: its values, headers that may come once, a file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, get_args

from starlette.datastructures import UploadFile
from starlette.requests import Request as HttpRequest

from gtt.api.api_errors import ApiError
from gtt.api.table import Endpoint
from gtt.errors import BadInput

CHUNK = 2**16  # bytes of a file that are read at once


async def values_of(row: Endpoint, http: HttpRequest) -> dict[str, Any]:
    """The request as plain values: from the path, the query or the body, and some headers."""
    values: dict[str, Any] = {}
    query = http.query_params.multi_items()
    if row.has_body:
        if query:
            raise BadInput(
                "This endpoint takes its values in the body, as JSON, and none in the address.",
                field=query[0][0],
            )
        values = await _json_body(http)
        idempotency = header_of(http, "Idempotency-Key")
        if idempotency is not None and "idempotency_key" in row.request.model_fields:
            values.setdefault("idempotency_key", idempotency)
    else:
        for name, value in query:
            if name in values:
                raise BadInput(f"{name} is given twice.", field=name)
            values[name] = value
        last = header_of(http, "Last-Event-ID")
        if last is not None and row.name == "events":
            values["after"] = last
    for name in row.path_fields:
        if name in values:
            raise BadInput(f"{name} stands in the path already.", field=name)
        values[name] = _path_value(row, name, http.path_params[name])
    return values


def header_of(http: HttpRequest, name: str) -> str | None:
    """A header that may come once; which of two is meant would be a guess."""
    values = http.headers.getlist(name)
    if len(values) > 1:
        raise ApiError(f"The header {name} must come once.", field=name.lower())
    return values[0] if values else None


def _path_value(row: Endpoint, name: str, text: str) -> Any:
    """A number where the endpoint takes one."""
    annotation = row.request.model_fields[name].annotation
    is_number = annotation is int or int in get_args(annotation)
    return int(text) if is_number and text.isascii() and text.isdigit() and len(text) < 16 else text


async def _json_body(http: HttpRequest) -> dict[str, Any]:
    body = await http.body()
    if not body.strip(b" \t\r\n"):  # what JSON takes for blank, and no more
        return {}
    kind = http.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in ("application/json", "text/json") and not kind.endswith("+json"):
        raise ApiError(
            "Send the body as JSON, with Content-Type: application/json.",
            status=415,
            code="not_json",
            field="content-type",
        )
    try:
        values = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError(f"The body is not JSON ({error}).", code="not_json") from None
    if not isinstance(values, dict):
        raise BadInput("The body must be a JSON object.")
    return values


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


async def file_in(http: HttpRequest) -> tuple[str | None, AsyncIterator[bytes]]:
    """Name and pieces of a file: the body itself, or the form's field `file`."""
    if not http.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return None, _filled(http.stream())
    try:
        form = await http.form(max_files=1, max_fields=10)
    except Exception as error:  # the parser's own kinds
        reason = getattr(error, "detail", error)
        raise ApiError(f"The form cannot be read ({reason}).", code="bad_form") from None
    file = form.get("file")
    if not isinstance(file, UploadFile):
        await form.close()
        raise BadInput("The form must have a field `file` that holds one.", field="file")
    return file.filename, _read(file)


async def _filled(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        if piece:
            yield piece


async def _read(file: UploadFile) -> AsyncIterator[bytes]:
    try:
        while piece := await file.read(CHUNK):
            yield piece
    finally:
        await file.close()
