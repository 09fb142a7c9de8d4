"""Generates the front end's table of endpoints and of the states of a run."""

from __future__ import annotations

import json
from pathlib import Path

import gtt.api.endpoints  # noqa: F401 - fills the table
from gtt.api.table import TABLE
from gtt.runs.managed_run import ACTIVE

TABLE_FILE = Path(__file__).parents[1] / "web" / "lib" / "table.js"
INTRODUCTION = """\
// Made by .ci/front_end.py from the table of endpoints; a test compares the two.

/** Method and path of each endpoint. */
"""


def table_module() -> str:
    """The text of `gtt/web/lib/table.js`."""
    rows = "".join(
        f'  {row.name}: ["{row.method}", "{row.path}"],\n'
        for row in sorted(TABLE.values(), key=lambda row: row.name)
    )
    return (
        INTRODUCTION
        + f"export const ENDPOINTS = /** @type {{const}} */ ({{\n{rows}}});\n\n"
        + "/** States of a run that can be stopped. */\n"
        + f"export const ACTIVE = {json.dumps(ACTIVE)};\n"
    )
