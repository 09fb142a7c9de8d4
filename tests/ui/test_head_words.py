"""What the Attention tab says of a head that feeds another, from the numbers of `/api/heads`."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from gtt.ui.assets import static_text

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node on this machine")

PERCENT = "const percent = (v) => `${Math.round(100 * v)} %`;"


def said(heads: list[list[dict[str, Any]]], layer: int, head: int) -> str:
    """The sentences about one head."""
    words = static_text("inside/attention/words.js")
    call = f"feedingSaid({layer}, {head}, {{heads: {json.dumps(heads)}}})"
    script = f"{PERCENT}\n{words}\nconsole.log({call});"
    assert NODE is not None
    done = subprocess.run(
        [NODE, "-"], input=script, capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()


def head(induction: float, previous: float = 0.1, **more: Any) -> dict[str, Any]:
    return {"induction": induction, "previous_token": previous, **more}


def feeder(layer: int, number: int, without: float) -> dict[str, Any]:
    return {"layer": layer, "head": number, "without": without}


def test_both_ends_are_named_with_what_was_measured() -> None:
    inducing = head(0.4, fed_by=[feeder(0, 1, 0.15), feeder(0, 0, 0.21)])
    heads = [[head(0.01, 0.26), head(0.01, 0.16)], [inducing, head(0.1)]]
    assert said(heads, 1, 0) == (
        "Its induction is fed by 0.1 (16 % of its attention on the previous token) and 0.0 (26 % "
        "of its attention on the previous token): switched off in turn, what is left of 0.40 is "
        "0.15 and 0.21."
    )
    assert said(heads, 0, 1).startswith(
        "Head 0.1 feeds the induction of 1.0 (0.40, without this head 0.15):"
    )
    assert said(heads, 1, 1) == ""


def test_where_several_do_the_same_none_is_named() -> None:
    heads = [[head(0.01), head(0.01)], [head(0.6, fed_by=[]), head(0.1)]]
    assert said(heads, 1, 0).startswith("No single earlier head is missed")
    assert said(heads, 0, 0) == ""
