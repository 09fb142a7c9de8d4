"""What a pocket model weighs, how fast it writes, and how far rounding moves it.

`python benchmarks/pocket.py RUN_DIR...` makes both pages of each run (fp16, int8), opens them in
headless Chromium from the disk, and compares them with GTT: with the weights as they were trained,
and with them rounded as the page has them. The validation loss is that of all validation text.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from gtt.data.tokenizers import Tokenizer
    from gtt.model.gpt import GPT

PROMPTS = ("One day", "\n", "Once upon a time", "The dragon", "In a magic barn by the hill lived")
TOKENS = 200
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WRITE = """(ids) => ask("write",
  { ids, count: COUNT, temperature: 0, topK: 0, topP: 1, seed: 1 }, () => {})"""


def main() -> int:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run_dir", type=Path, nargs="+")
    from playwright.sync_api import sync_playwright

    runs = parser.parse_args().run_dir
    with sync_playwright() as driver:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        for run in runs:
            page = browser.new_context(offline=True).new_page()
            print(json.dumps(measure(run, page), indent=2, ensure_ascii=False), flush=True)
        browser.close()
    return 0


def measure(folder: Path, page: Page) -> dict[str, Any]:
    """The figures of one run."""
    from gtt.data.corpus import reopen_corpus
    from gtt.data.tokenizers import Tokenizer
    from gtt.exports.pocket_page import as_on_page, pocket_page
    from gtt.model.export import load_model
    from gtt.runs.folder import RunFolder
    from gtt.runs.home import Home
    from gtt.training.evaluation import evaluate_all

    run = RunFolder(folder)
    checkpoint, config = run.checkpoints.best(), run.config()
    model, about = load_model(checkpoint)
    tokenizer = Tokenizer.load(checkpoint)
    corpora = Home.from_environment().corpora
    corpus = reopen_corpus(config.data, corpora, str(about.get("fingerprint")))
    assert corpus is not None, "set GTT_HOME to the home in which the run was trained"
    crossed = config.training.cross_documents
    figures: dict[str, Any] = {
        "parameters": config.model.parameter_count(model.vocab_size),
        "validation_loss": {"fp32": evaluate_all(model, corpus, cross_documents=crossed).loss},
    }
    for precision in ("fp16", "int8"):
        rounded = as_on_page(load_model(checkpoint)[0], precision)
        loss = evaluate_all(rounded, corpus, cross_documents=crossed).loss
        figures["validation_loss"][precision] = loss
        with tempfile.TemporaryDirectory() as temporary:
            file = Path(temporary) / "page.html"
            file.write_text(pocket_page(checkpoint, config, precision), encoding="utf-8")
            size = file.stat().st_size
            page.goto(file.as_uri())
            page.get_by_text("Ready.", exact=True).wait_for()  # its policy lets nobody poll by eval
            found = [written(page, tokenizer, prompt) for prompt in PROMPTS]
        figures[precision] = {
            "bytes": size,
            "tokens_per_second": sorted(round(speed) for _, speed in found),
            "median": round(statistics.median(speed for _, speed in found)),
            "as_rounded": [
                compare(ids, rounded, tokenizer, prompt)
                for (ids, _), prompt in zip(found, PROMPTS, strict=True)
            ],
            "as_trained": [
                compare(ids, model, tokenizer, prompt)
                for (ids, _), prompt in zip(found, PROMPTS, strict=True)
            ],
        }
    return figures


def written(page: Page, tokenizer: Tokenizer, prompt: str) -> tuple[list[int], float]:
    """The tokens that the page writes greedily, and how many of them in a second."""
    done = page.evaluate(WRITE.replace("COUNT", str(TOKENS)), tokenizer.encode(prompt))
    return done["ids"], len(done["ids"]) / done["seconds"]


def compare(ids: list[int], model: GPT, tokenizer: Tokenizer, prompt: str) -> dict[str, Any] | str:
    """ "equal", or where GTT writes the first other token, and how near the two tokens were there.

    `margin` is the difference of their logits; a model cannot be more certain than its rounding.
    """
    import torch

    from gtt.model.sampling import Reader

    reader = Reader(model, torch.tensor([tokenizer.encode(prompt)]))
    for place, token in enumerate(ids):
        logits = reader.logits().flatten()
        ours = int(logits.argmax())
        if ours != token:
            return {"token": place + 1, "margin": round(float(logits[ours] - logits[token]), 5)}
        reader.append(torch.tensor([token]))
    return "equal"


if __name__ == "__main__":
    sys.exit(main())
