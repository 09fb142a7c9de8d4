"""Events of the page: Gradio repeats none of them without end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gtt.api.service import Service
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.ui.page import build


def test_no_two_listeners_of_an_event_call_each_other_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GTT_HOME", str(tmp_path))
    service = Service(Home(tmp_path), Limits(), spare=False)
    try:
        listeners = build(service).fns.values()
    finally:
        service.close()
    late = [one for one in listeners if one.trigger_mode == "always_last"]
    events = Counter(target for one in late for target in one.targets)
    assert events and max(events.values()) == 1
