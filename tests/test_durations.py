"""Lengths of time as they are written."""

from __future__ import annotations

import pytest

from gtt.durations import full_duration, short_duration


@pytest.mark.parametrize(
    ("seconds", "full", "short"),
    [
        (0, "0 s", "0 s"),
        (59.6, "1 min 00 s", "60 s"),
        (725, "12 min 05 s", "12 min"),
        (5400, "1 h 30 min", "1.5 h"),
    ],
)
def test_a_duration_is_written_in_full_or_short(seconds: float, full: str, short: str) -> None:
    assert full_duration(seconds) == full
    assert short_duration(seconds) == short
