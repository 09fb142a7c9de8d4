"""Which events and functions of the page there are, asked before Gradio looks for them.

Gradio answers an unknown name, number or component with a fault of its own, a traceback in the log
and status 500.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from gtt.api.errors import ApiError, NotFound
from gtt.settings import nearest

PREFIX = "/gradio_api/"


@dataclass(frozen=True)
class KnownCalls:
    """Events by name and number, and by component the functions that its script may call.

    `parameters` are those of the public events, and whether each is required.
    """

    names: Collection[str] = ()
    parameters: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    numbers: Collection[int] = ()
    functions: Mapping[int, Collection[str]] = field(default_factory=dict)

    def check(self, path: str, body: Any) -> None:
        """Raises `NotFound` where a request to a path of Gradio names what is not there.

        Of values by name it raises `ApiError` for one that is missing or strange.
        """
        route = path.partition(PREFIX)[2].strip("/")
        values = body if isinstance(body, dict) else {}
        if route.startswith("call/v2/"):
            self._check_values(route.removeprefix("call/v2/"), values)
        elif route.startswith("call/"):
            if route.removeprefix("call/") not in self.names:
                raise _no_endpoint()
        elif route == "queue/join":
            self._check_number(values)
        elif route == "component_server":
            self._check_function(values)

    def _check_values(self, name: str, values: dict[str, Any]) -> None:
        parameters = self.parameters.get(name)
        if parameters is None:
            raise _no_endpoint()
        for key in values:
            if key not in parameters:
                known = [one for one in parameters if one != "workspace"]
                raise _invalid(nearest("parameter", str(key), known), str(key))
        for key, is_required in parameters.items():
            if is_required and key not in values:
                raise _invalid(f"{key} is missing: give a value for it.", key)

    def _check_number(self, values: dict[str, Any]) -> None:
        number = values.get("fn_index")
        if number is not None and (type(number) is not int or number not in self.numbers):
            raise NotFound("There is no event of this number: reload the page.", field="fn_index")

    def _check_function(self, values: dict[str, Any]) -> None:
        component, name = values.get("component_id"), values.get("fn_name")
        functions = self.functions.get(component) if type(component) is int else None
        if functions is None:
            raise NotFound("There is no such component: reload the page.", field="component_id")
        if name not in functions:
            raise NotFound("This component has no such function.", field="fn_name")


def _no_endpoint() -> NotFound:
    return NotFound("There is no endpoint of this name: see /docs for what there is.")


def _invalid(sentence: str, field: str) -> ApiError:
    return ApiError(sentence, status=422, code="invalid_input", field=field)
