"""How the page looks: one accent, one palette for every chart, contrast that meets WCAG AA."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.ui.assets import static_text

# The one accent. Its 600 is the colour of the training curve in light, its 400 nearly so in dark.
ACCENT = gr.themes.Color(
    name="accent",
    c50="#eef6fb",
    c100="#d8eaf6",
    c200="#b3d6ed",
    c300="#86bee2",
    c400="#55a5d9",
    c500="#1f80bf",
    c600="#0067a5",
    c700="#00568b",
    c800="#00456f",
    c900="#003657",
    c950="#00243b",
)
# Of the system: every weight is there, and none comes over the network.
FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONOSPACE = ("ui-monospace", "SFMono-Regular", "Consolas", "Liberation Mono", "monospace")


def theme() -> Any:
    """Gradio's default in our colours; the subdued text and the buttons are made legible."""
    return gr.themes.Default(
        primary_hue=ACCENT,
        secondary_hue=ACCENT,
        neutral_hue="slate",
        radius_size="md",
        font=FONTS,
        font_mono=MONOSPACE,
    ).set(
        color_accent="*primary_600",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_border_color="*primary_600",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
    )


CSS = static_text("page.css")
