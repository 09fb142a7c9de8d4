"""The description of the interface: whatever can be sent is shown by an example that holds."""

from __future__ import annotations

import re
from typing import Any

import pytest
from serving import ROOT

import gtt.api.endpoints  # noqa: F401 - fills the table
from gtt.api.api_errors import NotFound, error_body
from gtt.api.openapi import openapi
from gtt.api.schemas import Ablate
from gtt.api.table import TABLE, Endpoint
from gtt.errors import InvalidSetting
from gtt.rest import _swagger_ui
from gtt.settings import parse

DESCRIBED = openapi()


def operation(row: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = DESCRIBED["paths"][row.path][row.method.lower()]
    return found


@pytest.mark.parametrize("name", TABLE)
def test_every_request_has_an_example_that_holds(name: str) -> None:
    row = TABLE[name]
    described = operation(row)
    in_address = {
        one["name"]: one["example"]
        for one in described["parameters"]
        if one["in"] != "header" and one["name"] in row.request.model_fields
    }
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    parse(row.request, {**in_address, **(body["example"] if body else {})}, strict=True)
    assert None not in in_address.values(), "nothing is shown"


def test_errors_are_described_with_all_their_fields() -> None:
    _, body, _ = error_body(NotFound("There is none."))
    fields = ", ".join(f'"{name}"' for name in body["error"])
    told = f'{{"error": {{{fields}}}}}'
    assert told in DESCRIBED["info"]["description"]
    assert told in (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def test_the_interface_is_shown_by_a_viewer_of_today_and_not_by_gradios() -> None:
    """Gradio brings 4.15.5."""
    script = (_swagger_ui() / "swagger-ui-bundle.js").read_text(encoding="utf-8")
    found = re.search(r'PACKAGE_VERSION:"(\d+)\.', script)
    assert found is not None and int(found[1]) >= 5


def test_an_unknown_key_within_a_list_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidSetting, match="did you mean 'layer'"):
        parse(Ablate, {"text": "One", "heads": [{"layr": 0, "head": 1}]}, strict=True)
