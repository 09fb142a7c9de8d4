"""Loss curves as figures for papers, slides and reports, by matplotlib.

Importing this loads matplotlib, which takes half a second: a server imports it when the first
figure is asked for. Figures are made with the object interface, never with pyplot, which keeps
every figure in a list of its own.
"""

from __future__ import annotations

import io
import math
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal
from xml.sax.saxutils import escape

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from gtt.interpret.glyphs import SANS, fonts_for, spelled
from gtt.training.events import METRICS

Unit = Literal["loss", "perplexity", "bits"]
Format = Literal["svg", "png"]
Points = Sequence[tuple[int, float]]

TITLES = {
    "loss": f"Loss ({METRICS['loss'].unit})",
    "perplexity": "Perplexity",
    "bits": "Bits per byte",
}
BASELINES = {"uniform": "Uniform", "unigram": "Unigram", "bigram": "Bigram", "floor": "Floor"}
SIZE = (7.2, 4.2)  # inches
DOTS = 200  # per inch, of a PNG
LONGEST_NAME = 40  # characters of a name in a legend
NAME = "name-"  # how the group of such a name is called in an SVG
MOST_MARKERS = 40  # on one curve; more of them would hide it

# The colours of the page. In grey and to colour-blind eyes the dashes tell the curves apart.
TRAINING = {False: "#0067a5", True: "#6cb8f0"}
VALIDATION = {False: "#c44900", True: "#ffa05c"}
# Chosen by search: as far apart as eight can be to normal, protan, deutan and tritan eyes.
RUNS: dict[bool, tuple[str, ...]] = {
    False: (
        *("#0067a5", "#c44900", "#b61cfd", "#a8886a"),
        *("#052095", "#740d09", "#773e56", "#130637"),
    ),
    True: (
        *("#6cb8f0", "#ffa05c", "#a7fcb6", "#d9399e"),
        *("#ffcc0f", "#7461f9", "#eddff1", "#ef2962"),
    ),
}
DASHES: tuple[Any, ...] = (
    "solid",
    (0, (6, 2)),
    (0, (1.5, 1.5)),
    (0, (6, 2, 1.5, 2)),
    (0, (10, 3)),
    (0, (3, 3)),
    (0, (8, 2, 1.5, 2, 1.5, 2)),
    (0, (4, 1.5, 4, 4)),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
GROUND = {False: "#ffffff", True: "#16181d"}
INK = {False: "#1f2937", True: "#e5e7eb"}
GREY = {False: "#6b7280", True: "#9ca3af"}

# The one place of matplotlib that is shared by all threads is its settings.
_SETTINGS = threading.Lock()


class NothingToDraw(ValueError):
    """There is no point yet, or none in the unit that is asked for."""


@dataclass(frozen=True)
class RunCurves:
    """The curves of one run, in nats per token over steps.

    `bytes_per_token` turns them into bits per byte; None where it is not known.
    """

    name: str
    training: Points
    validation: Points
    bytes_per_token: float | None = None


def loss_figure(
    curves: Sequence[RunCurves],
    baselines: Mapping[str, float | None] | None,
    *,
    unit: Unit = "loss",
    log: bool = False,
    dark: bool = False,
) -> Figure:
    """The curves of one run, or of up to eight laid over each other, with the baselines.

    Baselines, in nats per token, belong to the tokens of the first run. A run without a point, or
    whose bytes per token are not known where bits are asked for, is left out. Raises
    `NothingToDraw` where none is left.
    """
    width = curves[0].bytes_per_token if curves else None
    curves = [curve for curve in (_in_unit(run, unit) for run in curves) if _has_points(curve)]
    if not curves:
        raise NothingToDraw("there is no point to draw")
    with _SETTINGS, matplotlib.rc_context(_own_settings()):
        figure = Figure(figsize=SIZE, facecolor=GROUND[dark], layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _dress(axes, unit, log=log, dark=dark)
        if len(curves) == 1:
            entries = _draw_one(axes, curves[0], dark)
        else:
            entries = _draw_many(axes, curves, dark)
        levels = {
            name: _value_in(unit, value, width)
            for name, value in (baselines or {}).items()
            if name in BASELINES and value is not None
        }
        _draw_baselines(axes, {k: v for k, v in levels.items() if math.isfinite(v)}, dark)
        _legend(axes, entries, dark)
    return figure


def drawn(figure: Figure, format: Format) -> bytes:
    """The figure as a file; the same figure always gives the same bytes."""
    out = io.BytesIO()
    with _SETTINGS, matplotlib.rc_context(_own_settings()):
        if format == "svg":
            return _as_svg(figure)
        figure.savefig(out, format="png", dpi=DOTS, metadata={"Software": "GTT"})
    return out.getvalue()


def _as_svg(figure: Figure) -> bytes:
    """With all letters of the names, which whoever looks at it may have where matplotlib has not.

    While it is laid out, those that cannot be drawn are of the width of a W.
    """
    spelled_out = [
        (text, text.get_text())
        for text in figure.findobj(Text)
        if isinstance(text, Text) and str(text.get_gid()).startswith(NAME)
    ]
    whole = {}
    for number, (text, _) in enumerate(spelled_out):
        text.set_gid(f"{NAME}{number}")
        whole[str(number)] = str(text.get_label())
        _, missing = fonts_for(whole[str(number)], SANS)
        text.set_text("".join("W" if c in missing else c for c in whole[str(number)]))
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": "GTT"})
    for text, label in spelled_out:
        text.set_text(label)

    def put_back(match: re.Match[str]) -> str:
        return match[1] + escape(whole[match[2]]) + match[3]

    pattern = rf'(<g id="{NAME}(\d+)">\s*<text[^>]*>)[^<]*(</text>)'
    return re.sub(pattern, put_back, out.getvalue()).encode()


def _own_settings() -> Any:
    """Matplotlib as it is delivered, whatever this machine has set; text in an SVG stays text."""
    untouched = {"backend", "backend_fallback", "interactive", "toolbar", "timezone"}
    defaults: Any = matplotlib.rcParamsDefault
    settings = {name: value for name, value in defaults.items() if name not in untouched}
    return {**settings, "svg.fonttype": "none", "svg.hashsalt": "gtt", "font.size": 10.0}


def _dress(axes: Axes, unit: Unit, *, log: bool, dark: bool) -> None:
    axes.set_facecolor(GROUND[dark])
    axes.set_xlabel("Steps", color=INK[dark])
    axes.set_ylabel(TITLES[unit], color=INK[dark])
    axes.set_yscale("log" if log else "linear")
    if log:
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(partial(_between_powers, axes))
    axes.tick_params(which="both", colors=INK[dark], labelsize=9)
    axes.grid(True, color=GREY[dark], alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GREY[dark])


def _between_powers(axes: Axes, value: float, place: int) -> str:
    """The label between two powers of ten: of several, where they would crowd, 2 and 5 only."""
    low, high = axes.get_ylim()
    leads = f"{value:e}"[0] in "25"
    return f"{value:g}" if leads or high < 10 * low else ""


Entry = tuple[Line2D, str]  # of the legend


def _draw_one(axes: Axes, run: RunCurves, dark: bool) -> list[Entry]:
    """Training solid, validation dashed with a point where it was measured."""
    title = axes.set_title("", color=INK[dark], fontsize=11, loc="left", parse_math=False)
    _name(title, run.name)
    entries: list[Entry] = []
    if run.training:
        (line,) = axes.plot(*_columns(run.training), color=TRAINING[dark], linewidth=1.4)
        entries.append((line, "Training"))
    if run.validation:
        (line,) = axes.plot(
            *_columns(run.validation),
            color=VALIDATION[dark],
            linewidth=1.6,
            linestyle=DASHES[1],
            marker="o",
            markersize=4,
            markevery=_every(run.validation),
        )
        entries.append((line, "Validation"))
    return entries


def _draw_many(axes: Axes, runs: Sequence[RunCurves], dark: bool) -> list[Entry]:
    """A colour, a dash pattern and a marker for each run; training thin behind validation."""
    entries: list[Entry] = []
    for number, run in enumerate(runs):
        place = number % len(DASHES)
        color = RUNS[dark][place]
        (thin,) = axes.plot(*_columns(run.training), color=color, linewidth=0.8, alpha=0.4)
        (strong,) = axes.plot(
            *_columns(run.validation),
            color=color,
            linewidth=1.7,
            linestyle=DASHES[place],
            marker=MARKERS[place],
            markersize=4.5,
            markevery=_every(run.validation),
        )
        entries.append((strong if run.validation else thin, run.name))
    return entries


def _draw_baselines(axes: Axes, levels: Mapping[str, float], dark: bool) -> None:
    """Grey lines with their names at the right end, moved apart where they would overlap."""
    if not levels:
        return
    for name, level in levels.items():
        style = "solid" if name == "floor" else (0, (1, 2.5))
        axes.axhline(level, color=GREY[dark], linewidth=1.0, linestyle=style, zorder=1)
    axes.margins(y=0.06)
    axes.autoscale_view()
    to_axes = axes.transData + axes.transAxes.inverted()
    lowest = -math.inf
    for name, level in sorted(levels.items(), key=lambda pair: pair[1]):
        height = max(float(to_axes.transform((0.0, level))[1]), lowest + 0.05)
        lowest = height
        axes.text(
            1.01,
            height,
            f"{BASELINES[name]} {level:.2f}",
            transform=axes.transAxes,
            color=GREY[dark],
            fontsize=8.5,
            va="center",
            ha="left",
        )


def _legend(axes: Axes, entries: Sequence[Entry], dark: bool) -> None:
    if not entries:
        return
    # A name may begin with "_", which hides a label, or hold "$", which would be set as a formula.
    legend = axes.legend(
        [line for line, _ in entries],
        [str(number) for number in range(len(entries))],
        loc="upper right",
        fontsize=9,
        handlelength=3.2,
        frameon=True,
        facecolor=GROUND[dark],
        edgecolor=GREY[dark],
        labelcolor=INK[dark],
        framealpha=0.85,
    )
    for text, (_, name) in zip(legend.get_texts(), entries):
        text.set_parse_math(False)
        _name(text, name)


def _in_unit(run: RunCurves, unit: Unit) -> RunCurves:
    """The same run in another unit, without what is not finite there."""
    training, validation = (
        [
            (step, value)
            for step, loss in points
            if math.isfinite(value := _value_in(unit, loss, run.bytes_per_token))
        ]
        for points in (run.training, run.validation)
    )
    return RunCurves(run.name, training, validation, run.bytes_per_token)


def _value_in(unit: Unit, loss: float, bytes_per_token: float | None) -> float:
    """A loss in nats per token, in another unit."""
    if unit == "perplexity":
        return math.exp(loss) if loss < 700 else math.inf
    if unit == "bits":
        return loss / (bytes_per_token * math.log(2)) if bytes_per_token else math.nan
    return loss


def _has_points(run: RunCurves) -> bool:
    return bool(run.training or run.validation)


def _columns(points: Points) -> tuple[list[int], list[float]]:
    return [step for step, _ in points], [value for _, value in points]


def _every(points: Points) -> int:
    """How many points one marker stands for."""
    return max(1, len(points) // MOST_MARKERS)


def _name(text: Text, name: str) -> None:
    """Writes a name with the fonts there are, and the numbers of letters that none of them has."""
    plain = _words(name)
    families, missing = fonts_for(plain, SANS)
    if len(families) > 1:
        text.set_fontfamily(families)
    text.set_text(plain)
    if missing:
        text.set_gid(NAME)
        text.set_label(plain)
        text.set_text(spelled(plain, missing, LONGEST_NAME))


def _words(name: str) -> str:
    """A name on one short line, without what no XML file may hold."""
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", "\ufffd", name)
    return plain if len(plain) <= LONGEST_NAME else plain[: LONGEST_NAME - 1].rstrip() + "…"
