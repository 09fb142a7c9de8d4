"""The notebook runs from its first cell to its last, as it stands but for the length of its run.

It is carried out in a process of its own, since it starts a training and the page.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from serving import ROOT, free_port

NOTEBOOK = ROOT / "docs" / "notebooks" / "first_steps.ipynb"
SHORTER = {
    "max_steps=300": "max_steps=4",
    "log_every=10": "log_every=2",
    "eval_every=100": "eval_every=4",
}
RUN = """
import json, sys
import matplotlib
matplotlib.use("Agg")
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.load(sys.stdin):
    done = shell.run_cell(cell)
    done.raise_error()
"""


def test_it_runs_from_top_to_bottom(tmp_path: Path) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    for before, after in SHORTER.items():
        assert sum(cell.count(before) for cell in code) == 1
        code = [cell.replace(before, after) for cell in code]
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(code),
        cwd=NOTEBOOK.parent,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "GTT_HOME": str(tmp_path),
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "GRADIO_SERVER_PORT": str(free_port()),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "step 4: " in done.stdout and re.search(r"^One day.+", done.stdout, re.M)
    assert "all 4 steps" in done.stdout or "completed" in done.stdout.lower(), done.stdout
    assert "IFrame" in done.stdout


def test_it_is_kept_without_what_a_run_left_in_it() -> None:
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs") and not cell.get("execution_count")
