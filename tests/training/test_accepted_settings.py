"""Settings at random within the hard limits: each is refused with a sentence or trains a step."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gtt.config import GROUPS, RunConfig, SettingDescription, describe_settings
from gtt.data.corpus import build_corpus
from gtt.errors import BadInput
from gtt.training.events import Event, RunEnded, StepFinished, StepLogged
from gtt.training.trainer import Trainer

# What one step may cost here; the limits themselves are drawn from in full.
MOST_PARAMETERS = 400_000
MOST_TOKENS = 20_000
MOST_WRITTEN = 300  # tokens of a sample, over all beams
STEPS = 2  # after which a run is asked to stop
SHORT = {"eval_windows": 2, "compile": False}
# Names of texts, what needs a text with marks (tests/training/test_documents.py), what takes a
# compiler, and what only takes its time.
LEFT_OUT = (
    "data.source",
    "data.pretrained_tokenizer",
    "training.cross_documents",
    "training.eval_windows",
    "training.compile",
)


def values(setting: SettingDescription) -> st.SearchStrategy[Any]:
    """Values within the hard limits, small and large magnitudes equally likely, ends included."""
    if setting.kind == "boolean":
        return st.booleans()
    if setting.kind == "string":
        return st.text(min_size=1, max_size=5)
    if setting.kind == "list":
        return st.lists(st.text(max_size=3), max_size=3)
    if setting.choices is not None:
        return st.sampled_from(setting.choices)
    low = setting.limits.get("ge", setting.limits.get("gt", 0.0))
    high = setting.limits.get("le", setting.limits.get("lt", 1.0))
    if setting.kind == "integer":
        exponents = st.floats(math.log(max(low, 0.5)), math.log(high))
        return st.one_of(
            st.just(int(low)),
            exponents.map(lambda x: min(int(high), max(int(low), round(math.exp(x))))),
        )
    inside = st.floats(
        low, high, exclude_min="gt" in setting.limits, exclude_max="lt" in setting.limits
    )
    small = st.floats(-12, 0).map(lambda x: min(high, max(low, 10**x)))
    return st.one_of(inside, small).filter(lambda x: x > 0 or "gt" not in setting.limits)


DRAWN = [setting for setting in describe_settings() if setting.key not in LEFT_OUT]


def test_the_settings_left_out_are_few() -> None:
    assert len(DRAWN) == len(list(describe_settings())) - 5 >= 45


@st.composite
def changes(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    chosen: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    for setting in draw(st.lists(st.sampled_from(DRAWN), unique_by=lambda s: s.key, max_size=8)):
        chosen[setting.group][setting.name] = draw(values(setting))
    return chosen


def test_what_is_accepted_trains_a_step(tiny_config: RunConfig, corpora: Path) -> None:
    counts = Counter[str]()

    @settings(
        max_examples=80,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(changes())
    def train_a_step(drawn: dict[str, dict[str, Any]]) -> None:
        counts[outcome(tiny_config, corpora, drawn)] += 1

    train_a_step()
    # Were nearly all drawn settings refused or too large, the property would say nothing.
    assert counts["trained"] >= 20 and counts["refused"] >= 5, counts


def outcome(config: RunConfig, corpora: Path, drawn: dict[str, dict[str, Any]]) -> str:
    """What becomes of these settings: `refused`, `too large` for a test, or `trained`."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            config = config.updated(drawn).updated({"training": SHORT})
            corpus = build_corpus(config.data, corpora)
            if is_too_large(config, corpus.vocab_size):
                return "too large"
            trainer = Trainer(config, corpus, Path(folder))
        except BadInput as error:
            assert error.message.endswith(".") and "\n" not in error.message
            return "refused"
        happened = list(first_steps(trainer))
    ended = happened[-1]
    assert isinstance(ended, RunEnded) and 1 <= ended.step <= STEPS
    assert ended.reason in ("completed", "stopped", "out_of_time", "diverged"), ended
    assert any(isinstance(event, StepLogged) for event in happened)
    return "trained"


def is_too_large(config: RunConfig, vocab_size: int) -> bool:
    model, training, writing = config.model, config.training, config.generation
    tokens = training.batch_size * training.grad_accumulation_steps * model.block_size
    return (
        model.parameter_count(vocab_size) > MOST_PARAMETERS
        or tokens > MOST_TOKENS
        or writing.max_new_tokens * writing.num_beams > MOST_WRITTEN
    )


def first_steps(trainer: Trainer) -> Iterator[Event]:
    for event in trainer.run():
        yield event
        if isinstance(event, StepFinished) and event.step == STEPS < trainer.total_steps:
            yield from trainer.stop()
            return
