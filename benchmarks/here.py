"""Imported first by a benchmark: makes `gtt` known to `python benchmarks/NAME.py`.

Processes that a benchmark starts find it too, wherever they stand.
"""

import os
import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:
    sys.path.insert(1, ROOT)
os.environ["PYTHONPATH"] = os.pathsep.join([ROOT, *filter(None, [os.environ.get("PYTHONPATH")])])
