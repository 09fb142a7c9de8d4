"""Checks calls of the page's events and functions before Gradio gets them.

Gradio answers an unknown name, number or component with status 500 and a traceback in the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from gtt.api.api_errors import ApiError, NotFound
from gtt.settings import nearest

PREFIX = "/gradio_api/"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True)
class KnownCalls:
    """Events by name and number, and by component the functions that its script may call.

    `parameters` are those of the public events, and whether each is required.
    """

    names: Collection[str] = ()
    parameters: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    numbers: Collection[int] = ()
    is_session: Callable[[str], bool] = lambda session: True
    is_event: Callable[[str], bool] = lambda event: True

    def check_read(self, path: str, query: bytes) -> None:
        """Raises `NotFound` where the results of an unknown session or event are asked for."""
        route = path.partition(PREFIX)[2].strip("/")
        if route == "queue/data":
            (session,) = parse_qs(query.decode("latin-1")).get("session_hash", [""])[:1]
            if not self.is_session(session):
                raise NotFound(
                    "There is no such session, or its results waited too long: reload the page.",
                    field="session_hash",
                )
        elif route.startswith("call/"):
            event = route.rpartition("/")[2]
            if not self.is_event(event):
                raise NotFound(
                    "There is no such call, or its result waited too long: call again.",
                    field="event_id",
                )

    def check(self, path: str, body: Any) -> None:
        """Raises `NotFound` where a request to a path of Gradio names what is not there.

        Of values by name it raises `ApiError` for one that is missing or strange.
        """
        route = path.partition(PREFIX)[2].strip("/")
        values = body if isinstance(body, dict) else {}
        if not route.startswith("call/v2/"):
            _check_session(values)
        if route.startswith("call/v2/"):
            self._check_values(route.removeprefix("call/v2/"), values)
        elif route.startswith("call/"):
            if route.removeprefix("call/") not in self.names:
                raise _no_endpoint()
        elif route == "queue/join":
            self._check_number(values)

    def _check_values(self, name: str, values: dict[str, Any]) -> None:
        parameters = self.parameters.get(name)
        if parameters is None:
            raise _no_endpoint()
        for key in values:
            if key not in parameters:
                names = [parameter for parameter in parameters if parameter != "workspace"]
                raise _invalid(nearest("parameter", str(key), names), str(key))
        for key, is_required in parameters.items():
            if is_required and key not in values:
                raise _invalid(f"{key} is missing: give a value for it.", key)

    def _check_number(self, values: dict[str, Any]) -> None:
        number = values.get("fn_index")
        if number is not None and (type(number) is not int or number not in self.numbers):
            raise NotFound("There is no event of this number: reload the page.", field="fn_index")


def _check_session(values: dict[str, Any]) -> None:
    """Raises `ApiError` where a session or an event is named by what is no name."""
    for key in ("session_hash", "event_id"):
        name = values.get(key)
        if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise _invalid(f"{key} must be 1 to 100 letters, digits, - or _.", key)


def _no_endpoint() -> NotFound:
    return NotFound("There is no endpoint of this name: see /docs for what there is.")


def _invalid(sentence: str, field: str) -> ApiError:
    return ApiError(sentence, status=422, code="invalid_input", field=field)
