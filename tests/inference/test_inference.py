"""The process for models: right answers, turns for all, and an end to everything."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from waiting import until

from gtt.config import GenerationConfig, RunConfig
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput, GTTError, UnusableRun
from gtt.inference import client, lanes
from gtt.inference.bounds import ATTENTION_WEIGHTS
from gtt.inference.client import Busy, Inference, Result
from gtt.inference.loaded import LoadedCheckpoints
from gtt.inference.model_jobs import generate, work_on
from gtt.inference.process import Turns, describe
from gtt.inference.questions import AttentionJob, GenerateJob, NextTokenJob, TokenizeJob
from gtt.model.export import load_model
from gtt.model.sampling import evaluating, generate_text, next_token_odds
from gtt.runs.execute import start_run
from gtt.runs.home import Home

ROOT = Path(__file__).resolve().parents[2]
ENDLESS = 1_000_000  # tokens: no test waits for them


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


def trained(config: RunConfig, home: Home, **data: Any) -> str:
    changes = {"data": data, "training": {"max_steps": 3, "checkpoint_every": 3, "eval_every": 3}}
    _, end = start_run(config.updated(changes), home, folder := home.new_run("tiny"))
    assert end.reason == "completed"
    return str(folder / "checkpoints" / "step-00000003")


@pytest.fixture(scope="module")
def checkpoint(tiny_config: RunConfig, home: Home) -> str:
    return trained(tiny_config, home)


@pytest.fixture(scope="module")
def bpe_checkpoint(tiny_config: RunConfig, home: Home) -> str:
    return trained(tiny_config, home, tokenizer="bpe", vocab_size=300)


@pytest.fixture(scope="module")
def inference() -> Iterator[Inference]:
    yield from closing(Inference())


def closing(inference: Inference) -> Iterator[Inference]:
    try:
        yield inference
    finally:
        pid = inference.pid
        inference.close()
        assert pid is None or not psutil.pid_exists(pid)
        assert not inference.stats()["alive"]


@pytest.fixture
def make() -> Iterator[Callable[..., Inference]]:
    """Makes processes of one's own and ends them."""
    made: list[Inference] = []

    def one(**options: Any) -> Inference:
        made.append(Inference(**options))
        return made[-1]

    yield one
    for inference in made:
        for _ in closing(inference):
            pass


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 120))


def ask(inference: Inference, job: client.Job) -> Result:
    result: Result = run(inference.ask(job))
    return result


def endless(checkpoint: str) -> GenerateJob:
    return GenerateJob(checkpoint, {"prompt": "One", "max_new_tokens": ENDLESS, "seed": 1})


def copied(checkpoint: str, folder: Path) -> str:
    shutil.copytree(checkpoint, folder)
    return str(folder)


def with_weights(checkpoint: str, folder: Path, value: float) -> str:
    place = copied(checkpoint, folder)
    path = Path(place) / "model.safetensors"
    save_file({name: torch.full_like(w, value) for name, w in load_file(path).items()}, path)
    return place


# ----------------------------------------------------------------------------- what jobs answer


def test_text_is_that_of_generate_text(inference: Inference, checkpoint: str) -> None:
    settings = {"prompt": "One day ", "max_new_tokens": 60, "temperature": 0.9, "seed": 5}

    async def pieces() -> list[Result]:
        return [piece async for piece in inference.stream(GenerateJob(checkpoint, settings))]

    *texts, last = run(pieces())
    model, _ = load_model(Path(checkpoint))
    tokenizer = Tokenizer.load(Path(checkpoint))
    expected = "".join(generate_text(model, tokenizer, GenerationConfig.model_validate(settings)))
    assert last["done"] is True
    assert last["text"] == expected == "".join(piece["text"] for piece in texts)
    assert (last["tokens"], last["seed"], len(expected)) == (60, 5, 60)
    assert last["tokens_per_second"] == pytest.approx(60 / last["seconds"])


def test_a_seed_that_was_drawn_repeats_the_text(inference: Inference, checkpoint: str) -> None:
    settings = {"prompt": "One", "max_new_tokens": 40}
    first = ask(inference, GenerateJob(checkpoint, settings))
    again = ask(inference, GenerateJob(checkpoint, {**settings, "seed": first["seed"]}))
    other = ask(inference, GenerateJob(checkpoint, settings))
    assert again["text"] == first["text"] != other["text"]


def test_the_ids_of_a_stopped_text_are_those_that_it_shows(
    inference: Inference, checkpoint: str
) -> None:
    settings = {"prompt": "One", "max_new_tokens": 40, "seed": 5}
    whole = ask(inference, GenerateJob(checkpoint, settings))["text"]
    stop = whole[10:13]
    cut = ask(inference, GenerateJob(checkpoint, {**settings, "stop": [stop]}))
    tokenizer = Tokenizer.load(Path(checkpoint))
    assert tokenizer.decode(cut["ids"]) == "One" + cut["text"] == "One" + whole.split(stop)[0]


@pytest.mark.parametrize("kind", ["char", "bpe"])
@pytest.mark.parametrize("stop", [(), ("e",), ("qzx", "e t", "\n", "")])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_turns_of_one_token_give_the_text_of_generate_text(
    checkpoint: str, bpe_checkpoint: str, kind: str, stop: tuple[str, ...], seed: int
) -> None:
    """Also with bytes that are no whole character, of which an untrained BPE model writes many."""
    folder = checkpoint if kind == "char" else bpe_checkpoint
    settings = {"prompt": "a", "max_new_tokens": 50, "temperature": 1.5, "seed": seed, "stop": stop}
    loaded = LoadedCheckpoints(10**9).get(folder)
    config = GenerationConfig.model_validate(settings)
    expected = "".join(generate_text(loaded.model, loaded.tokenizer, config))
    turns = generate(GenerateJob(folder, settings), loaded)
    pieces: list[str] = []
    try:
        while True:
            pieces.append(next(turns))
    except StopIteration as end:
        result = end.value
    assert result["text"] == "".join(pieces) == expected
    assert result["tokens"] == len(pieces) - 1  # the last piece is what was held back
    assert result["tokens"] == 50 or any(stop)


def test_without_a_prompt_it_begins_with_what_the_tokenizer_knows(
    inference: Inference, tiny_config: RunConfig, home: Home, tmp_path: Path
) -> None:
    text = tmp_path / "no-newline.txt"
    text.write_text("abcd efgh " * 500)
    folder = trained(tiny_config, home, source=str(text))
    assert ask(inference, GenerateJob(folder, {"max_new_tokens": 5}))["tokens"] == 5


def test_next_token(inference: Inference, checkpoint: str) -> None:
    text = "One day the king went out"
    job = NextTokenJob(checkpoint, text, temperature=0.7, top_k=5, top_p=0.9, count=7)
    answer = ask(inference, job)
    model, _ = load_model(Path(checkpoint))
    tokenizer = Tokenizer.load(Path(checkpoint))
    ids = tokenizer.encode(text)
    with torch.no_grad(), evaluating(model):
        logits = model(torch.tensor([ids[-16:]]))[0, -1]
    odds, kept = logits.softmax(-1), next_token_odds(logits, 0.7, 5, 0.9)
    assert (answer["context_tokens"], answer["cut"]) == (16, len(ids) - 16)
    assert len(answer["tokens"]) == 7
    for token, likely in zip(answer["tokens"], odds.sort(descending=True).values.tolist()):
        assert token["odds"] == pytest.approx(likely)
        assert token["odds"] == pytest.approx(float(odds[token["id"]]))
        assert token["kept_odds"] == pytest.approx(float(kept[token["id"]]))
        assert token["text"] == tokenizer.decode([token["id"]])
    assert answer["tokens"][6]["kept_odds"] == 0
    assert answer["entropy"] == pytest.approx(float(-(odds * odds.log()).sum()), rel=1e-5)


@pytest.mark.parametrize("layers", [None, [1], [1, 0], []])
def test_attention(inference: Inference, checkpoint: str, layers: list[int] | None) -> None:
    text = "the king went out"  # one token more than a block
    answer = ask(inference, AttentionJob(checkpoint, text, layers))
    model, _ = load_model(Path(checkpoint))
    tokenizer = Tokenizer.load(Path(checkpoint))
    seen: dict[str, Tensor] = {}

    def observe(name: str, activation: Tensor) -> Tensor:
        seen[name] = activation
        return activation

    with torch.no_grad():
        model(torch.tensor([tokenizer.encode(text)[-16:]]), probe=observe)
    asked = [0, 1] if layers is None else layers
    assert (answer["layers"], answer["heads"], answer["cut"]) == (asked, [0, 1], 1)
    assert answer["tokens"] == list("he king went out")
    assert tokenizer.decode(answer["ids"]) == "he king went out"
    assert len(answer["weights"]) == len(asked)
    for layer, weights in zip(asked, answer["weights"]):
        given = torch.tensor(weights)
        torch.testing.assert_close(given, seen[f"h.{layer}.attn.weights"][0], atol=6e-5, rtol=0)
        torch.testing.assert_close(given.sum(-1), torch.ones(2, 16), atol=16 * 6e-5, rtol=0)
        assert all(weight == round(weight, 4) for row in weights[0] for weight in row)


def test_attention_of_many_heads_is_cut_to_a_bearable_answer(
    inference: Inference, checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ATTENTION_WEIGHTS >= 8 * 256 * 256  # eight heads come whole
    monkeypatch.setattr("gtt.inference.bounds.ATTENTION_WEIGHTS", 4 * 9 * 9 + 1)
    work = work_on(AttentionJob(checkpoint, "the king went"), LoadedCheckpoints(0))
    with pytest.raises(StopIteration) as end:
        next(work)
    assert (len(end.value.value["ids"]), end.value.value["cut"]) == (9, 4)


def test_tokenize_with_the_tokenizer_of_a_checkpoint(inference: Inference, checkpoint: str) -> None:
    answer = ask(inference, TokenizeJob("the\u2603 king\ud800", checkpoint=checkpoint))
    tokenizer = Tokenizer.load(Path(checkpoint))
    assert [token["text"] for token in answer["tokens"]] == list("the king")
    assert [token["id"] for token in answer["tokens"]] == tokenizer.encode("the king")
    assert answer["unknown"] == ["\u2603", "\ud800"]
    assert (answer["count"], answer["characters"]) == (8, 10)
    assert answer["vocab_size"] == tokenizer.vocab_size
    assert answer["characters_per_token"] == 1


def test_tokenize_with_a_tokenizer_of_its_own(inference: Inference) -> None:
    char = ask(inference, TokenizeJob("to be or not to be", "char"))
    assert (char["count"], char["vocab_size"], char["unknown"]) == (18, 7, [])
    bpe = ask(inference, TokenizeJob("to be or not to be \u20ac", "bpe", 300))
    assert bpe["count"] < 18 and 256 < bpe["vocab_size"] <= 300
    assert bpe["characters_per_token"] == pytest.approx(20 / bpe["count"])
    assert [token["text"] for token in bpe["tokens"]][-3:] == ["\\xe2", "\\x82", "\\xac"]
    assert ask(inference, TokenizeJob("ab\udcff", "bpe"))["unknown"] == ["\udcff"]


# ------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "the \u2603"}, "prompt"),
        ({"prompt": "the \ud800"}, "prompt"),
        ({"prompt": "a", "temperature": -1}, "temperature"),
        ({"prompt": "a", "top_p": float("nan")}, "top_p"),
        ({"prompt": "a", "stop": ["x" * 1001]}, "stop"),
        ({"prompts": "a"}, "prompts"),
    ],
)
def test_settings_that_cannot_be_used_name_the_field(
    inference: Inference, checkpoint: str, settings: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadInput) as error:
        ask(inference, GenerateJob(checkpoint, settings))
    assert error.value.field == field
    assert error.value.message.endswith((".", "?"))


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        (NextTokenJob, {"text": ""}, "text"),
        (NextTokenJob, {"text": "\u2603"}, "text"),
        (AttentionJob, {"text": "a", "layers": [2]}, "layers"),
        (AttentionJob, {"text": "a", "layers": [-1]}, "layers"),
    ],
)
def test_texts_and_layers_that_cannot_be_used_name_the_field(
    inference: Inference, checkpoint: str, kind: Any, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadInput) as error:
        ask(inference, kind(checkpoint, **values))
    assert error.value.field == field


@pytest.mark.parametrize("text", ["", "\ud800"])
def test_a_text_without_a_character_has_no_tokenizer(inference: Inference, text: str) -> None:
    with pytest.raises(BadInput) as error:
        ask(inference, TokenizeJob(text, "char"))
    assert error.value.field == "text"


def jobs_with(checkpoint: str) -> list[client.Job]:
    return [
        GenerateJob(checkpoint, {"prompt": "a"}),
        NextTokenJob(checkpoint, "a"),
        AttentionJob(checkpoint, "a"),
        TokenizeJob("a", checkpoint=checkpoint),
    ]


def test_a_checkpoint_that_vanished_or_is_damaged_is_told_without_its_path(
    inference: Inference, checkpoint: str, tmp_path: Path
) -> None:
    gone = copied(checkpoint, tmp_path / "gone")
    ask(inference, NextTokenJob(gone, "a"))  # now it is in memory
    shutil.rmtree(gone)
    for job in jobs_with(gone):
        with pytest.raises(UnusableRun, match="no longer there"):
            ask(inference, job)
    damaged = copied(checkpoint, tmp_path / "damaged")
    for name in ("model.safetensors", "tokenizer.json"):
        (Path(damaged) / name).write_bytes(b"\x08\0\0\0\0\0\0\0nonsense")
    for job in jobs_with(damaged):
        with pytest.raises(UnusableRun) as error:
            ask(inference, job)
        assert str(tmp_path) not in error.value.message


def test_a_diverged_model_is_said_to_be_one(
    inference: Inference, checkpoint: str, tmp_path: Path
) -> None:
    diverged = with_weights(checkpoint, tmp_path / "diverged", float("nan"))
    for job in jobs_with(diverged)[:3]:
        with pytest.raises(UnusableRun, match="not numbers"):
            ask(inference, job)


def test_a_pickle_in_the_folder_is_never_opened(
    inference: Inference, checkpoint: str, tmp_path: Path
) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "executed",))

    folder = Path(copied(checkpoint, tmp_path / "evil"))
    torch.save(Evil(), folder / "pytorch_model.bin")
    code = f"from pathlib import Path; Path({str(tmp_path / 'executed')!r}).touch()"
    for name in ("gpt.py", "modeling_gtt.py"):
        (folder / name).write_text(code)
    ask(inference, NextTokenJob(str(folder), "a"))
    shutil.copy(folder / "pytorch_model.bin", folder / "model.safetensors")
    with pytest.raises(UnusableRun):
        ask(inference, NextTokenJob(str(folder), "a"))
    assert not (tmp_path / "executed").exists()


def test_a_fault_of_ours_is_told_without_its_details(capfd: pytest.CaptureFixture[str]) -> None:
    told = describe(RuntimeError("in /home/someone/secret"))
    assert told["kind"] == GTTError.__name__ and "secret" not in told["message"]
    assert "secret" in capfd.readouterr().err
    assert describe(MemoryError())["kind"] == Busy.__name__


# ------------------------------------------------------------------------------ the loaded ones


def test_the_least_recently_used_checkpoint_goes_first(checkpoint: str, tmp_path: Path) -> None:
    a, b, c = (copied(checkpoint, tmp_path / name) for name in "abc")
    size = LoadedCheckpoints(10**9).get(a).bytes
    weights = load_file(Path(a) / "model.safetensors")
    assert size == sum(weight.numel() * 4 for weight in weights.values())
    cache = LoadedCheckpoints(2 * size + size // 2)
    first, second = cache.get(a), cache.get(b)
    assert cache.get(a) is first
    cache.get(c)
    assert cache.stats() == {"checkpoints": 2, "checkpoint_bytes": 2 * size}
    assert cache.get(a) is first
    assert cache.get(b) is not second
    cache.clear()
    assert cache.stats() == {"checkpoints": 0, "checkpoint_bytes": 0}


def test_a_checkpoint_larger_than_the_cache_is_not_kept(checkpoint: str) -> None:
    cache = LoadedCheckpoints(100)
    assert cache.get(checkpoint) is not cache.get(checkpoint)
    assert cache.stats()["checkpoints"] == 0


def test_a_checkpoint_that_was_written_anew_is_read_anew(checkpoint: str, tmp_path: Path) -> None:
    folder = copied(checkpoint, tmp_path / "one")
    cache = LoadedCheckpoints(10**9)
    before = cache.get(folder)
    shutil.rmtree(folder)
    with_weights(checkpoint, Path(folder), 0.0)
    after = cache.get(folder)
    assert after is not before and cache.get(folder) is after
    assert not any(bool(weight.any()) for weight in after.model.parameters())
    assert cache.stats()["checkpoints"] == 1


def test_what_is_loaded_is_told_and_let_go_when_idle(
    make: Callable[..., Inference], checkpoint: str
) -> None:
    inference = make(idle_seconds=3.0)
    assert inference.stats() == {
        "alive": False,
        "rss": 0,
        "active": 0,
        "waiting": 0,
        "checkpoints": 0,
        "checkpoint_bytes": 0,
    }
    ask(inference, NextTokenJob(checkpoint, "a"))
    until(lambda: inference.stats()["checkpoints"] == 1)
    stats = inference.stats()
    assert stats["alive"] and stats["rss"] > 10**7 and stats["checkpoint_bytes"] > 0
    until(lambda: inference.stats()["checkpoints"] == 0)
    assert inference.stats()["alive"]


# ---------------------------------------------------------------------------------- taking turns


def test_a_short_job_ends_while_a_long_one_goes_on(inference: Inference, checkpoint: str) -> None:
    async def both() -> None:
        long = inference.stream(endless(checkpoint))
        assert not (await anext_of(long)).get("done")
        for _ in range(3):
            assert (await inference.ask(NextTokenJob(checkpoint, "a")))["tokens"]
        short = await inference.ask(GenerateJob(checkpoint, {"prompt": "a", "max_new_tokens": 20}))
        assert short["tokens"] == 20
        assert inference.stats()["active"] == 1
        assert not (await anext_of(long)).get("done")
        await long.aclose()
        assert inference.stats()["active"] == 0

    run(both())


async def anext_of(stream: Any) -> Result:
    piece: Result = await stream.__anext__()
    return piece


def test_turns_go_round_and_a_cancelled_job_gets_none(checkpoint: str) -> None:
    checkpoints = LoadedCheckpoints(10**9)
    sent: list[dict[str, Any]] = []
    now = iter(range(10**6))  # a clock that goes on by a second at each look
    turns = Turns(lambda job: work_on(job, checkpoints), sent.append, lambda: next(now))
    job = {"checkpoint": checkpoint, "settings": {"prompt": "a", "max_new_tokens": 50, "seed": 1}}
    for id in (1, 2, 3):
        turns.take({"id": id, "kind": "GenerateJob", "job": job, "seconds": 10_000})
    for _ in range(9):
        turns.turn()
    assert [message["id"] for message in sent] == [1, 2, 3] * 3
    assert all(len(message["text"]) == 1 for message in sent)
    turns.take({"cancel": 2})
    turns.take({"cancel": 99})
    assert sent.pop() == {"id": 2, "gone": True} and len(sent) == 9
    for _ in range(4):
        turns.turn()
    assert [message["id"] for message in sent[9:]] == [1, 3] * 2
    turns.take({"cancel": 1})
    while turns:
        turns.turn()
    assert sent[-1]["id"] == 3 and len(sent[-1]["result"]["text"]) == 50


def test_closing_the_iterator_ends_the_job_in_the_process(
    inference: Inference, checkpoint: str
) -> None:
    async def begin_and_leave() -> None:
        stream = inference.stream(endless(checkpoint))
        await anext_of(stream)
        await stream.aclose()

    def is_still() -> bool:
        before = process.cpu_times()
        time.sleep(0.2)
        return process.cpu_times().user == before.user

    run(begin_and_leave())
    assert inference.pid is not None
    process = psutil.Process(inference.pid)
    until(is_still)
    assert inference.stats()["active"] == 0


def test_a_cancelled_caller_ends_its_job(inference: Inference, checkpoint: str) -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(inference.ask(endless(checkpoint)))
        while not inference.stats()["active"]:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(cancelled())
    assert inference.stats()["active"] == 0


def test_a_slow_reader_gets_its_unread_text_as_one_piece(
    inference: Inference, checkpoint: str
) -> None:
    async def slow() -> list[Result]:
        stream = inference.stream(
            GenerateJob(checkpoint, {"prompt": "a", "max_new_tokens": 3000, "seed": 1})
        )
        pieces = [await anext_of(stream)]
        while inference.stats()["active"]:
            await asyncio.sleep(0.02)
        return pieces + [piece async for piece in stream]

    first, second, last = run(slow())
    assert last["done"] and last["tokens"] == 3000
    assert first["text"] + second["text"] == last["text"]


def test_beyond_the_places_to_wait_callers_are_told_to_come_back(
    make: Callable[..., Inference], checkpoint: str
) -> None:
    inference = make(max_active=1, max_waiting=1)

    async def crowd() -> None:
        first = inference.stream(endless(checkpoint))
        await anext_of(first)
        second = asyncio.create_task(inference.ask(NextTokenJob(checkpoint, "a")))
        while not inference.stats()["waiting"]:
            await asyncio.sleep(0.01)
        with pytest.raises(Busy) as refused:
            await inference.ask(NextTokenJob(checkpoint, "a"))
        assert refused.value.retry_after >= 1
        assert not second.done()
        await first.aclose()
        assert (await second)["tokens"]

    run(crowd())
    assert ask(inference, NextTokenJob(checkpoint, "a"))["tokens"]


def test_a_caller_that_goes_away_while_waiting_leaves_its_place(
    make: Callable[..., Inference], checkpoint: str
) -> None:
    inference = make(max_active=1, max_waiting=1)

    async def leave() -> None:
        first = inference.stream(endless(checkpoint))
        await anext_of(first)
        second = asyncio.create_task(inference.ask(NextTokenJob(checkpoint, "a")))
        while not inference.stats()["waiting"]:
            await asyncio.sleep(0.01)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert inference.stats()["waiting"] == 0
        await first.aclose()

    run(leave())


def asking(owner: str, inference: Inference, job: client.Job) -> asyncio.Task[Result]:
    """A job of an owner, as a request of theirs begins it."""

    return asyncio.create_task(inference.ask(job, owner))


def test_one_desk_does_not_take_the_turns_of_another(
    make: Callable[..., Inference], checkpoint: str
) -> None:
    inference = make(max_active_each=2)

    async def crowd() -> None:
        greedy = [asking("greedy", inference, endless(checkpoint)) for _ in range(10)]
        while inference.stats()["waiting"] < 8:
            await asyncio.sleep(0.01)
        assert inference.stats()["active"] == 2
        assert (await asking("other", inference, NextTokenJob(checkpoint, "a")))["tokens"]
        assert not any(task.done() for task in greedy)
        for task in greedy:
            task.cancel()
        await asyncio.gather(*greedy, return_exceptions=True)

    run(crowd())
    assert inference.stats()["active"] == inference.stats()["waiting"] == 0


def test_four_samples_of_one_desk_wait_for_their_turn(
    make: Callable[..., Inference], checkpoint: str
) -> None:
    inference = make(max_active_each=2, max_waiting_each=2)

    async def samples() -> None:
        job = GenerateJob(checkpoint, {"prompt": "a", "max_new_tokens": 50, "seed": 1})
        tasks = [asking("one", inference, job) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="your own"):
            await asking("one", inference, job)
        assert len({(await task)["text"] for task in tasks}) == 1

    run(samples())


def test_turns_go_round_those_who_wait(make: Callable[..., Inference], checkpoint: str) -> None:
    inference = make(max_active=1, max_active_each=1)

    async def crowd() -> list[str]:
        order: list[str] = []

        async def one(owner: str) -> None:
            job = GenerateJob(checkpoint, {"prompt": "a", "max_new_tokens": 20, "seed": 1})
            await asking(owner, inference, job)
            order.append(owner)

        tasks = [asyncio.create_task(one("many")) for _ in range(4)]
        while inference.stats()["waiting"] < 3:
            await asyncio.sleep(0.01)
        await asyncio.gather(*tasks, asyncio.create_task(one("few")))
        return order

    assert run(crowd()).index("few") <= 2


def test_a_job_ends_after_its_seconds_at_work_or_waiting(
    make: Callable[..., Inference], checkpoint: str
) -> None:
    inference = make(max_active=1, seconds_per_job=0.5)

    async def too_long() -> None:
        first = asyncio.create_task(inference.ask(endless(checkpoint)))
        while not inference.stats()["active"]:
            await asyncio.sleep(0.01)
        outcomes = await asyncio.gather(
            first, inference.ask(endless(checkpoint)), return_exceptions=True
        )
        assert all(isinstance(outcome, Busy) for outcome in outcomes)
        assert "0.5 seconds" in str(outcomes[0])

    run(too_long())
    assert ask(inference, NextTokenJob(checkpoint, "a"))["tokens"]


def test_jobs_may_come_from_many_threads_with_loops_of_their_own(
    inference: Inference, checkpoint: str
) -> None:
    settings = {"prompt": "One", "max_new_tokens": 30, "seed": 3}
    texts: list[str] = []

    def one() -> None:
        for _ in range(3):
            texts.append(ask(inference, GenerateJob(checkpoint, settings))["text"])

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 18 and len(set(texts)) == 1


# --------------------------------------------------------------------------- life of the process


def test_what_was_at_work_in_a_killed_process_goes_on_in_another(
    make: Callable[..., Inference], checkpoint: str
) -> None:
    """Nobody's question is lost with the process, and no word of a text is said twice."""
    inference = make(max_active=2, max_active_each=1)

    async def killed() -> None:
        settings = {"prompt": "One", "max_new_tokens": 3000}
        stream = inference.stream(GenerateJob(checkpoint, settings), "ann")
        given = (await anext_of(stream))["text"]
        waiting = asking("ann", inference, NextTokenJob(checkpoint, "a"))
        while not inference.stats()["waiting"]:
            await asyncio.sleep(0.01)
        pid = inference.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        rest = [piece async for piece in stream]
        assert given and rest[-1]["text"] == given + "".join(one["text"] for one in rest[:-1])
        assert rest[-1]["tokens"] == 3000
        assert (await waiting)["tokens"]  # whoever waited is served by the next one
        assert inference.pid not in (None, pid)
        assert not psutil.pid_exists(pid)

    run(killed())
    assert ask(inference, NextTokenJob(checkpoint, "a"))["tokens"]


def test_a_process_that_no_longer_answers_is_ended_and_its_jobs_are_not(
    make: Callable[..., Inference], checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "GRACE", 0.0)
    inference = make()
    ask(inference, NextTokenJob(checkpoint, "a"))
    inference.lanes["turns"].seconds = 1.0
    pid = inference.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    assert ask(inference, NextTokenJob(checkpoint, "a"))["tokens"]
    assert not psutil.pid_exists(pid)


def test_it_starts_when_asked_and_ends_with_its_jobs(
    make: Callable[..., Inference], checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    inference = make()
    assert inference.pid is None
    inference.warm()
    pid = inference.pid
    assert pid is not None
    inference.warm()
    assert inference.pid == pid

    async def closed() -> None:
        stream = inference.stream(endless(checkpoint))
        await anext_of(stream)
        process = psutil.Process(pid)
        assert process.nice() == min(19, psutil.Process().nice() + 5)
        assert "hf_secret" not in process.environ().values()
        inference.close()
        with pytest.raises(Busy, match="closing"):
            while True:
                await anext_of(stream)

    run(closed())
    assert not psutil.pid_exists(pid)
    with pytest.raises(Busy, match="closing"):
        ask(inference, TokenizeJob("ab"))
    inference.warm()
    inference.close()
    assert inference.pid is None


DYING_PARENT = """
import asyncio, os, sys
from gtt.inference.client import Inference
from gtt.inference.questions import GenerateJob

async def main():
    inference = Inference()
    async for piece in inference.stream(GenerateJob(sys.argv[1], {"max_new_tokens": 1000000})):
        print(inference.pid, flush=True)
        os.kill(os.getpid(), 9)

asyncio.run(main())
"""


def test_the_process_ends_with_its_parent(checkpoint: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DYING_PARENT, checkpoint],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid = int(done.stdout)
    try:
        until(lambda: not is_running(pid))
    finally:
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_stray_prints_do_not_reach_the_pipe() -> None:
    code = (
        "import os\n"
        "from gtt.inference.process import take_stdout\n"
        "pipe = take_stdout()\n"
        "print('stray', flush=True)\n"
        "os.system('echo stray')\n"
        "pipe.write(b'meant\\n')\n"
        "pipe.flush()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.stdout == "meant\n"
    assert done.stderr.count("stray") == 2


def test_faults_go_to_the_log(make: Callable[..., Inference], tmp_path: Path) -> None:
    inference = make(log=tmp_path / "inference.log")
    with pytest.raises(GTTError, match="A fault in GTT"):
        ask(inference, TokenizeJob("ab", vocab_size=-1))
    assert "Traceback" in (tmp_path / "inference.log").read_text()


def test_the_server_side_needs_no_torch() -> None:
    code = (
        "import sys, gtt.inference.client\n"
        "print(sorted({'torch', 'tokenizers', 'accelerate', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.stdout == "[]\n", done.stderr
