"""Sentences on the page call a setting as its control is called."""

from __future__ import annotations

import pytest

from gtt.api.labels import answer_on_screen, on_screen
from gtt.config import RunConfig
from gtt.errors import InvalidSetting


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        (
            "n_embed 100 is not divisible by 3 heads: try 96 or 102.",
            "Embedding width 100 is not divisible by 3 heads: try 96 or 102.",
        ),
        (
            "Raise training.max_minutes and resume, or set training.max_steps to 5.",
            "Raise “Time limit” and resume, or set “Steps” to 5.",
        ),
        ("config.model.n_layers: 90 is not allowed.", "Layers: 90 is not allowed."),
        ("Write set=model.n_layers:4.", "Write set=model.n_layers:4."),  # as an address has it
        ("The seed of this run_id is my_own.", "The seed of this run_id is my_own."),
        ("There is no model.depth.", "There is no model.depth."),
    ],
)
def test_names_of_settings_become_labels(sentence: str, said: str) -> None:
    assert on_screen(sentence) == said


def test_a_refusal_and_the_answers_to_scripts_speak_like_the_screen() -> None:
    with pytest.raises(InvalidSetting) as caught:
        RunConfig.parse({"model": {"n_embed": 100, "n_heads": 3}})
    assert on_screen(str(caught.value)).startswith("Embedding width 100 is not divisible")
    answer = answer_on_screen(
        {
            "run": {"message": "raise training.max_minutes", "name": "training.max_minutes"},
            "runs": [{"message": None}, {"message": "see model.n_layers"}],
            "curves": {"loss": [[1, 2.0]]},
        }
    )
    assert answer["run"] == {"message": "raise “Time limit”", "name": "training.max_minutes"}
    assert answer["runs"][1]["message"] == "see “Layers”"
    assert answer["curves"] == {"loss": [[1, 2.0]]}
