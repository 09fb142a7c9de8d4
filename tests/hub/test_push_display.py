"""What the terminal shows of a push: a bar with the time left, or a line for each stage."""

from __future__ import annotations

import io
import time
from dataclasses import replace

from rich.console import Console

from gtt.hub.push_state import PushState, as_cancelled
from gtt.push_display import PushDisplay

SENDING = PushState("anna/tiny", False, stage="sending", total=80_000_000, kept=20_000_000)


def shown(*, is_terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=is_terminal, width=100, soft_wrap=True)
    with PushDisplay(console) as display:
        display.show(replace(SENDING, stage="preparing", total=None, kept=0))
        time.sleep(0.25)
        for sent in range(0, 40_000_001, 10_000_000):
            display.show(replace(SENDING, sent=sent, seconds_left=125.0))
            time.sleep(0.25)  # it is drawn ten times a second and measures the speed itself
        display.show(replace(SENDING, stage="publishing", sent=60_000_000))
        time.sleep(0.25)
        display.show(as_cancelled(SENDING))
    return out.getvalue()


def test_a_terminal_sees_a_bar_with_speed_and_time_left() -> None:
    text = shown(is_terminal=True)
    assert "laying out the files" in text and "sending" in text and "publishing" in text
    assert "60.0/80.0 MB" in text and "MB/s" in text and "2 min left" in text
    assert text.endswith("\x1b[2K"), "nothing of it stays"


def test_a_file_gets_a_line_for_each_stage() -> None:
    assert shown(is_terminal=False).splitlines() == [
        "laying out the files …",
        "sending (80.0 MB) …",
        "publishing (80.0 MB) …",
    ]
