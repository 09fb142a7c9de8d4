"""Events of the page: few, all of them scripts that call no Python and are never called again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gtt.api.service import Service
from gtt.api.table import TABLE
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.ui.page import build

MOST_BYTES = 450_000  # of what Gradio sends with every page, of which the table is most


def test_the_page_has_few_events_and_none_of_them_calls_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GTT_HOME", str(tmp_path))
    service = Service(Home(tmp_path), Limits(), spare=False)
    try:
        page = build(service)
    finally:
        service.close()
    listeners = [one for one in page.fns.values() if one.api_name not in TABLE]
    # Opened, a control shows another value, one is settled, all are filled.
    assert len(listeners) == 4
    for one in listeners:
        assert one.fn is None and one.js
        # Two that wait for the last of many events, late by turns, would call each other for ever.
        assert one.trigger_mode == "multiple"
    assert len(json.dumps(page.get_config_file())) < MOST_BYTES
