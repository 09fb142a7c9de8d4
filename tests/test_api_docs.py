"""The page on the API: its examples run against a real server, its tables say what the code says.

`python tests/test_api_docs.py` writes the tables anew.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jobs_standin import jobs_standin
from serving import ROOT, Server, serving, wait_until_done

import gtt.api.endpoints  # noqa: F401 - fills the table
from gtt.api.rates import DESK_RATES
from gtt.api.table import TABLE
from gtt.runs.limits import describe_limits
from gtt.training.events import EVENTS

PAGE = ROOT / "docs" / "api.md"
URL = "http://127.0.0.1:7860"
OF_OTHERS = ("nginx",)  # settings of another program, which tests/ui/test_proxies.py uses
SECONDS = 240  # for the examples of one section

KINDS = {
    "create": "starting, resuming and restarting runs",
    "push": "publishing models on the Hub",
    "generate": "generating",
    "look": "odds, attention, checkpoints, whole journals",
    "upload": "uploads",
    "file": "files for the Gradio client and the page, before they are read",
    "tokenize": "tokenizing",
    "write": "other changes",
    "watch": "where a run stands, for every open tab",
    "read": "the rest",
    "desk": "desks that are opened to hold something, from one address",
    "page": "the page itself and its descriptions, from one address",
}
OTHER_VARIABLES = (
    (
        "GTT_HOME",
        "Where runs, texts and desks lie.",
        "`.gtt` beside `app.py`; `~/.gtt` where it is an installed package",
        "the same; on a Space with persistent storage `/data`",
    ),
    (
        "HF_DATASETS_CACHE, MPLCONFIGDIR, TORCHINDUCTOR_CACHE_DIR, TRITON_CACHE_DIR",
        "Caches of libraries, which they can make again.",
        "`caches` in `GTT_HOME`",
        "`caches` in `GTT_HOME`",
    ),
    ("GTT_SOURCES", "A folder of texts that were downloaded before.", "-", "-"),
    (
        "GRADIO_TEMP_DIR",
        "Where Gradio keeps the files that it receives and hands out; they count with the rest.",
        "`gradio` in `GTT_HOME`",
        "`gradio` in `GTT_HOME`",
    ),
    ("GRADIO_SERVER_PORT", "The port.", "7860", "7860"),
    (
        "GRADIO_ROOT_PATH",
        "The path under which a proxy serves the page: see [Behind a proxy](#behind-a-proxy).",
        "-",
        "-",
    ),
    (
        "GRADIO_SERVER_NAME",
        "The address to listen on; `0.0.0.0` is all.",
        "127.0.0.1",
        "127.0.0.1; on a Space 0.0.0.0",
    ),
)

# What the output of a section must match, so that examples do not merely end.
SAYS = {
    "Python": [
        r"(?m)^completed 60 \d\.\d+$",
        r"(?m)^One day[\s\S]+",
        r"2 layers of 2 heads",
        r"(?m)^60 Finished",
    ],
    "The Gradio client": [r"(?m)^completed 60 \d\.\d+$", r"\.csv$"],
    "In a notebook": [r"(?m)^One day[\s\S]+", r"<Figure size"],
    "curl": [r"event: RunEnded\nevent: end", r"(?m)^step,loss,", r'"prompt":"One day"', r"upload:"],
    "JavaScript": [r"(?m)^60 \d\.\d+$", r"Finished all 60 steps"],
    "A run as a job": [
        r"stopped at step \d+",
        r"completed at step \d+",
        r"\d+ parameters",
        r"(?m)^\d+ bytes: text/html",
    ],
    "Publishing on the Hub": [r"(?m)^done http://127\.0\.0\.1:\d+/anna/tales-gpt$"],
    "On the Hub's machines": [r"(?m)^completed CPU Basic \d\.\d+ Finished all 60 steps"],
    "Many visitors": [r"^3\n3\n((?!3 )\d+ on the new desk|one desk for everybody)"],
    "Errors": [r"^422 .*did you mean 'quickstart'", r"invalid_input \(recipe\) - There", r"\n\d+$"],
}


def sections(text: str) -> dict[str, list[tuple[str, str]]]:
    """Heading -> its blocks, each with its language."""
    parts = re.split(r"(?m)^## (.+)$", text)
    found = {}
    for heading, body in zip(parts[1::2], parts[2::2]):
        found[heading] = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", body)
    ours = {
        heading: [block for block in blocks if block[0] not in OF_OTHERS]
        for heading, blocks in found.items()
    }
    return {heading: blocks for heading, blocks in ours.items() if blocks}


SECTIONS = sections(PAGE.read_text(encoding="utf-8"))


# The models are too small for two threads to help.
THREADS = {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one desk for everybody, on a computer that is signed in to a Hub."""
    with jobs_standin(tmp_path_factory.mktemp("store")) as (hub, _):
        signed_in = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_TOKEN": "hf_anna"}
        with serving(tmp_path_factory.mktemp("home"), **THREADS, **signed_in) as server:
            yield server


@pytest.fixture(scope="module")
def for_strangers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a desk for each visitor."""
    home = tmp_path_factory.mktemp("strangers")
    with serving(home, **THREADS, GTT_SHARED_DESK="false") as server:
        yield server


def command(heading: str, language: str, script: Path) -> list[str]:
    """How the blocks of one language in a section are run; skips where a tool is not there."""
    if language == "sh":
        return ["bash", "-euo", "pipefail", str(script)]
    if language == "js":
        if shutil.which("node") is None:
            pytest.skip("needs node")
        return ["node", str(script)]
    if "IPython" not in script.read_text(encoding="utf-8"):
        return [sys.executable, str(script)]
    for module in ("IPython", "matplotlib"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module}, see requirements-dev.txt")
    cell = (
        "from IPython.core.interactiveshell import InteractiveShell;"
        f"InteractiveShell.instance().run_cell(open({str(script)!r}).read()).raise_error()"
    )
    return [sys.executable, "-c", cell]


DESKS = [("at_home", heading) for heading in SECTIONS] + [("for_strangers", "Many visitors")]


@pytest.mark.parametrize(("name", "heading"), DESKS)
def test_examples_run(
    name: str, heading: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: Server = request.getfixturevalue(name)
    with server.client() as client:
        draft = client.get("/api/config").raise_for_status().json()["config"]
    with server.client() as client:  # a run that the section before has stopped may still be saving
        for run in client.get("/api/runs").raise_for_status().json()["runs"]:
            wait_until_done(client, run["id"])
    for language in dict.fromkeys(language for language, _ in SECTIONS[heading]):
        code = "\n".join(block for other, block in SECTIONS[heading] if other == language)
        assert URL in code
        script = tmp_path / f"example.{ {'python': 'py', 'js': 'mjs', 'sh': 'sh'}[language] }"
        script.write_text(code.replace(URL, server.url), encoding="utf-8")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GTT_")},
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_TEMP_DIR": str(tmp_path / "gradio"),
            "HF_HUB_OFFLINE": "1",
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "MPLBACKEND": "agg",
            "MPLCONFIGDIR": str(tmp_path / "matplotlib"),
            **THREADS,
        }
        done = subprocess.run(
            command(heading, language, script),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{server.log()}"
        for pattern in SAYS[heading]:
            assert re.search(pattern, done.stdout.rstrip("\n")), (pattern, done.stdout)
        assert "Traceback" not in server.log()
    if heading == "Many visitors":
        with server.client() as client:
            assert client.get("/api/config").raise_for_status().json()["config"] == draft


def test_every_block_is_run() -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = [block for blocks in SECTIONS.values() for block in blocks]
    fences = len(re.findall(r"(?m)^```", text)) - 2 * len(re.findall(r"(?m)^```nginx", text))
    assert len(blocks) * 2 == fences
    assert {language for language, _ in blocks} == {"python", "sh", "js"}
    assert list(SAYS) == list(SECTIONS)


# ------------------------------------------------------------------------------- tables


def endpoints_table() -> str:
    rows = ["| name | | path | what it does | rate |", "| --- | --- | --- | --- | --- |"]
    for row in TABLE.values():
        mark = " ⇉" if row.stream is not None else ""
        rows.append(
            f"| `{row.name}`{mark} | {row.method} | `{row.path}` | {row.title} | {row.rate} |"
        )
    return "\n".join(rows)


def rates_table() -> str:
    rows = ["| rate | for | at once | then a minute |", "| --- | --- | --- | --- |"]
    for kind, rate in DESK_RATES.items():
        rows.append(f"| {kind} | {KINDS[kind]} | {rate.burst} | {rate.per_minute:g} |")
    return "\n".join(rows)


def environment_table() -> str:
    rows = [
        "| variable | what it is | at home | for strangers |",
        "| --- | --- | --- | --- |",
    ]
    for name, meaning, at_home, outside in OTHER_VARIABLES:
        names = ", ".join(f"`{one}`" for one in name.split(", "))
        rows.append(f"| {names} | {meaning} | {shown(at_home)} | {shown(outside)} |")
    for limit in describe_limits():
        defaults = f"{shown(limit.on_laptop)} | {shown(limit.on_space)}"
        rows.append(f"| `{limit.variable}` | {limit.description} | {defaults} |")
    return "\n".join(rows)


def shown(default: Any) -> str:
    if default is None or default == () or default == "-":
        return "–"
    if isinstance(default, bool):
        return "true" if default else "false"
    return default if isinstance(default, str) else f"{default:,.{2 if default % 1 else 0}f}"


def events_table() -> str:
    rows = ["| event | fields | what it says |", "| --- | --- | --- |"]
    for name, event in EVENTS.items():
        own = [field.name for field in dataclasses.fields(event) if field.name != "step"]
        says = " ".join((inspect.getdoc(event) or "").split())
        rows.append(f"| `{name}` | {', '.join(f'`{field}`' for field in own)} | {says} |")
    return "\n".join(rows)


TABLES = {
    "events": events_table,
    "rates": rates_table,
    "endpoints": endpoints_table,
    "environment": environment_table,
}


def with_tables(text: str) -> str:
    """The page with its tables as the code has them."""
    for name, table in TABLES.items():
        start, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, _, rest = text.partition(start)
        text = before + start + table() + "\n" + end + rest.partition(end)[2]
    return text


def test_the_tables_say_what_the_code_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_tables(text) == text, "run python tests/test_api_docs.py to write the tables anew"
    for row in TABLE.values():
        assert f"`{row.path}`" in text


def test_what_the_page_and_its_neighbours_link_to_exists() -> None:
    for page in (PAGE, ROOT / "docs" / "security.md"):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (page.parent / target).exists(), target
        for path in re.findall(r"`((?:gtt|tests|docs)/[\w/.-]+)`", text):
            assert (ROOT / path).exists(), path


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
