"""The model card: written from the run, read by the Hub's library, deaf to what is typed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

from gtt.hub.card import check_card, write_card
from gtt.hub.card_facts import Story, gather
from gtt.hub.pictures import curve_picture, samples_picture
from gtt.hub.text_origin import origin_of
from gtt.interpret.glyphs import FIRST, families_for
from gtt.markdown import fenced
from gtt.recipes import load_recipe
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.run_view import Sample

NASTY = "a: [b] # *c* <script>alert(1)</script> `d` --- \"e\" 'f' | {{g}} ![h](http://i)"


@pytest.fixture(scope="module")
def story(trained: tuple[Home, Path]) -> Story:
    home, folder = trained
    return gather(folder, RunFolder(folder).checkpoints.best(), home.corpora)


def test_every_figure_is_one_of_the_journal(trained: tuple[Home, Path], story: Story) -> None:
    records = list(RunFolder(trained[1]).records())
    measured = [one for one in records if one["type"] == "Evaluated" and one["step"] == story.step]
    started = next(one for one in records if one["type"] == "RunStarted")
    text = write_card(story, "anna/tiny")
    assert f"**{measured[-1]['validation_loss']:.4f}**" in text
    for value in started["baselines"].values():
        assert value is None or f"{value:.4f}" in text
    assert f"{started['train_tokens']:,} tokens for training" in text
    assert "estimate and was not measured" in text
    results = {one.metric_type: one.metric_value for one in ModelCard(text).data.eval_results or []}
    assert results["loss"] == pytest.approx(measured[-1]["validation_loss"], abs=1e-6)
    assert results["bits_per_byte"] == pytest.approx(measured[-1]["bits_per_byte"], abs=1e-6)


def test_what_is_not_known_is_not_said(story: Story) -> None:
    bare = dataclasses.replace(
        story,
        validation_loss=None,
        perplexity=None,
        bits_per_byte=None,
        baselines={},
        seconds=None,
        samples=(),
        curve=(),
        copies=None,
        parameters=None,
        train_tokens=None,
        total_steps=None,
        precision=None,
        versions={},
    )
    text = write_card(bare, "anna/tiny")
    check_card(text)
    data = ModelCard(text).data
    assert data.license is None and data.language is None and data.eval_results is None
    assert "not known to GTT" in text and "Not looked at" in text
    for absent in ("None", "nan", "Wh", "## How good", "curve.png", "samples.png"):
        assert absent not in text, absent


def test_names_and_texts_mean_nothing_but_themselves(story: Story) -> None:
    written = Sample(
        5, NASTY, f"```\n# heading\n~~~\n{NASTY}\n````\n<img src=x onerror=alert(1)>\x00"
    )
    nasty = dataclasses.replace(
        story, name=NASTY, origin=origin_of("upload:abcdefgh", NASTY), samples=(written,)
    )
    text = write_card(nasty, "anna/tiny")
    check_card(text)
    head, _, body = text.removeprefix("---\n").partition("\n---\n")
    assert yaml.safe_load(head)["model-index"][0]["name"] == NASTY
    outside, inside, fence = [], [], ""
    for line in body.splitlines():
        if not fence and line.startswith("```"):
            fence = line[: len(line) - len(line.lstrip("`"))]
        elif fence and line == fence:
            fence = ""
        else:
            (inside if fence else outside).append(line)
    assert not fence, "every block ends"
    assert any("<img" in line for line in inside), "what the model wrote stands in a block, whole"
    prose = "\n".join(line for line in outside if "prompt" not in line)
    assert "<script" not in prose and "<img" not in prose and "![h]" not in prose
    assert "\x00" not in text
    assert samples_picture((written,)).png, "mathematics and markup are letters in the picture too"


def test_a_fence_is_longer_than_what_it_holds() -> None:
    assert fenced("a\n`````\nb").startswith("``````text\n")
    assert fenced("plain") == "```text\nplain\n```"


@pytest.mark.parametrize(
    ("source", "licence", "language", "dataset", "shown"),
    [
        ("tales", "mit", "en", None, "tales"),
        ("python", "other", "code", None, "python"),
        ("wikitext-2", "cc-by-sa-3.0", "en", "Salesforce/wikitext", "wikitext-2"),
        ("anna/poems:all:train:text", None, None, "anna/poems", "anna/poems:all:train:text"),
        ("/home/anna/secret/diary.txt", None, None, None, "diary.txt"),
        ("upload:0123456789", None, None, None, "text.txt"),
    ],
)
def test_where_a_text_comes_from(
    source: str, licence: str | None, language: str | None, dataset: str | None, shown: str
) -> None:
    origin = origin_of(source, "diary")
    assert (origin.licence_id, origin.language, origin.dataset) == (licence, language, dataset)
    assert origin.source == shown


def test_the_settings_train_such_a_model_again(story: Story, tmp_path: Path) -> None:
    text = write_card(story, "anna/tiny")
    block = text.rpartition("```yaml\n")[2].rpartition("\n```")[0]
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(block, encoding="utf-8")
    config = load_recipe(str(recipe)).config
    assert config.model == story.config.model and config.training == story.config.training


@pytest.mark.parametrize("dataset", ["mlfoundations/dclm-baseline-1.0", "anna/notes.v2"])
def test_a_data_set_with_a_point_in_its_name_is_one(story: Story, dataset: str) -> None:
    text = write_card(dataclasses.replace(story, origin=origin_of(dataset, "x")), "anna/tiny")
    assert ModelCard(text).data.datasets == [dataset]
    assert "not part of this repository" not in text
    assert origin_of("notes", "x").dataset is None, "no data set is made up of a word"


NOWHERE = "\U0001f9ff\U00016a38 of letters that hardly a font has"


@pytest.mark.filterwarnings("error")
def test_letters_that_no_font_has_stand_as_text(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never as empty boxes, and the fonts are asked quietly."""
    plain = Sample(1, "a", " café Привет γειά")
    strange = [Sample(step, "b", f" {NOWHERE}") for step in (2, 3)]
    told = dataclasses.replace(story, samples=(plain, *strange), name=NOWHERE)
    drawn = samples_picture(told.samples)
    assert drawn.png is not None and drawn.left_out == tuple(strange)
    assert curve_picture(told)
    text = write_card(told, "anna/tiny", drawn.left_out, has_picture=True)
    assert "samples.png" in text and text.count(NOWHERE) > 2
    assert "At step 2:" in text and "stands as text and in no picture" in text
    nothing = samples_picture(tuple(strange))
    assert nothing.png is None and nothing.left_out == tuple(strange)
    assert "samples.png" not in write_card(told, "anna/tiny", strange, has_picture=False)
    assert "no picture" not in write_card(story, "anna/tiny")


def test_another_font_of_the_machine_helps_where_the_first_lacks_a_letter() -> None:
    """Of what matplotlib brings: a sign that DejaVu Sans has and its fixed-width sister has not."""
    lacking = next(
        chr(c) for c in range(0x2C60, 0x1F700) if families_for(chr(c)) not in (None, [FIRST])
    )
    families = families_for(f"a{lacking}")
    assert families is not None and families[0] == FIRST and len(families) == 2
    assert samples_picture((Sample(1, "a", lacking * 30),)).left_out == ()
