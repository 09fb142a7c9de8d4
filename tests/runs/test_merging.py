"""A stop while byte pairs are merged, which the library does without a word for seconds."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from gtt.config import RunConfig
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.worker import carry_out
from gtt.runs.worker_order import Order


@pytest.mark.skipif(not hasattr(signal, "SIGTERM"), reason="there are no signals")
def test_a_stop_acts_at_once_and_the_merging_was_shown(tmp_path: Path) -> None:
    text = tmp_path / "dna.txt"
    text.write_text("".join(random.Random(1).choices("ACGT", k=2_000_000)))
    config = RunConfig.model_validate(
        {"data": {"source": str(text), "tokenizer": "bpe", "vocab_size": 4096}}
    )
    home = Home(tmp_path / "home")
    run = RunFolder(home.new_run("dna"))
    run.path.mkdir(parents=True)
    run.create(config, None)
    asked: list[float] = []

    def stop_when_merging() -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if run.journal.exists() and "merging byte pairs" in run.journal.read_text():
                asked.append(time.monotonic())
                os.kill(os.getpid(), signal.SIGTERM)
                return
            time.sleep(0.02)

    watcher = threading.Thread(target=stop_when_merging)
    watcher.start()
    end = carry_out(Order(str(run.path)), home)
    acted = time.monotonic()
    watcher.join()
    assert end.reason == "stopped"
    assert acted - asked[0] < 2
