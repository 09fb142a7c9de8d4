"""Lengths of time as people say them: in seconds, minutes or hours, with two digits or so."""

from __future__ import annotations


def duration_in_words(seconds: float) -> str:
    """As in a sentence: 45 seconds, 12 minutes, 1.5 hours."""
    return _said(seconds, "seconds", "minutes", "hours")


def short_duration(seconds: float) -> str:
    """As beside other figures: 45 s, 12 min, 1.5 h."""
    return _said(seconds, "s", "min", "h")


def seconds_at_this_rate(done: float, to_come: float, passed: float) -> float | None:
    """How long the rest takes if it goes on as it went; None while too little is known.

    For work whose parts are alike; of a training `gtt.runs.pace` knows better.
    """
    if done <= 0 or passed < 1:
        return None
    return max(0.0, to_come) * passed / done


def _said(value: float, seconds: str, minutes: str, hours: str) -> str:
    if value < 90:
        return f"{value:.0f} {seconds}"
    if value < 5400:
        return f"{value / 60:.0f} {minutes}"
    return f"{value / 3600:.1f} {hours}"
