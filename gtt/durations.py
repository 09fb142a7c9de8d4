"""Lengths of time as people say them."""

from __future__ import annotations


def duration_in_words(seconds: float) -> str:
    """In seconds, minutes or hours, whichever has two digits or so."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
