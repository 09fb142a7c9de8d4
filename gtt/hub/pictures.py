"""The pictures of a model card: the loss curve, and what the model wrote on its way."""

from __future__ import annotations

import io
import textwrap
import unicodedata
from dataclasses import dataclass

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gtt.hub.card_facts import Story
from gtt.interpret.figures import GROUND, INK, NothingToDraw, RunCurves, drawn, loss_figure
from gtt.interpret.glyphs import FIRST, families_for
from gtt.markdown import printable
from gtt.runs.run_view import Sample, spread_samples

MOST_SAMPLES = 5
LINES, COLUMNS = 4, 88  # of one sample
WIDTH = 9.0  # inches
LINE, HEAD = 0.19, 0.3  # inches


def curve_picture(story: Story) -> bytes | None:
    """The loss over the steps with its baselines as PNG; None where there is no point.

    A name that no font here can write stands in the card alone.
    """
    name = "" if families_for(story.name) != [FIRST] else story.name
    curves = RunCurves(name, story.curve, story.validation_curve, story.bytes_per_token)
    try:
        return drawn(loss_figure([curves], story.baselines or None), "png")
    except NothingToDraw:
        return None


@dataclass(frozen=True)
class SamplesPicture:
    """A PNG, None where nothing is in it, and the samples that no font here can write."""

    png: bytes | None
    left_out: tuple[Sample, ...]


def samples_picture(samples: tuple[Sample, ...]) -> SamplesPicture:
    """What the model wrote at some steps, from noise to sentences."""
    spread = spread_samples(samples, MOST_SAMPLES)
    families = {sample: families_for("".join(_lines(sample))) for sample in spread}
    drawable = [sample for sample in spread if families[sample] is not None]
    left_out = tuple(sample for sample in spread if families[sample] is None)
    if not drawable:
        return SamplesPicture(None, left_out)
    blocks = [_lines(sample) for sample in drawable]
    height = sum(HEAD + LINE * len(block) for block in blocks) + HEAD
    figure = Figure(figsize=(WIDTH, height), facecolor=GROUND[False])
    FigureCanvasAgg(figure)
    place = height - HEAD / 2
    for sample, block in zip(drawable, blocks, strict=True):
        figure.text(
            0.02,
            place / height,
            f"step {sample.step:,}",
            va="top",
            color=INK[False],
            weight="bold",
            size=10,
        )
        place -= HEAD * 0.8
        figure.text(
            0.02,
            place / height,
            "\n".join(block),
            va="top",
            color=INK[False],
            family=families[sample],
            size=9,
            linespacing=1.25,
            parse_math=False,
        )
        place -= LINE * len(block) + HEAD * 0.2
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=150, metadata={"Software": None})
    return SamplesPicture(out.getvalue(), left_out)


def _lines(sample: Sample) -> list[str]:
    """The first lines of a sample, as wide as the picture."""
    text = printable(sample.prompt + sample.text).replace("\t", "    ")
    rows: list[str] = []
    for line in text.strip("\n").split("\n"):
        columns = max(1, COLUMNS * len(line) // max(1, _width(line)))
        rows += textwrap.wrap(line, columns, drop_whitespace=False) or [""]
        if len(rows) > LINES:
            break
    return [*rows[:LINES], "…"] if len(rows) > LINES else rows or [""]


def _width(line: str) -> int:
    """In columns, of which a Chinese letter takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
