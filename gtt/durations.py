"""Lengths of time as people say them: in seconds, minutes or hours, with two digits or so."""

from __future__ import annotations


def duration_in_words(seconds: float) -> str:
    """As in a sentence: 45 seconds, 12 minutes, 1.5 hours."""
    return _in_unit(seconds, "seconds", "minutes", "hours")


def short_duration(seconds: float) -> str:
    """As beside other figures: 45 s, 12 min, 1.5 h."""
    return _in_unit(seconds, "s", "min", "h")


def full_duration(seconds: float) -> str:
    """To the second, beyond an hour to the minute: 45 s, 12 min 05 s, 1 h 30 min."""
    whole_minutes, remaining = divmod(round(seconds), 60)
    hours, minutes = divmod(whole_minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {remaining:02d} s" if minutes else f"{remaining} s"


def seconds_at_this_rate(done: float, to_come: float, passed: float) -> float | None:
    """The seconds left at the average rate so far; None in the first second.

    For work with equal parts; `gtt.runs.pace` estimates trainings.
    """
    if done <= 0 or passed < 1:
        return None
    return max(0.0, to_come) * passed / done


def _in_unit(value: float, seconds: str, minutes: str, hours: str) -> str:
    if value < 90:
        return f"{value:.0f} {seconds}"
    if value < 5400:
        return f"{value / 60:.0f} {minutes}"
    return f"{value / 3600:.1f} {hours}"
