"""What was pushed loads where only torch and transformers are, by their own libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hub_standin import HubStandin

from gtt.config import RunConfig
from gtt.hub.push import Push
from gtt.runs.execute import start_run
from gtt.runs.home import Home

# A process that finds what torch and transformers need and nothing else of this environment. What
# they need is what their own packages say.
ALONE = """\
import sys
from importlib import machinery, metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

needed, todo = set(), ["torch", "transformers"]
while todo:
    name = canonicalize_name(todo.pop())
    if name in needed:
        continue
    try:
        wanted = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        continue
    needed.add(name)
    for one in map(Requirement, wanted):
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            todo.append(one.name)
packages = metadata.packages_distributions()
foreign = {"gtt"} | {
    top for top, owners in packages.items()
    if not any(canonicalize_name(owner) in needed for owner in owners)
}
assert {"accelerate", "datasets", "gradio"} <= foreign and "tokenizers" not in foreign


class OnlyNeeded(machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in foreign:
            return None
        return super().find_spec(name, path, target)


sys.meta_path = [OnlyNeeded if one is machinery.PathFinder else one for one in sys.meta_path]
sys.meta_path = [one for one in sys.meta_path if "editable" not in str(one)]
"""
PROGRAM = """\
import importlib.util, sys
for absent in ("gtt", "accelerate", "datasets", "gradio"):
    assert importlib.util.find_spec(absent) is None, absent
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline
text = "One day"
for repo in sys.argv[1:]:
    trust = repo.endswith("own")
    tokenizer = AutoTokenizer.from_pretrained(repo, trust_remote_code=trust)
    model = AutoModelForCausalLM.from_pretrained(repo, trust_remote_code=trust)
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text, repo
    write = pipeline("text-generation", model=model, tokenizer=tokenizer)
    said = write(text, max_new_tokens=5, do_sample=False)[0]["generated_text"]
    assert said.startswith(text) and len(said) > len(text), said
    again = pipeline("text-generation", model=repo, trust_remote_code=trust)
    assert again(text, max_new_tokens=5, do_sample=False)[0]["generated_text"] == said, repo
    print("loaded", model.num_parameters(), *sorted(foreign & set(sys.modules)))
"""
KINDS: dict[str, dict[str, Any]] = {
    "characters": {},
    "pairs": {"data": {"tokenizer": "bpe", "vocab_size": 300}},
    "bytes": {"data": {"tokenizer": "bpe", "vocab_size": 256}, "model": {"position": "none"}},
    "own": {"model": {"norm_position": "post"}},
}


def test_where_torch_and_transformers_are_alone(
    hub: HubStandin, tmp_path: Path, tiny_config: RunConfig
) -> None:
    """A process of its own, since only that can be without the rest and with an empty cache.

    It loads the model with code of its own last: with the code there, nothing else may need it.
    """
    home = Home(tmp_path / "home")
    for kind, changes in KINDS.items():
        folder, _ = start_run(tiny_config.updated(changes), home)
        there = {"private": False, "token": "hf_anna", "endpoint": hub.url}
        push = Push(folder, home.corpora, f"anna/{kind}", **there).run(os.getpid())
        assert push.stage == "done", push
        assert ("modeling_gtt.py" in hub.repos[f"anna/{kind}"].files) == (kind == "own")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "0",
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, "-I", "-c", ALONE + PROGRAM, *(f"anna/{kind}" for kind in KINDS)],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert len(lines) == len(KINDS), done.stdout
    for kind, line in zip(KINDS, lines):
        assert line.startswith("loaded ") and len(line.split()) == 2, line
        assert hub.requested("GET", f"/anna/{kind}/resolve/.*model.safetensors") == 1
