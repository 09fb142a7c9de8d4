"""What was pushed loads where there is no GTT: downloaded by the libraries of whoever uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_standin import HubStandin

from gtt.config import RunConfig
from gtt.hub.push import Push
from gtt.runs.execute import start_run
from gtt.runs.home import Home

PROGRAM = """\
import importlib.util, sys
assert importlib.util.find_spec("gtt") is None, "this is a computer without GTT"
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline
repo, trust = sys.argv[1], sys.argv[2] == "own"
tokenizer = AutoTokenizer.from_pretrained(repo, trust_remote_code=trust)
model = AutoModelForCausalLM.from_pretrained(repo, trust_remote_code=trust)
write = pipeline("text-generation", model=model, tokenizer=tokenizer)
said = write("One day", max_new_tokens=5, do_sample=False)[0]["generated_text"]
assert said.startswith("One day") and len(said) > len("One day"), said
print("loaded", model.num_parameters())
"""


@pytest.mark.parametrize("shape", ["gpt-2", "own"])
def test_in_a_process_that_cannot_find_gtt(
    hub: HubStandin, tmp_path: Path, tiny_config: RunConfig, shape: str
) -> None:
    """A process of its own, since only that has no GTT on its path and an empty cache."""
    changes = {"model": {"norm_position": "post"}} if shape == "own" else {}
    home = Home(tmp_path / "home")
    folder, _ = start_run(tiny_config.updated(changes), home)
    push = Push(
        folder, home.corpora, "anna/tiny", private=False, token="hf_anna", endpoint=hub.url
    ).run(os.getpid())
    assert push.stage == "done", push
    assert ("modeling_gtt.py" in hub.repos["anna/tiny"].files) == (shape == "own")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "0",
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, "anna/tiny", shape],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "loaded " in done.stdout
    assert hub.requested("GET", "/anna/tiny/resolve/.*model.safetensors") == 1
