"""Every recipe file: valid, explained, its parameter count the model's, its figures on record."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gtt.data.corpus import build_corpus
from gtt.errors import BadInput
from gtt.model.gpt import GPT
from gtt.recipes import LAST, RECIPES, load_recipe, load_recipes, recipe_names

MEASUREMENTS = Path(__file__).resolve().parent.parent / "docs" / "measurements.md"
NOT_MEASURED_YET = {"speedrun-gpu"}  # no GPU has been at hand; nothing else may join
OFFLINE_VOCABULARY = {"tinyshakespeare": 65}  # characters of the text, which tests do not download


def test_the_recipes_are_all_there() -> None:
    assert set(recipe_names()) >= {
        "quickstart",
        "beginner",
        "intermediate",
        "advanced",
        "speedrun",
        "speedrun-gpu",
    }
    assert {recipe.name for recipe in load_recipes() if recipe.measured is None} == NOT_MEASURED_YET


def test_a_recipe_says_where_it_stands_and_what_it_needs(tmp_path: Path) -> None:
    listed = load_recipes()
    assert [recipe.name for recipe in listed] == [
        *("quickstart", "beginner", "induction", "intermediate", "advanced", "speedrun"),
        "speedrun-gpu",
    ]
    orders = [recipe.order for recipe in listed]
    assert orders == sorted(set(orders)) and orders[-1] < LAST  # none leaves it open
    assert {recipe.name for recipe in listed if recipe.needs} == {"speedrun-gpu"}
    for number, words in enumerate(("order: 15\nneeds: gpu", "order: 5", "")):
        text = (RECIPES / "beginner.yaml").read_text(encoding="utf-8")
        assert "order: 20\n" in text
        (tmp_path / f"mine-{number}.yaml").write_text(text.replace("order: 20\n", f"{words}\n"))
    mine = load_recipes(tmp_path)  # the name says nothing
    assert [(one.name, one.order, one.needs) for one in mine] == [
        *(("mine-1", 5, None), ("mine-0", 15, "gpu"), ("mine-2", LAST, None)),
    ]


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_says_what_it_is_and_for_whom(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.config.name == name
    assert len(recipe.summary.split()) >= 15
    assert len(recipe.audience.split()) >= 4


@pytest.mark.parametrize("name", recipe_names())
def test_the_parameter_count_is_the_models(name: str, corpora: Path) -> None:
    recipe = load_recipe(name)
    data = recipe.config.data
    if data.source in OFFLINE_VOCABULARY and data.tokenizer == "char":
        vocab_size = OFFLINE_VOCABULARY[data.source]
    elif data.source in OFFLINE_VOCABULARY:
        vocab_size = data.vocab_size  # a megabyte of text yields every merge asked for
    else:
        vocab_size = build_corpus(data, corpora).vocab_size
    with torch.device("meta"):
        model = GPT(recipe.config.model, vocab_size)
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert recipe.config.model.parameter_count(vocab_size) == parameters
    if recipe.measured is not None:
        assert recipe.measured.parameters == parameters


@pytest.mark.parametrize("name", recipe_names())
def test_the_measured_figures_are_on_record(name: str) -> None:
    measured = load_recipe(name).measured
    if measured is None:
        assert name in NOT_MEASURED_YET
        return
    record = MEASUREMENTS.read_text(encoding="utf-8")
    row = next(line for line in record.splitlines() if line.startswith(f"| `{name}` |"))
    figures = [cell.strip().replace(",", "") for cell in row.split("|")]
    for figure in (
        f"{measured.parameters}",
        f"{measured.seconds:.0f}",
        f"{measured.tokens_per_second:.0f}",
        f"{measured.validation_loss:.4f}",
        measured.date.isoformat(),
        *([] if measured.task_score is None else [f"{measured.task_score:.1%}"]),
    ):
        assert figure in figures, (figure, row)


def test_a_minute_that_is_promised_in_words_is_one() -> None:
    recipe = load_recipe("quickstart")
    readme = (MEASUREMENTS.parent.parent / "README.md").read_text(encoding="utf-8")
    for text in (readme, recipe.summary):
        assert "about a minute" in " ".join(text.lower().split())
    assert recipe.measured is not None and 40 < recipe.measured.seconds < 80


@pytest.mark.parametrize(
    ("name", "shape", "batch", "rate"),
    [
        ("beginner", (2, 4, 128), 64, 3e-4),
        ("intermediate", (4, 8, 256), 32, 2e-4),
        ("advanced", (6, 6, 384), 16, 1e-4),
    ],
)
def test_the_published_three(name: str, shape: tuple[int, ...], batch: int, rate: float) -> None:
    config = load_recipe(name).config
    assert (config.model.n_layers, config.model.n_heads, config.model.n_embed) == shape
    assert (config.training.batch_size, config.training.learning_rate) == (batch, rate)
    assert (config.data.source, config.data.tokenizer) == ("tinyshakespeare", "char")


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (("summary:", "sumary:"), "did you mean 'summary'"),
        (("n_layers", "n_layer"), "did you mean 'n_layers'"),
        (("title:", "- title:"), "YAML"),
        (("seconds:", "secs:"), "seconds"),
        (("order: 20", "order: first"), "order"),
        (("order: 20", "order: 20\nneeds: tpu"), "needs: Input should be 'gpu'"),
        (("order: 20", "need: gpu"), "did you mean 'needs'"),
    ],
)
def test_a_misspelt_recipe_is_refused_with_its_name(
    change: tuple[str, str], hint: str, tmp_path: Path
) -> None:
    text = (RECIPES / "beginner.yaml").read_text(encoding="utf-8")
    assert change[0] in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(BadInput, match=hint) as caught:
        load_recipe(str(path))
    assert str(path) in caught.value.message


def test_unknown_recipes_name_the_nearest() -> None:
    with pytest.raises(BadInput, match="quickstart"):
        load_recipe("quickstrat")
    with pytest.raises(BadInput, match="cannot be read"):
        load_recipe("nowhere.yaml")
