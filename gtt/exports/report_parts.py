"""Pieces of a report as HTML: tables, curves, maps. Whatever is shown is escaped here."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gtt.exports.one_file import text
from gtt.interpret.figures import NothingToDraw, RunCurves, drawn, loss_figure

WIDTH, HEIGHT = 640, 170  # of a small chart
LEFT, BOTTOM, TOP = 64, 24, 8
LONGEST_SAMPLE = 600  # characters


def section(title: str, *parts: str) -> str:
    """A part of the page; nothing where it would be empty."""
    inside = "\n".join(part for part in parts if part)
    return f"<section>\n<h2>{text(title)}</h2>\n{inside}\n</section>" if inside else ""


def paragraph(words: str, kind: str = "") -> str:
    """One paragraph."""
    style = f' class="{kind}"' if kind else ""
    return f"<p{style}>{text(words)}</p>"


def table(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    """Names and values."""
    lines = [f'<tr><th scope="row">{text(a)}</th><td>{text(b)}</td></tr>' for a, b in rows]
    return f"<table><caption>{text(caption)}</caption>\n" + "\n".join(lines) + "\n</table>"


def levels(caption: str, rows: Sequence[tuple[str, float, bool]]) -> str:
    """Losses as numbers and bars, the largest the full width; one of them may be ours."""
    most = max((value for _, value, _ in rows), default=1.0) or 1.0
    lines = [
        f'<tr{" class=ours" if is_ours else ""}><th scope="row">{text(name)}</th>'
        f'<td class="number">{value:.3f}</td><td class="bars"><span class="bar" '
        f'style="width:{100 * max(0.0, value) / most:.1f}%"></span></td></tr>'
        for name, value, is_ours in rows
    ]
    head = (
        '<tr><th scope="col">of what</th><th scope="col">loss</th><th scope="col">shown</th></tr>'
    )
    return f"<table><caption>{text(caption)}</caption>\n{head}\n" + "\n".join(lines) + "\n</table>"


def loss_curves(name: str, curves: RunCurves, baselines: Mapping[str, float | None] | None) -> str:
    """The loss curves, once for a light page and once for a dark one."""
    try:
        light, dark = (
            _as_data("image/svg+xml", drawn(loss_figure([curves], baselines, dark=dark), "svg"))
            for dark in (False, True)
        )
    except NothingToDraw:
        return ""
    return (
        '<figure><picture><source media="(prefers-color-scheme: dark)" '
        f'srcset="{dark}"><img src="{light}" alt="{text(name)}"></picture>'
        f"<figcaption>{text(name)}</figcaption></figure>"
    )


def chart(caption: str, points: Sequence[tuple[int, float]]) -> str:
    """One curve over the steps."""
    points = [(step, value) for step, value in points if np.isfinite(value)]
    if len(points) < 2:
        return ""
    first, last = points[0][0], points[-1][0]
    highest = max(value for _, value in points) or 1.0
    lowest = min(0.0, min(value for _, value in points))

    def x(step: int) -> float:
        return LEFT + (WIDTH - LEFT - 8) * (step - first) / max(1, last - first)

    def y(value: float) -> float:
        return TOP + (HEIGHT - BOTTOM - TOP) * (highest - value) / ((highest - lowest) or 1.0)

    line = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in points)
    ground = y(lowest)
    return (
        f'<figure><svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{text(caption)}">'
        f'<line class="axis" x1="{LEFT}" y1="{ground}" x2="{WIDTH - 8}" y2="{ground}"/>'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="2"/>'
        f'<text x="{LEFT - 6}" y="{TOP + 8}" text-anchor="end">{highest:.3g}</text>'
        f'<text x="{LEFT - 6}" y="{ground:.0f}" text-anchor="end">{lowest:.3g}</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 6}">step {first:,}</text>'
        f'<text x="{WIDTH - 8}" y="{HEIGHT - 6}" text-anchor="end">step {last:,}</text>'
        f"</svg><figcaption>{text(caption)}</figcaption></figure>"
    )


def sample(step: int, prompt: str, written: str, loss: float | None) -> str:
    """What the model wrote at a step."""
    shortened = written if len(written) <= LONGEST_SAMPLE else written[:LONGEST_SAMPLE] + "…"
    reached = "" if loss is None else f", loss {loss:.2f}"
    return (
        f'<div class="sample"><h3>Step {step:,}{reached}</h3>'
        f'<pre><span class="given">{text(prompt)}</span>{text(shortened)}</pre></div>'
    )


def finding(title: str, sentence: str, evidence: str, weight: str) -> str:
    """One thing that the run shows."""
    return (
        f'<div class="finding {text(weight)}"><h3>{text(title)}</h3>'
        f"{paragraph(sentence)}{paragraph(evidence, 'quiet') if evidence else ''}</div>"
    )


def head_map(name: str, weights: np.ndarray) -> str:
    """The attention of one head (T, T): each row a token, the darker the more it reads there."""
    from matplotlib.image import imsave

    out = io.BytesIO()
    imsave(out, weights, cmap="Blues", vmin=0.0, vmax=1.0, format="png")
    picture = _as_data("image/png", out.getvalue())
    return (
        f'<figure><img src="{picture}" alt="Attention of {text(name)}">'
        f"<figcaption>{text(name)}</figcaption></figure>"
    )


def _as_data(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
