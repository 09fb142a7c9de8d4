"""How much memory a push of a gigabyte takes, and what a cut connection costs.

`python benchmarks/push.py [MEGABYTES]` fills a run's checkpoint with a file of that size, pushes it
to a stand-in of the Hub in another process, cuts the connection in the middle, and pushes again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PART_BYTES = 20_000_000
SERVE = """\
import json, sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from pathlib import Path
from hub_standin import hub_standin
with hub_standin(Path(sys.argv[3]), part_bytes=int(sys.argv[4])) as hub:
    print(hub.url, flush=True)
    for line in sys.stdin:
        if line.startswith("cut"):
            hub.cut_after = hub.received + int(line.split()[1])
        hub.down = False if line.startswith("up") else hub.down
        print(json.dumps({"received": hub.received}), flush=True)
"""
TRAINED: dict[str, Any] = {
    "name": "large",
    "data": {"source": "python", "max_megabytes": 0.02, "tokenizer": "char"},
    "model": {"n_layers": 1, "n_heads": 1, "n_embed": 16, "block_size": 16},
    "training": {"max_steps": 4, "batch_size": 2, "eval_every": 2, "checkpoint_every": 2},
}


def main() -> int:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("megabytes", type=int, nargs="?", default=1000)
    megabytes = parser.parse_args().megabytes
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        prepare(home, megabytes)
        print(json.dumps(measure(home, megabytes), indent=2))
    return 0


def prepare(home: Path, megabytes: int) -> None:
    """A run whose weights are that large; nobody reads them on the way."""
    from gtt.config import RunConfig
    from gtt.runs.execute import start_run
    from gtt.runs.home import Home

    folder, _ = start_run(RunConfig.parse(TRAINED), Home(home))
    (home / "run").symlink_to(folder)
    weights = folder / "checkpoints" / (folder / "best").read_text().strip() / "model.safetensors"
    with weights.open("ab") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))


def measure(home: Path, megabytes: int) -> dict[str, Any]:
    """Pushes with a cut in the middle, and again."""
    store = home / "store"
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(ROOT / "tests"), str(ROOT), str(store), str(PART_BYTES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None and server.stdout is not None

    def tell(word: str) -> int:
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(word + "\n")
        server.stdin.flush()
        received: int = json.loads(server.stdout.readline())["received"]
        return received

    try:
        url = server.stdout.readline().strip()
        tell(f"cut {megabytes * 500_000}")
        first = pushed(home, url)
        cut = tell("up")
        again = pushed(home, url)
        received = tell("how much")
        return {
            "megabytes": megabytes,
            "first": first,
            "received_before_the_cut": cut,
            "again": again,
            "received_after": received - cut,
        }
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(store, ignore_errors=True)


PUSH = """\
import json, os, sys
os.environ["HF_HUB_DISABLE_XET"] = "1"
from pathlib import Path
from gtt.hub.push import Push
import gtt.hub.pictures
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(one for one in lines if one.startswith("VmHWM")).split()[1]) * 1024
loaded = peak()
home = Path(sys.argv[1])
push = Push((home / "run").resolve(), home / "corpora", "anna/large", private=False,
            token="hf_anna", endpoint=sys.argv[2])
state = push.run(os.getpid())
print(json.dumps({"stage": state.stage, "loaded": loaded, "peak": peak(), "sent": state.sent,
                  "kept": state.kept}))
"""


def pushed(home: Path, url: str) -> dict[str, Any]:
    """One push in a process of its own: how it ended, what it held in memory, how long it took."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PUSH, str(home), url],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    values: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    values["seconds"] = round(time.monotonic() - began, 1)
    return values


if __name__ == "__main__":
    sys.exit(main())
