"""Reads the footer of an uploaded Parquet file in a process of its own, which it may crash.

python -m gtt.runs.parquet_footer FILE
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from gtt.errors import UnusableData
from gtt.runs.processes import ROOT
from gtt.training.memory import limit_memory

SECONDS = 20.0
MEMORY = 2**30  # bytes


def declared(path: Path, seconds: float = SECONDS) -> tuple[int, int]:
    """The bytes and the rows that a table says it unpacks to.

    Raises `UnusableData` where the footer is damaged, or takes too long or too much to read.
    """
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        process = subprocess.run(
            [sys.executable, "-m", "gtt.runs.parquet_footer", str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            env={**os.environ, "PYTHONPATH": paths},
        )
        size, rows = json.loads(process.stdout)
        return int(size), int(rows)
    except (subprocess.TimeoutExpired, ValueError, TypeError):
        raise UnusableData(
            "The Parquet file is damaged: write it again and upload it once more.", field="file"
        ) from None


def main(path: str) -> None:
    """Prints what the footer declares."""
    limit_memory(MEMORY, first_to_go=600)
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as table:
        about = table.metadata
        groups = (about.row_group(group) for group in range(about.num_row_groups))
        print(json.dumps([sum(abs(group.total_byte_size) for group in groups), about.num_rows]))


if __name__ == "__main__":
    main(sys.argv[1])
