"""How the page looks: one accent, one palette for every chart, contrast that meets WCAG AA."""

from __future__ import annotations

from typing import Any

import gradio as gr


def theme() -> Any:
    """Gradio's default in our colours; the subdued text and the buttons are made legible."""
    return gr.themes.Default(primary_hue="blue", neutral_hue="slate", radius_size="md").set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_600",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
    )


# One accent; training and validation are told apart by colour-blind eyes as well, and by dashes.
CSS = """
:root { --gtt-train: #0067a5; --gtt-valid: #c44900; --gtt-good: #1a7f4b; }
.dark { --gtt-train: #6cb8f0; --gtt-valid: #ffa05c; --gtt-good: #58c98b; }
.gradio-container { max-width: 1180px !important; margin: 0 auto !important; }
#title h1 { margin-bottom: .1rem; }
#title p { color: var(--body-text-color-subdued); font-size: 1.05rem; }
#actions { align-items: stretch; }
:is(
  #recipe, #live, #findings, #runs, #message, #schedule, #compare, #downloads, #text-preview,
  #text-tokens, #text-merges, #estimate
) .html-container { padding: 4px 0; }
#message { position: sticky; top: .5rem; z-index: 20; }
@media (max-width: 480px) { #tabs [role="tab"] { padding: .4rem .3rem; font-size: .82rem; } }
footer { opacity: .8; }
"""
