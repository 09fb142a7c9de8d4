"""The process that follows a job: `python -m gtt.hub.jobs.follow_process`, its order on its stdin.

It counts as the run's worker and belongs to the run, so it goes on when the page or the server is
closed. Being asked to stop, it cancels the job. The token comes with the order and stays in here.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Files go by Git LFS, as those of a push do. Read by the Hub's library when it is imported.
os.environ["HF_HUB_DISABLE_XET"] = "1"
# Downloads go into the run's folder; no library may speak to a person here.
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def main() -> int:
    """Follows as ordered; 0 where the job is over, 1 where it may go on unseen."""
    from huggingface_hub import HfApi

    from gtt.hub.client_timeouts import bound_waiting
    from gtt.hub.jobs.account import Account
    from gtt.hub.jobs.follower import Follower

    order = json.loads(sys.stdin.readline())
    sys.stdin.close()
    folder = Path(order["run_folder"])
    logging.basicConfig(filename=folder / "job" / "follower.log", level=logging.WARNING)
    bound_waiting()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    account = Account(HfApi(token=order["token"], library_name="gtt"), order["token"])
    uploads = Path(order["uploads"]) if order["uploads"] else None
    try:
        state = Follower(folder, account, stop, uploads=uploads).run()
    except Exception:
        logging.exception("following failed")
        return 1
    return 0 if state.stage == "over" else 1


if __name__ == "__main__":
    sys.exit(main())
