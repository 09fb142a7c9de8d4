"""Writing and looking inside, timed: `python benchmarks/inside.py WHAT`.

`generate` puts our sampler beside `transformers`' `generate` on the same checkpoint, in turns;
`attention` and `odds` drive the page with headless Chromium; `induction` trains the recipe of that
name with its two layers and with one. The first three use the shape of `intermediate` and hardly
trained weights: time does not depend on what a model has learned. Each prints one JSON object and
ends with 1 where a figure misses what is wanted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import here  # noqa: F401 - before gtt, which it makes known
import torch

from gtt.config import GenerationConfig
from gtt.data.tokenizer_training import train_char_tokenizer
from gtt.inference.client import Inference
from gtt.inference.questions import GenerateJob
from gtt.model.export import load_model, save_model
from gtt.model.gpt import GPT
from gtt.model.sampling import sample_tokens, seeded
from gtt.recipes import load_recipe

ENDED = ("completed", "failed")
WANTED_RATIO = 3.0
WANTED_FIRST = 0.050  # seconds to the first token
WANTED_ATTENTION = 1.0
WANTED_ODDS = 0.100
SENTENCE = "One day the wise girl went to the tower. "  # in letters that the run knows
LETTERS = "\n !',-.:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz&3$"


def checkpoint(folder: Path) -> Path:
    """An untrained model of the shape of `intermediate` with a tokenizer of 65 characters."""
    torch.manual_seed(0)
    tokenizer = train_char_tokenizer(LETTERS[:65])
    model = GPT(load_recipe("intermediate").config.model, tokenizer.vocab_size).eval()
    folder.mkdir(parents=True, exist_ok=True)
    save_model(model, folder, GenerationConfig(), {})
    tokenizer.save(folder)
    return folder


# ------------------------------------------------------------------------------ generate


def generate(rounds: int, tokens: int, threads: int) -> dict[str, Any]:
    """Tokens per second of both at batch 1, by sampling, and the time to our first token."""
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as place:
        folder = checkpoint(Path(place) / "model")
        ours, _ = load_model(folder)
        theirs = AutoModelForCausalLM.from_pretrained(folder).eval()
        prompt = torch.zeros(1, 1, dtype=torch.long)
        settings = GenerationConfig(max_new_tokens=tokens, temperature=0.8)

        def write() -> int:
            random = seeded(0, torch.device("cpu"))
            return sum(1 for _ in sample_tokens(ours, prompt, settings, random))

        def write_theirs() -> int:
            with torch.inference_mode():
                whole = theirs.generate(
                    prompt,
                    max_new_tokens=tokens,
                    do_sample=True,
                    temperature=0.8,
                    top_k=0,
                    pad_token_id=0,
                )
            return int(whole.shape[1]) - 1

        speeds: dict[str, list[float]] = {"gtt": [], "transformers": []}
        for _ in range(rounds + 1):  # the first round warms up
            for name, work in (("gtt", write), ("transformers", write_theirs)):
                speeds[name].append(speed(work))
        first = asyncio.run(first_token(str(folder), threads))
    ratios = [a / b for a, b in zip(speeds["gtt"][1:], speeds["transformers"][1:])]
    return {
        "threads": threads,
        "gtt_tokens_per_s": round(statistics.median(speeds["gtt"][1:])),
        "transformers_tokens_per_s": round(statistics.median(speeds["transformers"][1:])),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "first_token_s": round(first, 4),
        "met": statistics.median(ratios) >= WANTED_RATIO and first <= WANTED_FIRST,
    }


def speed(work: Callable[[], int]) -> float:
    """Tokens per second of one piece of work."""
    began = time.perf_counter()
    count = work()
    return count / (time.perf_counter() - began)


async def first_token(folder: str, threads: int) -> float:
    """Seconds from the request to the first text, as the server would get it, model in memory."""
    inference = Inference(threads=threads)
    try:
        taken = []
        for _ in range(6):
            job = GenerateJob(folder, {"prompt": "One day ", "max_new_tokens": 20, "seed": 1})
            began = time.perf_counter()
            stream = inference.stream(job)
            async for _ in stream:
                taken.append(time.perf_counter() - began)
                break
            await stream.aclose()
        return statistics.median(taken[1:])
    finally:
        inference.close()


# ----------------------------------------------------------------------------- the lesson


def induction() -> dict[str, Any]:
    """Exact answers and the best induction score with two layers, exact answers with one."""
    from gtt.inference.interpretability_heads import habits
    from gtt.inference.loaded import LoadedCheckpoints
    from gtt.inference.questions import HabitsJob
    from gtt.runs.execute import start_run
    from gtt.runs.home import Home
    from gtt.runs.inspect import evaluate_run

    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        home = Home(Path(place))
        for layers in (2, 1):
            config = load_recipe("induction").config.updated({"model": {"n_layers": layers}})
            folder = home.new_run(f"{layers}-layers")
            _, end = start_run(config, home, folder)
            checkpoint = str(sorted(folder.glob("checkpoints/step-????????"))[-1])
            work = habits(
                HabitsJob(checkpoint, str(home.corpora)), LoadedCheckpoints(2**30).get(checkpoint)
            )
            heads = finished(work)["heads"]
            told[f"{layers}_layers"] = {
                "seconds": round(end.seconds or 0, 1),
                "exact_answers": evaluate_run(folder, home, "latest")["task_score"],
                "best_induction_score": round(
                    max(head["induction"] for layer in heads for head in layer), 3
                ),
            }
    two, one = told["2_layers"], told["1_layers"]
    told["met"] = (
        two["seconds"] <= 120
        and two["best_induction_score"] > 0.5
        and one["exact_answers"] < two["exact_answers"]
    )
    return told


def finished(work: Any) -> dict[str, Any]:
    """What a job gives in the end."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: dict[str, Any] = end.value
            return result


# ------------------------------------------------------------------------------- the page


def attention(rounds: int) -> dict[str, Any]:
    """Seconds from the click on Look until all heads of 256 tokens are on screen."""
    taken = [
        float(value)
        for value in on_the_page(
            rounds,
            "attention",
            lambda page, number: look(page, (SENTENCE * 8)[number:]),
        )
    ]
    return {
        "tokens": 256,
        "seconds": [round(value, 3) for value in taken],
        "met": statistics.median(taken) <= WANTED_ATTENTION,
    }


def look(page: Any, text: str) -> float:
    """One look, timed by the page itself from the click to the frame after the last canvas."""
    whole = page.locator('#inside-attention [data-part="whole"]')
    page.locator("#attention-text textarea").fill(text)
    whole.evaluate("whole => { delete whole.dataset.seconds; }")
    page.locator("#look").click()
    page.wait_for_selector('#inside-attention [data-part="whole"][data-seconds]', timeout=60_000)
    return float(whole.get_attribute("data-seconds"))


def odds(rounds: int) -> dict[str, Any]:
    """Seconds from a move of the temperature slider until the bars have followed."""
    taken = [
        float(value)
        for value in on_the_page(rounds, "generation", lambda page, number: slide(page, number))
    ]
    return {
        "seconds": [round(value, 4) for value in taken],
        "met": max(taken) <= WANTED_ODDS,
    }


def slide(page: Any, number: int) -> float:
    """One move of the slider, timed in the browser until the next frame is drawn."""
    return float(
        page.evaluate(
            """async (value) => {
              const box = document.querySelector('#inside-generation');
              const slider = box.querySelector('[data-slider="temperature"]');
              const bar = box.querySelector('[data-part="bars"] [data-after]');
              const before = bar.dataset.after;
              const began = performance.now();
              slider.value = value;
              slider.dispatchEvent(new Event('input', { bubbles: true }));
              await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
              if (bar.dataset.after === before) throw new Error("the bars did not move");
              return (performance.now() - began) / 1000;
            }""",
            0.3 + 0.1 * number,
        )
    )


def on_the_page(rounds: int, tab: str, act: Callable[[Any, int], Any]) -> list[Any]:
    """What `act` gives, round by round, on a tab of a page that looks at a run of this shape."""
    from page import browsing
    from service_server import serving

    with serving() as server, browsing() as browser:
        import httpx

        with httpx.Client(base_url=server.url, timeout=120) as http:
            body = {
                "recipe": "intermediate",
                "config": {
                    "data": {"source": "tales"},
                    "training": {"max_steps": 2, "checkpoint_every": 2, "eval_every": 2},
                },
            }
            run = http.post("/api/runs", json=body).raise_for_status().json()["run"]["id"]
            while http.get(f"/api/runs/{run}").json()["run"]["state"] not in (
                "completed",
                "failed",
            ):
                time.sleep(0.3)
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.goto(f"{server.url}?tab={tab}")
        page.wait_for_selector(f"#inside-{tab}", timeout=60_000)
        page.wait_for_timeout(5000)
        return [act(page, number) for number in range(rounds)]


def main() -> None:
    """Prints one JSON object; ends with 1 where a figure misses what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("generate", "attention", "odds", "induction"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.what == "generate":
        told = generate(options.rounds, options.tokens, options.threads)
    elif options.what == "induction":
        told = induction()
    else:
        told = attention(options.rounds) if options.what == "attention" else odds(options.rounds)
    print(json.dumps(told))
    sys.exit(0 if told["met"] else 1)


if __name__ == "__main__":
    main()
