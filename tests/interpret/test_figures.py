"""Figures: the right numbers in the right unit, the same bytes each time, legible to all eyes."""

from __future__ import annotations

import math
from itertools import combinations, pairwise
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

from gtt.interpret.figures import (
    DASHES,
    GROUND,
    INK,
    LONGEST_NAME,
    MARKERS,
    RUNS,
    TRAINING,
    VALIDATION,
    NothingToDraw,
    RunCurves,
    drawn,
    loss_figure,
)

RUN = RunCurves("mine", [(0, 4.0), (10, 2.0), (20, 1.0)], [(0, 4.1), (20, 1.2)], 2.0)
BASELINES = {"uniform": 4.2, "unigram": 3.0, "bigram": 2.0, "floor": None}

# Machado, Oliveira and Fernandes (2009): how full dichromats see linear RGB.
EYES = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]]
    ),
    "deutan": np.array(
        [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]
    ),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color: str) -> Any:
    values = np.array([int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""
    low, high = sorted(float(XYZ[1] @ linear(color)) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(color: Any) -> Any:
    x, y, z = np.cbrt(np.maximum(XYZ @ color, 0) / np.array([0.9505, 1.0, 1.0888]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def lines(figure: Figure) -> list[tuple[list[float], list[float]]]:
    """Steps and values of what is drawn as curves."""
    (axes,) = figure.axes
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()]
    return [columns for columns in drawn if columns[0] != [0, 1]]  # which baselines have


def words(svg: bytes) -> set[str]:
    return {"".join(one.itertext()) for one in ElementTree.fromstring(svg).iter() if one.text}


def test_a_run_is_drawn_as_it_was_measured() -> None:
    assert lines(loss_figure([RUN], BASELINES)) == [
        ([0, 10, 20], [4.0, 2.0, 1.0]),
        ([0, 20], [4.1, 1.2]),
    ]


@pytest.mark.parametrize(
    ("unit", "factor"), [("perplexity", None), ("bits", 1 / (2 * math.log(2)))]
)
def test_other_units_are_reckoned_from_the_loss(unit: Any, factor: float | None) -> None:
    figure = loss_figure([RUN], BASELINES, unit=unit)
    expected = [math.exp(v) if factor is None else v * factor for _, v in RUN.training]
    assert lines(figure)[0][1] == pytest.approx(expected)
    bigram = math.exp(2) if factor is None else 2 * factor
    assert f"Bigram {bigram:.2f}" in words(drawn(figure, "svg"))


def test_what_cannot_be_drawn_is_left_out() -> None:
    wild = RunCurves("wild", [(0, 1.0), (1, 5000.0), (2, math.nan)], [])
    assert lines(loss_figure([wild], None, unit="perplexity")) == [([0], [math.e])]
    both = loss_figure([RUN, RunCurves("empty", [], []), wild], None, unit="bits")
    assert len(lines(both)) == 2  # of the others the bytes per token are not known
    for runs in ([], [RunCurves("empty", [], [])]):
        with pytest.raises(NothingToDraw):
            loss_figure(runs, BASELINES)
    with pytest.raises(NothingToDraw):
        loss_figure([wild], None, unit="bits")


def test_text_in_an_svg_is_text_whatever_it_is() -> None:
    names = ["_hidden", "5 $ and $\\frac{", "<script>alert(1)</script>", "a\x00b\ufffe", "x" * 99]
    runs = [RunCurves(name, RUN.training, RUN.validation, 2.0) for name in names]
    svg = drawn(loss_figure(runs, None), "svg")
    assert b"<script" not in svg
    shown = ["_hidden", names[1], names[2], "a\ufffdb\ufffd", "x" * (LONGEST_NAME - 1) + "…"]
    assert set(shown) <= words(svg)
    assert names[1] in words(drawn(loss_figure(runs[1:2], None), "svg"))  # as a title


NAMES = {
    "中文 <故事>, 0.4 M": "U+4E2D U+6587 <U+6545 U+4E8B>, 0.4 M",
    "สวัส": "U+0E2A U+0E27 U+0E31 U+0E2A",
    "🌱 a & b": "U+1F331 a & b",
    "한a국": "U+D55C aU+AD6D",
    "हि" * 9: "U+0939 U+093F U+0939 U+093F U+0939…",
}
ALL_DRAWN = ("العربية", "שלום", "Ελληνικά жж ¿ñß?", "plain, 0.4 M")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("others", [0, 2], ids=["title", "legend"])
@pytest.mark.parametrize("name", [*NAMES, *ALL_DRAWN])
def test_letters_without_a_font_are_written_as_their_numbers(
    monkeypatch: pytest.MonkeyPatch, name: str, others: int
) -> None:
    """In a picture; a text of an SVG stays what it is, for readers who have the font."""
    # This machine may have more fonts than come with matplotlib.
    ours = [font for font in fontManager.ttflist if font.name.startswith("DejaVu Sans")]
    monkeypatch.setattr(fontManager, "ttflist", ours)
    run = RunCurves(name, RUN.training, RUN.validation, 2.0)
    figure, again = (loss_figure([run, *[RUN] * others], BASELINES) for _ in range(2))
    assert drawn(figure, "svg") == drawn(again, "svg")
    for _ in range(2):
        assert drawn(figure, "png").startswith(b"\x89PNG")
        assert name in words(drawn(figure, "svg"))
        shown = [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]
        assert NAMES.get(name, name) in shown


def test_a_figure_is_the_same_file_each_time_and_says_no_date() -> None:
    for form in ("svg", "png"):
        first, second = (drawn(loss_figure([RUN, RUN], None), form) for _ in range(2))
        assert first == second
    svg = drawn(loss_figure([RUN], BASELINES, log=True, dark=True), "svg")
    assert b"<dc:date>" not in svg and b"<use" in svg


def test_what_this_machine_has_set_changes_nothing_and_stays_set() -> None:
    plain = drawn(loss_figure([RUN], BASELINES), "svg")
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "lines.linewidth": 9}):
        assert drawn(loss_figure([RUN], BASELINES), "svg") == plain
        assert matplotlib.rcParams["font.size"] == 30


def test_labels_of_baselines_do_not_overlap() -> None:
    close = {"uniform": 2.03, "unigram": 2.02, "bigram": 2.01, "floor": 2.0}
    (axes,) = loss_figure([RUN], close).axes
    heights = sorted(text.get_position()[1] for text in axes.texts)
    assert len(heights) == 4
    assert min(b - a for a, b in pairwise(heights)) > 0.045


@pytest.mark.parametrize("dark", [False, True])
def test_colours_are_told_apart_by_all_eyes(dark: bool) -> None:
    assert RUNS[dark][:2] == (TRAINING[dark], VALIDATION[dark])
    assert contrast(INK[dark], GROUND[dark]) > 7
    assert all(contrast(color, GROUND[dark]) >= 3 for color in RUNS[dark])
    for name, eye in EYES.items():
        seen = [lab(np.clip(eye @ linear(color), 0, 1)) for color in RUNS[dark]]
        nearest = min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))
        assert nearest > 20, name


def test_no_two_of_eight_runs_have_one_dash_pattern_or_one_marker() -> None:
    assert len(set(DASHES)) == len(set(MARKERS)) == len(RUNS[False]) == len(RUNS[True]) == 8
