"""How much the longest tests do: `GTT_THOROUGH=1` asks for all of it."""

from __future__ import annotations

import os

THOROUGH = os.environ.get("GTT_THOROUGH") == "1"
