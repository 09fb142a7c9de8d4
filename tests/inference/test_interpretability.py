"""Looks into a checkpoint as the process for models answers them: bounds, texts, packing, gaps."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gtt.config import RunConfig
from gtt.data.corpus import parts_of
from gtt.errors import BadInput, UnusableRun
from gtt.inference.loaded import LoadedCheckpoints
from gtt.inference.model_jobs import work_on
from gtt.inference.questions import (
    AblationJob,
    AttentionJob,
    CopiesJob,
    DrawingJob,
    FollowJob,
    GenerateJob,
    HabitsJob,
    Job,
    LensJob,
    NextTokenJob,
    ReadingJob,
)
from gtt.interpret.attention import attention_maps
from gtt.model.export import load_model
from gtt.runs.execute import start_run
from gtt.runs.home import Home

TEXT = "One day the wise girl"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def checkpoint(tiny_config: RunConfig, home: Home) -> str:
    changes = {
        "data": {"tokenizer": "bpe", "vocab_size": 300},
        "training": {"max_steps": 3, "checkpoint_every": 3, "eval_every": 3},
    }
    _, end = start_run(tiny_config.updated(changes), home, folder := home.new_run("tiny"))
    assert end.reason == "completed"
    return str(folder / "checkpoints" / "step-00000003")


def answer(job: Job) -> dict[str, Any]:
    work = work_on(job, LoadedCheckpoints(2**30))
    while True:
        try:
            next(work)
        except StopIteration as end:
            assert json.loads(json.dumps(end.value, allow_nan=False)) is not None
            result: dict[str, Any] = end.value
            return result


def test_packed_attention_is_the_attention(checkpoint: str) -> None:
    plain = answer(AttentionJob(checkpoint, TEXT, scores=True))
    packed = answer(AttentionJob(checkpoint, TEXT, packed=True))
    T = len(plain["tokens"])
    rows, columns = np.tril_indices(T)
    numbers = np.frombuffer(base64.b64decode(packed["packed"]), "<u2").reshape(2, 2, -1)
    expected = np.array(plain["weights"])[:, :, rows, columns]
    assert np.abs(numbers / 65535 - expected).max() < 1e-4
    assert packed["weights"] is None and plain["packed"] is None
    scores = plain["scores"][1][0]
    assert all(
        (score is None) == (key > query)
        for query, row in enumerate(scores)
        for key, score in enumerate(row)
    )
    model, _ = load_model(Path(checkpoint))
    maps = attention_maps(model, plain["ids"], [1])
    assert scores[T - 1] == pytest.approx(maps.scores[0, 0, -1].tolist(), rel=1e-4)


def test_one_head_of_one_layer_is_that_one(checkpoint: str) -> None:
    whole = answer(AttentionJob(checkpoint, TEXT))
    one = answer(AttentionJob(checkpoint, TEXT, layers=[1], heads=[0]))
    assert one["weights"] == [[whole["weights"][1][0]]]
    for wrong in ({"layers": [2]}, {"heads": [2]}, {"heads": [-1]}):
        with pytest.raises(BadInput, match="There is no"):
            answer(AttentionJob(checkpoint, TEXT, **wrong))


def test_habits_are_measured_on_the_validation_part(checkpoint: str, home: Home) -> None:
    told = answer(HabitsJob(checkpoint, str(home.corpora)))
    assert told["measured_on"] == "validation"
    assert [len(layer) for layer in told["heads"]] == [2, 2]
    assert told["period"] == 8
    for head in (*told["heads"][0], *told["heads"][1]):
        for place in ("previous_token", "first_token", "current_token", "induction"):
            assert 0 <= head[place] <= 1
        assert head["name"] in (None, "even")  # after three steps nothing has formed
        assert "fed_by" not in head  # nor is there any induction to be fed
    without = answer(HabitsJob(checkpoint, str(home.path / "nowhere")))
    assert without["measured_on"] == "random"


def test_no_head_switched_off_changes_nothing(checkpoint: str, home: Home) -> None:
    told = answer(AblationJob(checkpoint, TEXT, [], str(home.corpora)))
    assert told["loss"] == told["loss_without"]
    assert told["validation"] == told["validation_without"]
    assert told["windows"] == 16
    assert all(one["odds"] == one["odds_without"] for one in told["next"])
    off = answer(AblationJob(checkpoint, TEXT, [(0, 0), (1, 1)], str(home.corpora)))
    assert off["loss"] == told["loss"] != off["loss_without"]
    assert off["validation"] == told["validation"] != off["validation_without"]
    without_text = answer(AblationJob(checkpoint, "a", [(0, 0)], str(home.path / "nowhere")))
    assert (without_text["loss"], without_text["validation"]) == (None, None)


def test_a_reading_shows_each_token_and_the_means(checkpoint: str) -> None:
    told = answer(ReadingJob(checkpoint, text=TEXT, alternatives=3))
    assert "".join(one["text"] for one in told["tokens"]) == TEXT
    first, *rest = told["tokens"]
    assert first["odds"] is None and first["alternatives"] == []
    surprises = [one["surprise"] for one in rest]
    assert told["loss"] == pytest.approx(np.mean(surprises))
    assert told["perplexity"] == pytest.approx(np.exp(told["loss"]))
    size = len(TEXT.encode()) - len(first["text"].encode())
    assert told["bits_per_byte"] == pytest.approx(sum(surprises) / np.log(2) / size)
    assert all(len(one["alternatives"]) == 3 for one in rest)
    ids = [one["id"] for one in told["tokens"]]
    assert answer(ReadingJob(checkpoint, ids=ids, alternatives=3)) == told
    alone = answer(ReadingJob(checkpoint, text="O"))
    assert (alone["loss"], alone["perplexity"], alone["bits_per_byte"]) == (None, None, None)


def test_parts_of_characters_are_shown_as_bytes(checkpoint: str) -> None:
    told = answer(ReadingJob(checkpoint, text="a€<b>\n "))
    assert "\\xe2" in [one["text"] for one in told["tokens"]]
    assert "\n" in [one["text"] for one in told["tokens"]][-2]


def test_the_last_layer_of_the_lens_is_the_next_token(checkpoint: str) -> None:
    told = answer(LensJob(checkpoint, TEXT, positions=4, count=3))
    assert [layer["name"] for layer in told["layers"]] == [
        "embed",
        "h.0.resid_post",
        "h.1.resid_post",
    ]
    assert len(told["places"]) == 4
    odds = answer(NextTokenJob(checkpoint, text=TEXT, count=3))["tokens"]
    last = told["layers"][-1]
    assert [one["id"] for one in last["likeliest"][-1]] == [one["id"] for one in odds]
    assert last["likeliest"][-1][0]["odds"] == pytest.approx(odds[0]["odds"], rel=1e-4)
    assert last["final_rank"] == [1] * 4
    assert last["final_odds"][-1] == last["likeliest"][-1][0]["odds"]


def test_all_logits_come_packed_and_give_the_same_odds(checkpoint: str) -> None:
    settings = {"temperature": 0.7, "top_k": 20, "top_p": 0.8, "repetition_penalty": 1.4}
    told = answer(NextTokenJob(checkpoint, text=TEXT, count=200, packed=True, **settings))
    logits = torch.from_numpy(np.frombuffer(base64.b64decode(told["logits"]), "<f4").copy())
    assert len(logits) == 300
    odds = logits.softmax(-1)
    for one in told["tokens"]:
        assert one["odds"] == pytest.approx(float(odds[one["id"]]), rel=1e-5)
    assert sum(one["kept_odds"] for one in told["tokens"]) == pytest.approx(1, abs=1e-5)
    again = answer(NextTokenJob(checkpoint, ids=told["ids"], count=200, **settings))
    assert again["tokens"] == told["tokens"]


def test_a_token_is_followed_from_the_end_too(checkpoint: str) -> None:
    told = answer(FollowJob(checkpoint, TEXT, layer=1))
    assert told["place"] == len(told["tokens"]) - 1
    assert answer(FollowJob(checkpoint, TEXT, place=told["place"], layer=1)) == told
    scores = next(step for step in told["steps"] if step["name"] == "h.1.attn.scores.before")
    assert len(scores["rows"]) == 2 and len(scores["rows"][0]) == len(told["tokens"])
    early = answer(FollowJob(checkpoint, TEXT, place=0, layer=1))
    masked = next(step for step in early["steps"] if step["name"] == "h.1.attn.scores")
    assert masked["rows"][0][1:] == [None] * (len(told["tokens"]) - 1)
    for wrong in ({"place": 99}, {"layer": 2}):
        with pytest.raises(BadInput, match="There is no"):
            answer(FollowJob(checkpoint, TEXT, **wrong))


def test_a_passage_of_the_training_part_is_recognised(checkpoint: str, home: Home) -> None:
    about = json.loads((Path(checkpoint) / "gtt.json").read_text())
    parts = parts_of(home.corpora, about["fingerprint"])
    assert parts is not None
    from gtt.data.tokenizers import Tokenizer

    tokenizer = Tokenizer.load(Path(checkpoint))
    words = tokenizer.decode(parts[0][:2000]).split()[50:70]
    told = answer(CopiesJob(checkpoint, "Quite new: " + " ".join(words), str(home.corpora)))
    assert told["runs"][0]["words"] >= 20
    assert told["novel"] < 0.5
    assert 0 <= told["novel_in_validation"] <= 1
    assert told["whole"] and told["training_words"] > 2000
    with pytest.raises(UnusableRun, match="no longer kept"):
        answer(CopiesJob(checkpoint, "a text", str(home.path / "nowhere")))


def test_text_goes_on_from_tokens_exactly(checkpoint: str) -> None:
    settings = {"max_new_tokens": 12, "seed": 3, "temperature": 1.0}
    whole = answer(GenerateJob(checkpoint, {"prompt": TEXT, **settings, "temperature": 0}))
    prompt = whole["ids"][:-6]
    rest = answer(
        GenerateJob(checkpoint, {**settings, "temperature": 0, "max_new_tokens": 6}, prompt)
    )
    assert rest["ids"] == whole["ids"]
    assert whole["prompt"] == TEXT
    for wrong in ([], [300], [-1]):
        with pytest.raises(BadInput, match="token numbers"):
            answer(GenerateJob(checkpoint, settings, wrong))


def test_a_drawing_is_plain_values(tiny_config: RunConfig) -> None:
    told = answer(DrawingJob(tiny_config.model.model_dump(mode="json"), 50, 4, 16))
    assert {"nodes", "edges", "missing", "missing_edges", "source"} == set(told)
    lines = {line for node in told["nodes"] for line in (*node["lines"], *node["open_lines"])}
    assert lines == {one["line"] for one in told["source"]}


@pytest.mark.parametrize(
    "job",
    [
        lambda folder: AttentionJob(folder, ""),
        lambda folder: AblationJob(folder, "", [], "nowhere"),
        lambda folder: ReadingJob(folder, text=""),
        lambda folder: LensJob(folder, ""),
        lambda folder: FollowJob(folder, ""),
        lambda folder: NextTokenJob(folder, text=""),
    ],
)
def test_an_empty_text_is_refused(job: Any, checkpoint: str) -> None:
    with pytest.raises(BadInput, match="empty"):
        answer(job(checkpoint))


def test_a_deleted_checkpoint_is_said_to_be_gone(checkpoint: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    shutil.copytree(checkpoint, gone)
    assert answer(LensJob(str(gone), TEXT))["layers"]
    shutil.rmtree(gone)
    with pytest.raises(UnusableRun, match="no longer there"):
        answer(LensJob(str(gone), TEXT))
