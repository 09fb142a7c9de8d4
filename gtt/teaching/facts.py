"""What a lesson can say of the learner's own runs: `{first.validation_loss}` in its texts.

A fact stands in braces, with Python's format after a colon if the usual one does not do. Two can be
held against each other: `{second.validation_loss - first.validation_loss}`, and with `/` as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from gtt.config import GROUPS, RunConfig
from gtt.errors import BadInput
from gtt.interpret.history import heads_in_snapshot
from gtt.runs.managed_run import ManagedRun, State
from gtt.runs.run_view import RunView
from gtt.runs.snapshot_files import read_snapshot
from gtt.settings import nearest

MOST_TOKENS = 256  # of a snapshot that heads are measured on
UNKNOWN = "–"  # what is not measured yet

_FACT = re.compile(
    r"{(?P<fact>[a-z][\w.]*)(?:\s*(?P<sign>[-/])\s*(?P<other>[a-z][\w.]*))?(?::(?P<format>[^{}]*))?}"
)


@dataclass(frozen=True)
class RunFacts:
    """What is known of one run: how it stands, its settings, its first losses and samples."""

    id: str
    name: str
    state: State
    config: RunConfig
    view: RunView
    curves: Mapping[str, list[tuple[int, float]]]
    samples: tuple[tuple[int, str], ...]
    snapshot: Path | None

    @classmethod
    def of(cls, run: ManagedRun) -> RunFacts:
        """The facts of a run as they are now."""
        names, taken = ("loss", "validation_loss"), run.reader.snapshots()
        return cls(
            id=run.id,
            name=run.name,
            state=run.state(),
            config=run.config,
            view=run.view(),
            curves={name: run.reader.curve(name, 200) for name in names},
            samples=tuple((sample.step, sample.text) for sample in run.reader.samples()),
            snapshot=run.path / taken[-1].path if taken else None,
        )

    def get(self, fact: str) -> float | str | None:
        """A fact by its name, or a setting as `model.n_layers`; None where it is not known yet."""
        if fact in FACTS:
            return FACTS[fact][0](self)
        group, _, name = fact.partition(".")
        value = getattr(getattr(self.config, group), name)
        return value if value is None or isinstance(value, (int, float, str)) else str(value)

    def strongest(self, habit: str) -> StrongHead | None:
        """The head that gives the most of its attention to a habit, in the newest snapshot."""
        return _strongest(self.snapshot, habit) if self.snapshot is not None else None


class StrongHead(NamedTuple):
    """A head, counted from 1, and the share of its attention that a habit gets."""

    share: float
    layer: int
    head: int


@lru_cache(maxsize=64)  # a snapshot never changes, and a lesson asks again and again
def _strongest(snapshot: Path, habit: str) -> StrongHead | None:
    try:
        layers = heads_in_snapshot(read_snapshot(snapshot, MOST_TOKENS))
    except BadInput:  # gone, or not yet whole
        return None
    heads = [
        StrongHead(habits[habit] or 0.0, layer, head)
        for layer, row in enumerate(layers, 1)
        for head, habits in enumerate(row, 1)
    ]
    return max(heads, default=None)


def _habit(name: str) -> Callable[[RunFacts], float | None]:
    def share(run: RunFacts) -> float | None:
        head = run.strongest(name)
        return head.share if head else None

    return share


def _head(name: str) -> Callable[[RunFacts], str | None]:
    def words(run: RunFacts) -> str | None:
        head = run.strongest(name)
        return f"head {head.head} of layer {head.layer}" if head else None

    return words


def _baseline(name: str) -> Callable[[RunFacts], float | None]:
    return lambda run: (run.view.baselines or {}).get(name)


def _uniform(run: RunFacts) -> float | None:
    size = run.view.vocab_size
    return math.log(size) if size else None


def _first(curve: str) -> Callable[[RunFacts], float | None]:
    return lambda run: run.curves[curve][0][1] if run.curves[curve] else None


def _sample(place: int) -> Callable[[RunFacts], str | None]:
    return lambda run: run.samples[place][1] if run.samples else None


def _gap(run: RunFacts) -> float | None:
    validation, training = run.view.validation_loss, run.view.loss
    return None if validation is None or training is None else validation - training


def _perplexity(run: RunFacts) -> float | None:
    loss = run.view.validation_loss
    return None if loss is None else math.exp(min(loss, 700.0))


_LOSS, _COUNT, _PLAIN = ".2f", ",.0f", ""

# The facts of a run, each with how it is written where nothing else is asked for.
FACTS: dict[str, tuple[Callable[[RunFacts], float | str | None], str]] = {
    "name": (lambda run: run.name, _PLAIN),
    "step": (lambda run: run.view.step, _COUNT),
    "steps": (lambda run: run.view.total_steps, _COUNT),
    "seconds": (lambda run: run.view.seconds, ".0f"),
    "tokens": (lambda run: run.view.tokens, _COUNT),
    "tokens_per_second": (lambda run: run.view.tokens_per_second, _COUNT),
    "parameters": (lambda run: run.view.parameters, _COUNT),
    "vocab_size": (lambda run: run.view.vocab_size, _COUNT),
    "first_loss": (_first("loss"), _LOSS),
    "loss": (lambda run: run.view.loss, _LOSS),
    "first_validation_loss": (_first("validation_loss"), _LOSS),
    "validation_loss": (lambda run: run.view.validation_loss, _LOSS),
    "best_validation_loss": (lambda run: run.view.best_validation_loss, _LOSS),
    "best_step": (lambda run: run.view.best_step, _COUNT),
    "perplexity": (_perplexity, ".1f"),
    "bits_per_byte": (lambda run: run.view.bits_per_byte, _LOSS),
    "bytes_per_token": (lambda run: run.view.bytes_per_token, _LOSS),
    "gap": (_gap, _LOSS),
    "uniform": (_uniform, _LOSS),
    "unigram": (_baseline("unigram"), _LOSS),
    "bigram": (_baseline("bigram"), _LOSS),
    "floor": (_baseline("floor"), _LOSS),
    "task_score": (lambda run: run.view.task_score, ".0%"),
    "gradient_norm": (lambda run: run.view.gradient_norm, _LOSS),
    "induction": (_habit("induction"), ".0%"),
    "induction_head": (_head("induction"), _PLAIN),
    "previous_token": (_habit("previous_token"), ".0%"),
    "previous_token_head": (_head("previous_token"), _PLAIN),
    "first_sample": (_sample(0), _PLAIN),
    "sample": (_sample(-1), _PLAIN),
}


def names_in(text: str) -> Iterator[str]:
    """The runs that a text tells of."""
    for match in _FACT.finditer(text):
        for fact in (match["fact"], match["other"]):
            if fact:
                yield fact.partition(".")[0]


def unknown_fact(text: str, runs: set[str] | None) -> str | None:
    """What is wrong with the first fact of a text that cannot be told, None where all can.

    `runs` are those that there are by then; None leaves them out of account.
    """
    outside = _FACT.sub("", text)
    if "{" in outside or "}" in outside:
        start = outside.find("{") if "{" in outside else outside.find("}")
        piece = outside[start : start + 30]
        return f"{piece!r} is no fact: write {{run.fact}}, such as {{first.validation_loss}}"
    for match in _FACT.finditer(text):
        for fact in (match["fact"], match["other"]):
            if not fact:
                continue
            run, _, name = fact.partition(".")
            if runs is not None and run not in runs:
                return f"{{{fact}}} tells of a run {run!r} that no step up to here has"
            fault = _unknown_name(name)
            if fault is not None:
                return fault
        try:
            format(1.0, match["format"] or "")
        except ValueError:
            return f"{match['format']!r} is no format of a number, such as .2f"
    return None


def _unknown_name(name: str) -> str | None:
    group, _, setting = name.partition(".")
    if name in FACTS or (group in GROUPS and setting in GROUPS[group].model_fields):
        return None
    return nearest("fact", name, list(FACTS)).rstrip(".")


def value_of(fact: str, runs: Mapping[str, RunFacts]) -> float | str | None:
    """One fact, `first.validation_loss`; None where it is not known yet."""
    run, _, name = fact.partition(".")
    return runs[run].get(name) if run in runs else None


def fill(text: str, runs: Mapping[str, RunFacts]) -> str:
    """A text with its facts written out; `–` stands for what is not known yet."""

    def written(match: re.Match[str]) -> str:
        value = value_of(match["fact"], runs)
        usual = FACTS.get(match["fact"].partition(".")[2], (None, _PLAIN))[1]
        if match["other"]:
            value = _held_against(match["sign"], value, value_of(match["other"], runs))
            usual = usual if match["sign"] == "-" else ".2g"
        if value is None:
            return UNKNOWN
        if isinstance(value, str):
            return value
        return format(value, match["format"] or usual or "")

    return _FACT.sub(written, text)


def _held_against(sign: str, value: Any, other: Any) -> float | None:
    if not isinstance(value, (int, float)) or not isinstance(other, (int, float)):
        return None
    if sign == "-":
        return value - other
    return value / other if other else None
