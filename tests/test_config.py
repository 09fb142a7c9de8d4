"""Settings: limits, partial updates, sentences that offer a way out."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gtt.config import RunConfig, describe_settings
from gtt.errors import InvalidSetting


def refused(changes: dict) -> InvalidSetting:
    with pytest.raises(InvalidSetting) as caught:
        RunConfig().updated(changes)
    return caught.value


def test_an_indivisible_width_names_the_two_nearest() -> None:
    error = refused({"model": {"n_embed": 100, "n_heads": 8}})
    assert error.message == "n_embed 100 is not divisible by 8 heads: try 96 or 104."
    assert error.field == "model.n_embed"


@pytest.mark.parametrize(
    ("changes", "field", "hint"),
    [
        ({"model": {"n_layer": 3}}, "model.n_layer", "did you mean 'n_layers'?"),
        ({"trainig": {}}, "trainig", "did you mean 'training'?"),
        ({"training": {"qqq": 1}}, "training.qqq", "known are max_steps"),
        ({"training": {"learning_rate": float("nan")}}, "training.learning_rate", "finite"),
        ({"training": {"learning_rate": float("inf")}}, "training.learning_rate", "finite"),
        ({"training": {"learning_rate": -1}}, "training.learning_rate", "greater than 0"),
        ({"training": {"batch_size": 0}}, "training.batch_size", "greater than or equal to 1"),
        ({"training": {"batch_size": "many"}}, "training.batch_size", "whole number"),
        ({"training": {"optimizer": "sgd"}}, "training.optimizer", "'adamw' or 'muon'"),
        ({"model": {"dropout": 1.5}}, "model.dropout", "less than or equal to 0.9"),
        ({"model": 3}, "model", "3 is not allowed"),
        ({"model": {"n_layers": True}}, "model.n_layers", "True is not allowed"),
        ({"training": {"max_minutes": False}}, "training.max_minutes", "must be a number"),
        ({"generation": {"stop": "x"}}, "generation.stop", "must be a list"),
    ],
)
def test_a_refusal_names_the_field_and_a_way_out(changes: dict, field: str, hint: str) -> None:
    error = refused(changes)
    assert error.field == field
    assert hint in error.message
    assert "\n" not in error.message


def test_an_unknown_key_is_reported_before_a_wrong_value() -> None:
    assert refused({"model": {"n_layers": -1, "n_hedas": 2}}).field == "model.n_hedas"


def test_a_partial_update_changes_one_setting_and_leaves_the_original() -> None:
    before = RunConfig().updated({"model": {"n_layers": 5}, "training": {"seed": 7}})
    after = before.updated({"model": {"n_heads": 2}})
    assert (after.model.n_layers, after.model.n_heads, after.training.seed) == (5, 2, 7)
    assert before.model.n_heads == 4


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        RunConfig().model.n_layers = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("training.max_steps=200", 200),
        ("training.max_steps=2e2", 200),
        ("training.max_steps=none", None),
        ("training.learning_rate=3e-4", 3e-4),
        ("model.tie_embeddings=False", False),
        ("data.source=1984", "1984"),
        ("data.column=none", None),
        ("generation.prompt=a = b", "a = b"),
        ('generation.stop=["."]', (".",)),
        ("generation.stop=.", (".",)),
        ("generation.stop=1", ("1",)),
        ("generation.stop=none", ()),
    ],
)
def test_assignments_are_read_as_typed(assignment: str, value: object) -> None:
    group, name = assignment.partition("=")[0].split(".")
    config = RunConfig().with_assignments([assignment])
    assert getattr(getattr(config, group), name) == value


def test_every_choice_of_every_setting_can_be_assigned() -> None:
    config, assigned = RunConfig(), 0
    for setting in describe_settings():
        for choice in setting.choices or ():
            changed = config.with_assignments([f"{setting.key}={choice}"])
            assert getattr(getattr(changed, setting.group), setting.name) == choice
            assigned += choice == "none"
    assert assigned >= 2  # the words that could be taken for no value


@pytest.mark.parametrize("assignment", ["max_steps=3", "training.max_steps", "", "=", "train.x=1"])
def test_a_malformed_assignment_is_refused(assignment: str) -> None:
    with pytest.raises(InvalidSetting):
        RunConfig().with_assignments([assignment])


def test_a_hostile_key_neither_crashes_nor_takes_long() -> None:
    assert "There is no setting" in refused({"model": {"x" * 100_000: 1}}).message
    with pytest.raises(InvalidSetting):
        RunConfig().with_assignments(["training.max_steps=" + "[" * 100_000])


def test_every_setting_is_described_with_its_default_inside_limits_and_slider() -> None:
    described = list(describe_settings())
    assert len({setting.key for setting in described}) == len(described) > 40
    for setting in described:
        assert setting.label and setting.concept
        if setting.slider is not None:
            assert setting.slider.low < setting.slider.high
            low = setting.limits.get("ge", setting.limits.get("gt", float("-inf")))
            high = setting.limits.get("le", setting.limits.get("lt", float("inf")))
            assert low <= setting.slider.low and setting.slider.high <= high


def test_the_published_slider_ranges() -> None:
    sliders = {setting.name: setting.slider for setting in describe_settings()}
    published = {
        "n_layers": (1, 12),
        "n_heads": (1, 16),
        "n_embed": (64, 1024),
        "block_size": (32, 512),
        "dropout": (0, 0.5),
        "batch_size": (4, 128),
        "learning_rate": (1e-5, 1e-3),
        "num_epochs": (1, 100),
        "grad_accumulation_steps": (1, 16),
        "temperature": (0.1, 2),
        "top_p": (0, 1),
    }
    for name, ends in published.items():
        assert sliders[name] is not None and sliders[name][:2] == ends


def test_an_unknown_group_points_to_the_setting_meant() -> None:
    for assignment in ("tokenizer.kind=char", "training.tokenizer=char", "tokenizer=char"):
        with pytest.raises(InvalidSetting) as caught:
            RunConfig().with_assignments([assignment])
        assert "tokenizer" in caught.value.message
    with pytest.raises(InvalidSetting, match=r"data\.tokenizer"):
        RunConfig().with_assignments(["tokenizer.kind=char"])


def test_an_assignment_without_a_value_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="no value"):
        RunConfig().with_assignments(["training.max_steps="])


def test_strict_updates_take_json_as_it_is_meant() -> None:
    config = RunConfig()
    assert config.updated({"training": {"max_steps": 20.0}}, strict=True).training.max_steps == 20
    assert config.updated({"generation": {"stop": ["a"]}}, strict=True).generation.stop == ("a",)
    for changes, field in (
        ({"model": {"n_layers": "4"}}, "model.n_layers"),
        ({"model": {"residual": 1}}, "model.residual"),
        ({"training": {"learning_rate": float("nan")}}, "training.learning_rate"),
        ({"generation": {"prompt": "\ud800"}}, "generation.prompt"),
    ):
        with pytest.raises(InvalidSetting) as caught:
            config.updated(changes, strict=True)
        assert caught.value.field == field


def test_what_an_older_version_took_is_read_as_far_as_this_one_takes_it() -> None:
    """Prompts once had 100,000 characters, stop texts any number of them."""
    generation = {"prompt": "a" * 90_000 + "the end", "stop": ["b" * 500, "c"]}
    with pytest.raises(InvalidSetting):
        RunConfig.parse({"generation": generation})
    read = RunConfig.recorded({"name": "old", "generation": generation})
    assert read.generation.prompt == "a" * 3993 + "the end"
    assert read.generation.stop == ("b" * 100, "c") and read.name == "old"
    assert read == RunConfig.recorded(read.model_dump())  # what is within the limits stays
    for damaged in (3, {"prompt": 3}, {"stop": [3]}):
        with pytest.raises(InvalidSetting):
            RunConfig.recorded({"generation": damaged})
