"""The page under load: `python benchmarks/page.py start|tabs|visitors|remaining|long`.

Each starts `python app.py` with a home of its own and drives it with headless Chromium, or with
clients that send what a browser sends, and prints one JSON object. Browser, server and training
share the cores of this machine, as on a laptop.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import here  # noqa: F401 - before gtt, which it makes known
import httpx
import psutil
from page_visitors import visitors
from playwright.sync_api import Browser, Page, sync_playwright
from service_server import ACTIVE, ENDLESS, SMALL, Server, percentiles, serving, summary

from gtt.config import RunConfig
from gtt.runs.folder import RunFolder
from gtt.runs.journal import Journal
from gtt.training.events import Evaluated, RunStarted, Sampled, StepLogged

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTLE = 5  # seconds after pages were closed
OPENING = 30  # seconds after pages were opened, when the browser does more than follow
HIDEABLE = """
  window.isBehind = false;
  Object.defineProperty(document, "hidden", { get: () => window.isBehind });
"""
HIDE = """(isBehind) => {
  window.isBehind = isBehind;
  document.dispatchEvent(new Event("visibilitychange"));
}"""
POINT = "() => document.querySelector('#live .curve.training path.line')?.getAttribute('d')"


@contextmanager
def browsing() -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


def ready(page: Page, server: Server) -> Page:
    """The page, opened and answered for the first time."""
    page.goto(server.url)
    page.wait_for_selector("#live [data-state]", state="attached", timeout=60_000)
    return page


# --------------------------------------------------------------------------------- start


def start(rounds: int) -> dict[str, Any]:
    """Seconds from the click on Start to the first point of the curve."""
    taken = []
    with serving() as server, browsing() as browser, httpx.Client(base_url=server.url) as http:
        for _ in range(rounds):
            context = browser.new_context()
            page = ready(context.new_page(), server)
            http.post("/api/config", json={"recipe": "quickstart"}).raise_for_status()
            server.wait_until_warm()
            page.wait_for_timeout(2000)
            old = http.get("/api/train/status").json()["run"]
            began = time.perf_counter()
            page.locator("#start").click()
            while (run := http.get("/api/train/status").json()["run"]) is None or (
                old is not None and run["id"] == old["id"]
            ):
                time.sleep(0.01)
            page.wait_for_function(
                "(id) => document.querySelector('#live [data-run]')?.dataset.run === id",
                arg=run["id"],
                polling=20,
            )
            page.wait_for_function(POINT, polling=20)
            taken.append(time.perf_counter() - began)
            http.post("/api/train/stop").raise_for_status()
            wait_until_idle(http)
            context.close()
    return {"start_to_first_point_s": summary(taken)}


def wait_until_idle(http: httpx.Client) -> None:
    while http.get("/stats").json()["runs"].get("running", 0):
        time.sleep(0.1)
    time.sleep(1)


# ---------------------------------------------------------------------------------- tabs


def tabs(rounds: int, tabs: int, seconds: float, side_by_side: bool) -> dict[str, Any]:
    """Throughput of one run with so many tabs on it, over that of the same run with none.

    Windows with and without tabs alternate within the run, so that what else differs between two
    runs (threads, memory, the machine's other guests) does not count. One tab is in front, the
    others know that they are hidden, as in a browser's window; or all of them are seen at once.
    Headless Chromium hides no tab and goes on making pictures of each, so that the cost of hidden
    ones is overrated. What opening costs is told apart from what following costs.
    """
    ratios, bare, opening, watched, alive = [], [], [], [], []
    with serving() as server, browsing() as browser, httpx.Client(base_url=server.url) as http:
        body = {"recipe": "quickstart", "config": ENDLESS}
        run = http.post("/api/runs", json=body).raise_for_status().json()["run"]["id"]
        while http.get(f"/api/runs/{run}").json()["run"]["step"] < 100:
            time.sleep(0.2)
        for _ in range(rounds):
            bare.append(speed(http, run, seconds))
            context = browser.new_context(viewport={"width": 1200, "height": 900})
            context.add_init_script(HIDEABLE)
            pages = [ready(context.new_page(), server) for _ in range(tabs)]
            if not side_by_side:
                for page in pages[1:]:
                    page.evaluate(HIDE, True)
            opening.append(speed(http, run, OPENING) / bare[-1])
            watched.append(speed(http, run, seconds))
            alive += [seconds_until_it_moves(page) for page in pages]
            context.close()
            time.sleep(SETTLE)
            ratios.append(watched[-1] / bare[-1])
        http.post(f"/api/runs/{run}/stop").raise_for_status()
    return {
        "tabs": tabs,
        "side_by_side": side_by_side,
        "window_s": seconds,
        "bare_tokens_per_s": summary(bare),
        "watched_tokens_per_s": summary(watched),
        "ratio": summary(ratios),
        "ratio_in_the_first_seconds": summary(opening),
        "opening_s": OPENING,
        "seconds_until_a_tab_that_is_looked_at_moves": summary(alive),
    }


def seconds_until_it_moves(page: Page, patience: float = 10) -> float:
    """Brings a tab to the front; seconds until it shows a later step; raises where it does not."""
    step = shown_step(page)
    began = time.perf_counter()
    page.evaluate(HIDE, False)
    while shown_step(page) <= step:
        assert time.perf_counter() - began < patience, "a tab stands still"
        page.wait_for_timeout(20)
    taken = time.perf_counter() - began
    page.evaluate(HIDE, True)
    return taken


def speed(http: httpx.Client, run: str, seconds: float) -> float:
    """Tokens per second of training over a window that begins now."""
    began = newest(http, run)
    time.sleep(seconds)
    ended = newest(http, run)
    return float((ended["tokens"] - began["tokens"]) / (ended["seconds"] - began["seconds"]))


def newest(http: httpx.Client, run: str) -> dict[str, Any]:
    status: dict[str, Any] = http.get(f"/api/runs/{run}").raise_for_status().json()["run"]
    return status


def shown_step(page: Page) -> int:
    """The step that the page shows."""
    words = page.locator('#live [data-part="state"]').inner_text()
    return int(words.partition("step ")[2].partition(" ")[0].replace(",", "") or 0)


# ------------------------------------------------------------------------------ remaining


def remaining(recipe: str) -> dict[str, Any]:
    """The time left as the interface tells it, over what was left, from the first tenth on."""
    told: list[tuple[float, float, float]] = []  # when, share done, seconds told
    with serving() as server, httpx.Client(base_url=server.url) as http:
        run = http.post("/api/runs", json={"recipe": recipe}).raise_for_status().json()["run"]["id"]
        while True:
            status = newest(http, run)
            if status["state"] not in ACTIVE:
                break
            if status["eta_seconds"] is not None:
                share = status["step"] / status["total_steps"]
                told.append((time.perf_counter(), share, status["eta_seconds"]))
            time.sleep(0.5)
        ended = time.perf_counter()
    # At the very end a second is a large share of what is left.
    ratios = [
        seconds / (ended - when)
        for when, share, seconds in told
        if share >= 0.1 and ended - when > 5
    ]
    first = next((share for _, share, _ in told), None)
    return {
        "recipe": recipe,
        "state": status["state"],
        "first_told_at_share": first,
        "within_a_fifth": sum(0.8 <= ratio <= 1.2 for ratio in ratios) / max(1, len(ratios)),
        "ratio": percentiles(sorted(ratios)),
        "least": round(min(ratios), 3),
    }


# ---------------------------------------------------------------------------------- long


def long(steps: int) -> dict[str, Any]:
    """The browser's memory, and how fast it answers, on a page with a run of so many steps."""
    with serving() as server, browsing() as browser:
        path = make_long_run(server.home / "runs", steps)
        server.process.terminate()  # found by the next start, as after a restart
        server.process.wait(60)
        again = Server(server.home)
        try:
            again.wait_until_warm()
            context = browser.new_context(viewport={"width": 1200, "height": 900})
            page = ready(context.new_page(), again)
            page.wait_for_function(POINT)
            page.wait_for_timeout(60_000)  # left open for a while
            moves = []
            timeline = page.locator('#live [data-part="timeline"]')
            for share in (0.1, 0.9, 0.4, 0.7):
                began = time.perf_counter()
                timeline.fill(str(int(share * steps)))
                page.wait_for_function(
                    "(s) => document.querySelector('#live [data-part=moment]').innerText"
                    ".startsWith('Step ' + s)",
                    arg=f"{int(share * steps):,}",
                    polling=5,
                )
                moves.append(time.perf_counter() - began)
            heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
            memory = renderer_megabytes()
        finally:
            again.process.terminate()
            again.process.wait(60)
    return {
        "steps": steps,
        "run": path.name,
        "javascript_heap_mb": round(heap, 1),
        "renderer_mb": round(memory, 1),
        "timeline_move_s": summary(moves),
    }


def make_long_run(runs: Path, steps: int) -> Path:
    """A run folder whose journal tells of so many steps, logged every tenth."""
    config = RunConfig.parse({**SMALL, "name": "long"})
    path = runs / "long-20260101-000000-00000000"
    path.mkdir(parents=True)
    RunFolder(path).create(config, "none")
    random_ = random.Random(0)
    baselines: dict[str, float | None] = {
        "uniform": 6.9,
        "unigram": 5.6,
        "bigram": 2.7,
        "floor": 1.24,
    }
    with Journal(path / "journal.jsonl") as journal:
        journal.append(
            RunStarted(
                0, config.model_dump(mode="json"), 1000, 64, steps, 4096, 10.0, 10**6, 10**5,
                baselines, 3.2, "none", "fp32", "cpu", 1,
            )
        )  # fmt: skip
        for step in range(0, steps + 1, 10):
            loss = 1.3 + 5.6 / (1 + step / 200) + random_.gauss(0, 0.02)
            journal.append(
                StepLogged(step, loss, 1e-3, random_.random(), 4e4, step * 4096, 0.1, step / 10)
            )
            if step % 500 == 0:
                journal.append(Evaluated(step, loss + 0.02, 2.0, 1.0, 0.5, False))
            if step & (step - 1) == 0:
                journal.append(Sampled(step, "One day", " the king went to the tower." * 8))
    return path


def renderer_megabytes() -> float:
    """Of the largest renderer process of Chromium, its own memory."""
    sizes = [0.0]
    for process in psutil.process_iter():
        try:
            if "--type=renderer" in process.cmdline():
                sizes.append(process.memory_full_info().uss / 1e6)
        except psutil.Error:
            continue
    return max(sizes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("start", "tabs", "visitors", "remaining", "long"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tabs", type=int, default=1)
    parser.add_argument("--side-by-side", action="store_true", help="all tabs are seen at once")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--recipe", default="quickstart")
    asked = parser.parse_args()
    done = {
        "start": lambda: start(asked.rounds),
        "tabs": lambda: tabs(asked.rounds, asked.tabs, asked.seconds, asked.side_by_side),
        "visitors": lambda: visitors(asked.visitors, asked.seconds),
        "remaining": lambda: remaining(asked.recipe),
        "long": lambda: long(asked.steps),
    }[asked.what]()
    print(json.dumps(done, indent=2))


if __name__ == "__main__":
    main()
