"""The process of a push: `python -m gtt.hub.push_process`, with its order on one line of its stdin.

A process of its own, so that a push goes on when the page, its tab or its server is closed, and so
that the server loads neither the pictures nor the Hub's client for it. The token comes with the
order and stays in this process.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

# Files go by Git LFS, in parts that we remember: see docs/decisions/0020-pushing.md. Both are read
# by the Hub's library when it is imported.
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def main() -> int:
    """Pushes as ordered; 0 done, 1 failed, 3 where another process pushes this run."""
    import signal

    from filelock import FileLock, Timeout

    from gtt.hub.client_timeouts import bound_waiting
    from gtt.hub.push import Push
    from gtt.hub.push_state import PushFolder

    order = json.loads(sys.stdin.readline())
    sys.stdin.close()
    run_folder = Path(order["run_folder"])
    folder = PushFolder(run_folder)
    folder.path.mkdir(exist_ok=True)
    try:
        with FileLock(folder.lock, timeout=0):
            bound_waiting()
            push = Push(
                run_folder,
                Path(order["corpora"]),
                order["repo"],
                private=order["private"],
                token=order["token"],
                form=order["form"],
                by_sign_in=order["by_sign_in"],
            )
            signal.signal(signal.SIGTERM, lambda *_: push.cancel())
            return 0 if push.run(os.getpid()).stage == "done" else 1
    except Timeout:
        return 3


if __name__ == "__main__":
    sys.exit(main())
