"""Short runs whose truth is known: what was done to them, and beside which sound run they stand."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import here  # noqa: F401 - before gtt, which it makes known

from gtt.config import DataConfig, RunConfig
from gtt.data.progress import ignore
from gtt.data.reading import open_source
from gtt.data.sources import resolve_source
from gtt.data.tales import write_tales
from gtt.errors import BadInput, UnusableData
from gtt.recipes import load_recipe

Changes = Mapping[str, Mapping[str, Any]]

SMALL: Changes = {
    "model": {"n_layers": 2, "n_heads": 4, "n_embed": 64, "block_size": 64},
    "training": {
        "batch_size": 16,
        "warmup_steps": 20,
        "learning_rate": 4e-3,
        "muon_learning_rate": 0.05,
        "checkpoint_every": 1_000_000,
    },
    "generation": {"max_new_tokens": 1},
}
MUON: Changes = {"training": {"optimizer": "muon"}}


@dataclass(frozen=True)
class Case:
    """One run. `family` is what was done to it, `reference` the sound run that it is held against.

    Where `reference` is named, what was done counts as harm only if the run ended worse than that
    one. `held_out` cases were not looked at while thresholds were set.
    """

    name: str
    family: str
    text: str
    changes: tuple[Changes, ...] = ()
    recipe: str | None = None
    reference: str | None = None
    held_out: bool = False
    steps: int = 300

    def config(self, texts: Path) -> RunConfig:
        """The settings of the run, whose text lies in a folder or is built in."""
        config = load_recipe(self.recipe).config if self.recipe else RunConfig()
        if not self.recipe:
            config = config.updated(SMALL)
        for changes in self.changes:
            config = config.updated(changes)
        steps = {"max_steps": self.steps, "warmup_steps": config.training.warmup_steps}
        config = config.updated({"training": steps, "name": self.name})
        if self.text in BUILT_IN:
            return config.updated({"data": {"source": self.text}})
        return config.updated({"data": {"source": str(texts / f"{self.text}.txt")}})


BUILT_IN = ("tales", "induction", "copy", "reverse", "addition")


def rated(factor: float, config: Changes | None = None) -> Changes:
    """Both rates times a factor, as far as settings allow."""
    training: Mapping[str, Any] = (config or SMALL)["training"]
    names = ("learning_rate", "muon_learning_rate")
    return {"training": {name: min(1.0, training[name] * factor) for name in names}}


def family_of(factor: float) -> str:
    if factor < 1:
        return "rate too low"
    return "rate too high" if factor > 1 else "sound"


def model(**values: Any) -> Changes:
    return {"model": values}


def training(**values: Any) -> Changes:
    return {"training": values}


def bank() -> list[Case]:
    """All cases; those that others are held against come first in their group."""
    return [*_rates(), *_recipes(), *_shapes(), *_texts(), *_held_out()]


@dataclass
class _Group:
    """Cases beside one sound run."""

    name: str
    text: str
    common: tuple[Changes, ...] = ()
    recipe: str | None = None
    steps: int = 300
    held_out: bool = False
    cases: list[Case] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.add("sound", "sound")

    def add(self, name: str, family: str, *changes: Changes, steps: int | None = None) -> None:
        full = f"{self.name}, {name}"
        self.cases.append(
            Case(
                full,
                family,
                self.text,
                (*self.common, *changes),
                self.recipe,
                self.cases[0].name if self.cases else None,
                self.held_out,
                steps or self.steps,
            )
        )

    def rates(self, *factors: float) -> _Group:
        base: Changes = SMALL
        if self.recipe:
            base = {"training": load_recipe(self.recipe).config.training.model_dump()}
        for factor in factors:
            self.add(f"rate x {factor:g}", family_of(factor), rated(factor, base))
        return self


def _rates() -> list[Case]:
    groups = [
        _Group("tales AdamW 300", "tales-file").rates(0.01, 0.1, 0.3, 3, 10, 100),
        _Group("tales AdamW 60", "tales-file", steps=60).rates(0.01, 0.1, 10, 100),
        _Group("tales AdamW 600", "tales-file", steps=600).rates(0.01, 100),
        _Group("plays Muon 150", "plays", (MUON,), steps=150).rates(0.01, 0.1, 3, 10, 20),
        _Group("plays Muon 600", "plays", (MUON,), steps=600).rates(0.01, 10),
        _Group("plays AdamW 300", "plays").rates(0.01, 0.1, 10, 100),
        _Group("quickstart 100", "tales", recipe="quickstart", steps=100).rates(0.1, 10, 100),
        _Group("quickstart 150", "tales", recipe="quickstart", steps=150).rates(0.01, 10),
    ]
    return [case for group in groups for case in group.cases]


def _recipes() -> list[Case]:
    def of(recipe: str, text: str, steps: int, *changes: Changes) -> Case:
        return Case(f"{recipe} {steps}", "sound", text, changes, recipe, steps=steps)

    return [
        of("quickstart", "tales", 600),
        of("induction", "induction", 600),
        of("beginner", "plays", 300),
        of("beginner", "plays", 600),
        of("speedrun", "plays", 300),
        of("intermediate", "plays", 60),
        of("advanced", "plays", 60),
        of("speedrun-gpu", "plays", 60, training(compile=False, batch_size=4)),
    ]


def _shapes() -> list[Case]:
    deep = _Group("eight layers", "tales-file", (model(n_layers=8),))
    deep.add("no residual", "architecture", model(residual=False))
    deep.add("post-norm, no warm-up", "architecture", model(norm_position="post"), NO_WARM_UP)
    deep.add("no norm", "architecture", model(norm_position="none"))
    four = _Group("four layers", "plays", (model(n_layers=4),))
    four.add("no residual", "architecture", model(residual=False))
    four.add("no norm, no warm-up", "architecture", model(norm_position="none"), NO_WARM_UP)
    four.add("no warm-up", "rate too high", NO_WARM_UP)
    four.add("no warm-up, rate x 5", "rate too high", NO_WARM_UP, rated(5))
    four.add("post-norm", "architecture", model(norm_position="post"))
    lost = _Group("dropout", "tales-file")
    for share in (0.1, 0.5, 0.7, 0.9):
        family = "sound" if share < 0.3 else "dropout too high"
        lost.add(f"dropout {share:g}", family, model(dropout=share))
    wide = Case("wide", "sound", "tales-file", (model(n_embed=192, n_layers=1), rated(0.4)))
    tiny = Case("narrow", "sound", "plays", (model(n_embed=32, n_layers=1), MUON))
    return [*deep.cases, *four.cases, *lost.cases, wide, tiny]


NO_WARM_UP = training(warmup_steps=0)


def _texts() -> list[Case]:
    def of(text: str, family: str, *changes: Changes, steps: int = 300) -> Case:
        optimizer = "Muon" if MUON in changes else "AdamW"
        return Case(f"{text} {optimizer} {steps}", family, text, changes, steps=steps)

    often = training(eval_every=50)
    return [
        of("tiny-tales", "known by heart", often, steps=600),
        of("tiny-tales", "known by heart", often, MUON),
        of("tiny-plays", "known by heart", steps=600),
        of("small-plays", "known by heart", often, MUON, steps=600),
        of("repeated-tales", "text repeated", often, steps=600),
        of("repeated-plays", "text repeated", MUON, steps=600),
        of("shuffled-tales", "no order", often),
        of("shuffled-plays", "no order", MUON),
        of("chance", "no order"),
        of("unlike-tales", "parts unlike", often),
        of("unlike-plays", "parts unlike", MUON, steps=600),
        of("addition", "sound", MUON, steps=600),
        of("copy", "sound", MUON, steps=600),
    ]


def _held_out() -> list[Case]:
    seed = training(seed=4711)
    common = (seed, model(n_layers=3, n_heads=3, n_embed=96), {"data": {"tokenizer": "bpe"}})
    constant = training(lr_scheduler="constant")

    def group(name: str, text: str, *changes: Changes, steps: int) -> _Group:
        return _Group(f"held out: {name}", text, (seed, *changes), steps=steps, held_out=True)

    bpe = group("articles, BPE", "articles", *common, steps=250)
    bpe.rates(0.01, 0.03, 30, 100)
    bpe.add("dropout 0.8", "dropout too high", model(dropout=0.8))
    bpe.add("no residual", "architecture", model(residual=False, n_layers=6))
    code = group("code, Muon", "code", MUON, steps=400).rates(0.01, 10)
    code.add("no residual", "architecture", model(residual=False, n_layers=5))
    still = group("code, constant rate", "code", constant, steps=200).rates(0.02, 50)
    deep = group("articles, 10 layers", "articles", model(n_layers=10), steps=200)
    deep.add("post-norm", "architecture", model(norm_position="post"), NO_WARM_UP)
    deep.add("no norm", "architecture", model(norm_position="none"), NO_WARM_UP)
    short = group("code, short", "code", steps=90).rates(0.01, 20, 100)
    cases = [case for one in (bpe, code, still, deep, short) for case in one.cases]
    texts = [
        ("tiny-code", "known by heart", (MUON,), 500),
        ("tiny-articles", "known by heart", (training(eval_every=50),), 500),
        ("repeated-code", "text repeated", (training(eval_every=100),), 500),
        ("shuffled-code", "no order", (MUON,), 200),
        ("shuffled-articles", "no order", (), 400),
        ("unlike-code", "parts unlike", (), 400),
        ("unlike-articles", "parts unlike", (MUON,), 200),
        ("reverse", "sound", (MUON,), 500),
    ]
    return cases + [
        Case(f"held out: {text}", family, text, (seed, *changes), None, None, True, steps)
        for text, family, changes, steps in texts
    ]


# ------------------------------------------------------------------------------- texts


def write_texts(folder: Path) -> None:
    """Writes the texts of all cases that are not built in, where they are not there yet.

    Plays are Tiny Shakespeare and articles WikiText-2 where they can be had (`GTT_SOURCES` or the
    network); without them other seeds of Tales and other code stand in.
    """
    folder.mkdir(parents=True, exist_ok=True)
    size = 600_000
    tales = _tales(size, 1)
    code = _source("python", 3 * size) or _tales(size, 2)
    plays = _source("tinyshakespeare", 2 * size) or _tales(size, 3)
    articles = _source("wikitext-2", size) or code[size : 2 * size]
    plain = {
        "tales": tales,
        "plays": plays,
        "code": code[:size],
        "articles": articles,
    }
    other = {"tales": code, "plays": code, "code": plays, "articles": tales}
    texts = {"tales-file": tales, "plays": plays, "code": code[:size], "articles": articles}
    for name, text in plain.items():
        texts[f"tiny-{name}"] = text[1000:6000]
        texts[f"small-{name}"] = text[1000:31_000]
        texts[f"repeated-{name}"] = text[1000:5000] * 100
        texts[f"shuffled-{name}"] = _shuffled(text[:300_000])
        texts[f"unlike-{name}"] = text[:400_000] + other[name][:50_000]
    draw = random.Random(5)
    texts["chance"] = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz \n", k=200_000))
    for name, text in texts.items():
        path = folder / f"{name}.txt"
        if not path.exists():
            path.write_text(text, encoding="utf-8")


def _shuffled(text: str) -> str:
    characters = list(text)
    random.Random(9).shuffle(characters)
    return "".join(characters)


def _tales(size: int, seed: int) -> str:
    return "".join(write_tales(size, seed=seed))[:size]


def _source(name: str, size: int) -> str:
    """The beginning of a source that is fetched or read here; empty where it cannot be had."""
    folder = Path(os.environ["GTT_SOURCES"]) if "GTT_SOURCES" in os.environ else None
    config = DataConfig(source=name, max_megabytes=size / 1e6)
    text = ""
    try:
        with tempfile.TemporaryDirectory() as downloads:
            opened = open_source(resolve_source(name), config, Path(downloads), folder)
            pieces = opened.read(ignore).pieces
            while len(text) < size and (piece := next(pieces, None)) is not None:
                text += piece
    except (BadInput, UnusableData):
        return ""
    return text[:size] if len(text) > size / 4 else ""
