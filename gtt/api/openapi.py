"""The OpenAPI 3.1 description of the table."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from gtt import __version__
from gtt.api.schemas import CHANGES, ErrorResponse, RunInfo, RunStatus
from gtt.api.schemas.base import RUN_ID
from gtt.api.table import TABLE, Endpoint
from gtt.config import GROUPS, describe_settings
from gtt.explain import explain
from gtt.training.quantities import quantities

REFS = "#/components/schemas/{model}"
INTRODUCTION = """\
Train small GPTs, follow them, look inside. What the page does, a script can do here.

**Workspace.** What belongs to you lies on a desk that only your key opens. Send it as the header
`X-GTT-Workspace`; a request without one gets a new key back in the same header. Where one desk
serves everybody, as on a laptop, no key is needed.

**Errors** are `{"error": {"code", "field", "message", "ways"}}` everywhere; `ways` are settings
with which the request would pass. 429 and 503 say in `Retry-After` when to come back.

**Streams.** Endpoints that say so answer bit by bit to `Accept: text/event-stream`.
"""
DOWNLOADS = (  # what the files are that endpoints give
    "application/zip",
    "application/json",
    "application/x-ndjson",
    "text/csv",
    "text/html",
    "application/octet-stream",
    "image/svg+xml",
    "image/png",
)
TAGS = {
    "runs": "Trainings: begin, follow, stop, go on.",
    "models": "What a trained model writes and how it looks inside.",
    "data": "Texts and tokens.",
    "configuration": "The draft, the recipes, the settings.",
    "server": "Whether the server is well.",
}
REFUSALS = {
    "400": "The request is malformed.",
    "403": "Not allowed here, or the desk is full.",
    "404": "There is no such thing on this desk.",
    "409": "The request contradicts what is.",
    "413": "Too large.",
    "414": "The address is too long.",
    "421": "The server is not known under that name.",
    "422": "A field is not valid; the message says which and how to mend it.",
    "429": "Too often; come back after `Retry-After` seconds.",
    "502": "The Hub or the network would not have it; the message says why.",
    "503": "Busy; come back after `Retry-After` seconds.",
}
# Fields of a run that are called otherwise than the quantity that they hold.
QUANTITY_OF = {"eta_seconds": "time_left"}
WORKSPACE = {
    "name": "X-GTT-Workspace",
    "in": "header",
    "required": False,
    "description": "The key of your desk.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{20,100}$"},
}
IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key again returns the run that it made before.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}
LAST_EVENT = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The `seq` after which a stream goes on.",
    "schema": {"type": "string", "pattern": "^[0-9]{1,15}$"},
}


def openapi() -> dict[str, Any]:
    """The whole description as plain values."""
    requests: list[Any] = [(row.request, "validation") for row in TABLE.values()]
    answers: list[Any] = [
        (row.response, "serialization") for row in TABLE.values() if not row.is_download
    ]
    unique = list(dict.fromkeys([*requests, *answers, (ErrorResponse, "serialization")]))
    named, definitions = models_json_schema(unique, ref_template=REFS)
    schemas = _explained(_without_null_defaults(definitions["$defs"]))
    paths: dict[str, dict[str, Any]] = {}
    for row in TABLE.values():
        request = _schema_of(named[(row.request, "validation")], schemas)
        answer = None if row.is_download else named[(row.response, "serialization")]
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, request, answer)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "GTT",
            "version": __version__,
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _operation(row: Endpoint, request: dict[str, Any], answer: Any) -> dict[str, Any]:
    properties = request.get("properties", {})
    required = request.get("required", [])
    in_path = row.path_fields
    parameters = [
        {
            "name": name,
            "in": "path" if name in in_path else "query",
            "required": name in in_path or name in required,
            "description": schema.get("description", name),
            "schema": _plain(schema) if name not in in_path else schema,
            "example": _example(row, name),
        }
        for name, schema in properties.items()
        if name in in_path or not row.has_body
    ]
    parameters.append(WORKSPACE)
    if "idempotency_key" in properties:
        parameters.append(IDEMPOTENCY)
    if row.name == "events":
        parameters.append(LAST_EVENT)
    operation: dict[str, Any] = {
        "operationId": row.name,
        "summary": row.title.rstrip("."),
        "description": row.description,
        "tags": [row.tag],
        "parameters": parameters,
        "responses": _responses(row, answer),
    }
    body = _body(row, request)
    if body is not None:
        operation["requestBody"] = body
    return operation


def _example(row: Endpoint, name: str) -> Any:
    """What to show of a field in an address: its example, else its default."""
    default = row.request.model_fields[name].get_default()
    return row.request.examples().get(name, default)


def _body(row: Endpoint, request: dict[str, Any]) -> dict[str, Any] | None:
    if row.takes_file:
        binary = {"type": "string", "format": "binary"}
        form = {"type": "object", "properties": {"file": binary}, "required": ["file"]}
        return {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {}},
                "multipart/form-data": {"schema": form},
            },
        }
    if not row.has_body:
        return None
    fields = {k: v for k, v in request.get("properties", {}).items() if k not in row.path_fields}
    required = [name for name in request.get("required", []) if name not in row.path_fields]
    if not fields:
        return None
    schema: dict[str, Any] = {
        "type": "object",
        "title": request.get("title", row.request.__name__),
        "additionalProperties": False,
        "properties": fields,
    }
    if required:
        schema["required"] = required
    media: dict[str, Any] = {"schema": schema}
    example = row.request.example or row.request.examples()
    # Which run there is, nobody can show: left out it is the current one.
    media["example"] = {k: v for k, v in example.items() if k in fields and v != RUN_ID}
    return {"required": bool(required), "content": {"application/json": media}}


def _responses(row: Endpoint, answer: Any) -> dict[str, Any]:
    headers = {
        "X-GTT-Workspace": {
            "description": "The key of the desk that was made for a request without one.",
            "schema": {"type": "string"},
        }
    }
    if row.is_download:
        text = {"type": "string"}
        content = {
            kind: {"schema": {} if kind == "application/json" else text} for kind in DOWNLOADS
        }
    else:
        content = {"application/json": {"schema": answer}}
        if row.stream is not None:
            content["text/event-stream"] = {"schema": {"type": "string"}}
    error = {"$ref": REFS.format(model="ErrorResponse")}
    refusals = {
        status: {"description": text, "content": {"application/json": {"schema": error}}}
        for status, text in REFUSALS.items()
    }
    for status in ("429", "503"):
        refusals[status]["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
        }
    success = {"description": row.title, "headers": headers, "content": content}
    return {str(row.status): success, **refusals}


def _schema_of(reference: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The request's own schema; it is inlined, since path, query and body take parts of it."""
    name = str(reference["$ref"]).rpartition("/")[2]
    schema: dict[str, Any] = schemas[name]
    return schema


def _explained(schemas: dict[str, Any]) -> dict[str, Any]:
    """Settings and quantities with the words that the page has for them."""
    settings = {setting.key: explain(setting.concept).tip for setting in describe_settings()}
    groups = {
        name: group
        for group, model in GROUPS.items()
        for name in (model.__name__, CHANGES[group].__name__)
    }
    for name, schema in schemas.items():
        for field, described in schema.get("properties", {}).items():
            words = None
            if name in groups:
                words = settings.get(f"{groups[name]}.{field}")
            elif name in (RunInfo.__name__, RunStatus.__name__):
                words = _quantity(field)
            if words is not None:
                described.setdefault("description", words)
    return schemas


def _quantity(field: str) -> str | None:
    """What a figure of a response is, where its name says which it is."""
    quantity = quantities().get(QUANTITY_OF.get(field, field))
    if quantity is None:
        return None
    unit = f" ({quantity.unit})" if quantity.unit else ""
    return f"{quantity.label}{unit}. {explain(quantity.concept).tip}"


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a query parameter: left out is how it is null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    common = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**common, **kinds[0]}


def _without_null_defaults(value: Any) -> Any:
    """A partial update has no defaults: a setting that is left out stays as it was."""
    if isinstance(value, dict):
        return {
            key: _without_null_defaults(part)
            for key, part in value.items()
            if not (key == "default" and part is None)
        }
    if isinstance(value, list):
        return [_without_null_defaults(part) for part in value]
    return value
