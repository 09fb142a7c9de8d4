"""Settings at random within the hard limits: each is refused with a sentence or trains a step."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gtt.config import RunConfig, SettingDescription, describe_settings
from gtt.data.corpus import Corpus
from gtt.errors import BadInput
from gtt.training.events import RunEnded, StepLogged
from gtt.training.trainer import Trainer

# What one step may cost here; the limits themselves are drawn from in full.
MOST_PARAMETERS = 400_000
MOST_TOKENS = 20_000
SHORT = {"max_steps": 1, "log_every": 1, "eval_windows": 2, "compile": False}


def values(setting: SettingDescription) -> st.SearchStrategy[Any]:
    """Values within the hard limits, small and large magnitudes equally likely, ends included."""
    if setting.kind == "boolean":
        return st.booleans()
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


DRAWN = [
    setting
    for setting in describe_settings()
    if setting.group in ("model", "training")
    and setting.name not in (*SHORT, "max_minutes", "num_epochs")
]


@st.composite
def changes(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    chosen: dict[str, dict[str, Any]] = {"model": {}, "training": {}}
    for setting in draw(st.lists(st.sampled_from(DRAWN), unique_by=lambda s: s.key, max_size=8)):
        chosen[setting.group][setting.name] = draw(values(setting))
    return chosen


def test_what_is_accepted_trains_a_step(tiny_config: RunConfig, tiny_corpus: Corpus) -> None:
    counts = Counter[str]()

    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(changes())
    def train_a_step(drawn: dict[str, dict[str, Any]]) -> None:
        counts[outcome(tiny_config, tiny_corpus, drawn)] += 1

    train_a_step()
    # Were nearly all drawn settings refused or too large, the property would say nothing.
    assert counts["trained"] >= 15 and counts["refused"] >= 1, counts


def outcome(config: RunConfig, corpus: Corpus, drawn: dict[str, dict[str, Any]]) -> str:
    """What becomes of these settings: `refused`, `too large` for a test, or `trained`."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            config = config.updated(drawn).updated({"training": SHORT})
            model, training = config.model, config.training
            tokens = training.batch_size * training.grad_accumulation_steps * model.block_size
            parameters = model.parameter_count(corpus.vocab_size)
            if parameters > MOST_PARAMETERS or tokens > MOST_TOKENS:
                return "too large"
            trainer = Trainer(config, corpus, Path(folder))
        except BadInput as error:
            assert error.message.endswith(".") and "\n" not in error.message
            return "refused"
        happened = list(trainer.run())
    ended = happened[-1]
    assert isinstance(ended, RunEnded) and ended.step == 1
    assert ended.reason in ("completed", "diverged"), ended
    assert any(isinstance(event, StepLogged) for event in happened)
    return "trained"
