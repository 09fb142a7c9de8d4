"""Writes what the front end takes from the Python side.

`python .ci/front_end.py` writes `gtt/web/lib/table.js`; with a file's name, the OpenAPI
description goes there, from which the types of requests and answers are made.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from gtt.api.front_end import TABLE_FILE, table_module
from gtt.api.openapi import openapi

if len(sys.argv) > 1:
    Path(sys.argv[1]).write_text(json.dumps(openapi()), encoding="utf-8")
else:
    TABLE_FILE.write_text(table_module(), encoding="utf-8")
