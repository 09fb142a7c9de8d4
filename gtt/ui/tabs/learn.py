"""The Learn tab: lessons that are taken on one's own runs."""

from __future__ import annotations

from gtt.ui.views import view


def learn_tab() -> None:
    """Builds the tab."""
    view("learn", elem_id="learn", padding=False)
