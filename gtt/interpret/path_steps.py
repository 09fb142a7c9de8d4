"""The steps of a token's path: the numbers of each, with one of them worked out in writing.

Shapes: C embedding width, H heads, D = C / H head size, T tokens read.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gtt.errors import BadInput
from gtt.interpret.written_arithmetic import equal, factor, plus, shown
from gtt.model.gpt import GPT

Working = Callable[[int, int], str]  # row and column of a number to how it comes about


@dataclass(frozen=True)
class Spot:
    """One number of one step: the step's `name`, its row and its column."""

    name: str
    row: int
    column: int


@dataclass(frozen=True)
class Step:
    """One thing that happens to the token.

    `name` is the probe point, or a module that works between two of them. `rows` are the numbers,
    one row where there is one vector, H where each head has its own; -inf is a masked place.
    `columns` says what the numbers of a row are: `width` of the stream, `head` size, `tokens` read,
    `hidden` units, `candidates` for the next token (whose ids stand in `ids`). `numbers` tells of
    the whole. `worked` is the formula with the actual numbers for the one that stands at `row` and
    `column`, and ends with it, or with what becomes of a score that is masked.
    """

    name: str
    title: str
    formula: str
    numbers: str
    columns: str
    rows: list[list[float]]
    worked: str
    row: int
    column: int
    ids: tuple[int, ...] = ()


class StepWriter:
    """Writes the steps of the token at `place` in one layer.

    `at` holds every activation, (T, …) or (H, T, …), by its name.
    """

    def __init__(
        self, model: GPT, at: dict[str, Tensor], place: int, layer: int, spot: Spot | None
    ) -> None:
        self.model, self.at, self.place, self.layer, self.spot = model, at, place, layer, spot
        self.config = model.config
        self.block: Any = model.transformer.h[layer]
        self.bias = " + b" if model.config.bias else ""

    def norm(self, norm: Any, name: str, x: Tensor) -> Step:
        """A layer norm of x (C,)."""
        normed = norm(x)
        return self.step(
            name,
            "Layer norm: to mean 0 and spread 1, then a learned scale",
            "(x − μ) / σ · γ" + (" + β" if norm.bias is not None else ""),
            f"μ = {shown(float(x.mean()))}, σ = {shown(spread_of(norm, x))}",
            "width",
            normed,
            lambda r, n: equal(_normed(norm, x, n), float(normed[n])),
        )

    def joined(self, name: str, before: Tensor, out: Tensor, what: str, norm: str) -> Step:
        """What a part writes, `out` (C,), added to the stream that came to it, `before` (C,)."""
        after = self.at[name][self.place]
        residual = self.config.residual
        formula = f"x + {what}" if residual else f"{what} alone: no residual path"
        joined = before + out if residual else out
        post = getattr(self.block, norm) if self.config.norm_position == "post" else None

        def work(r: int, n: int) -> str:
            if post is not None:
                added = f"{shown(float(before[n]))} + {factor(float(out[n]))}" if residual else ""
                return equal(_normed(post, joined, n, added), float(after[n]))
            if residual:
                return equal(
                    f"{shown(float(before[n]))} + {factor(float(out[n]))}", float(after[n])
                )
            return equal(shown(float(out[n])), float(after[n]))

        return self.step(
            name,
            "Added to the residual stream" if residual else "It replaces the stream",
            f"x = norm({formula})" if post is not None else f"x = {formula}",
            f"the stream's length goes from {length(before):.2f} to {length(after):.2f}",
            "width",
            after,
            work,
        )

    def step(
        self,
        name: str,
        title: str,
        formula: str,
        numbers: str,
        columns: str,
        rows: Tensor,
        work: Working,
        default: tuple[int, int] | None = None,
        ids: tuple[int, ...] = (),
    ) -> Step:
        """A step over `rows` (N,) or (H, N), with the number that is asked for worked out."""
        rows = rows if rows.dim() == 2 else rows[None]
        if self.spot is not None and self.spot.name == name:
            row, column = self.spot.row, self.spot.column
            for place, count, field in ((row, len(rows), "row"), (column, rows.shape[1], "column")):
                if not 0 <= place < count:
                    raise BadInput(
                        f"{name} has no {field} {place}: they go from 0 to {count - 1}.",
                        field=field,
                    )
        elif default is not None:
            row, column = default
        else:
            row, column = divmod(int(rows.abs().argmax()), rows.shape[1])
        worked = work(row, column)
        return Step(name, title, formula, numbers, columns, rows.tolist(), worked, row, column, ids)


def _normed(norm: Any, x: Tensor, n: int, written: str = "") -> str:
    """Number `n` of a layer norm over x (C,), worked out; `written` is how x's own came about."""
    expression = (
        f"({written or shown(float(x[n]))} − {factor(float(x.mean()))}) / "
        f"{shown(spread_of(norm, x))} · {factor(float(norm.weight[n]))}"
    )
    return plus(expression, norm.bias, n)


def share_of(score: float, spread: float) -> str:
    """exp(score) over the sum of such, `spread` being the logarithm of that."""
    return f"exp({shown(score)} − {factor(spread)})"


def spread_of(norm: Any, x: Tensor) -> float:
    """The deviation that a layer norm divides by."""
    return math.sqrt(float(x.var(unbiased=False)) + norm.eps)


def length(x: Tensor) -> float:
    """The Euclidean length of a vector."""
    return float(x.norm())
