"""The Attention tab: what each head looks at, what it does by habit, and what it is good for."""

from __future__ import annotations

from gtt.ui.views import view


def attention_tab() -> None:
    """Builds the tab; it looks at the run of the page."""
    view("attention", elem_id="inside-attention", padding=False)
