"""One stranger's question against all others: prices, processes that may die, and who feels it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from gtt.config import GenerationConfig, ModelConfig
from gtt.data.repeats import LONGEST_PERIOD
from gtt.data.tokenizer_training import train_char_tokenizer
from gtt.errors import BadInput, UnusableData
from gtt.inference import bounds, client, lanes
from gtt.inference.client import Inference
from gtt.inference.pipe import ModelProcess
from gtt.inference.prices import Shape, feeding_texts, price_of
from gtt.inference.questions import (
    AblationJob,
    AttentionJob,
    DrawingJob,
    FollowJob,
    GenerateJob,
    HabitsJob,
    LensJob,
    NextTokenJob,
    PreviewJob,
    ReadingJob,
    TokenizeJob,
)
from gtt.model.export import save_model
from gtt.model.gpt import GPT

LETTERS = "abcdefghijklmnopqrstuvwxyz "
LARGEST = {"n_layers": 64, "n_heads": 64, "n_embed": 64, "block_size": 1024}  # a legal run
SLOW = TokenizeJob("\U0001f600" * 20_000, "bpe", 8192)


def saved(folder: Path, **shape: Any) -> str:
    """A checkpoint of an untrained model."""
    torch.manual_seed(0)
    folder.mkdir()
    tokenizer = train_char_tokenizer(LETTERS)
    save_model(
        GPT(ModelConfig(**shape), tokenizer.vocab_size), folder, GenerationConfig(), {"step": 1}
    )
    tokenizer.save(folder)
    return str(folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("small") / "checkpoint"
    return saved(place, n_layers=2, n_heads=2, n_embed=32, block_size=32)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(tmp_path_factory.mktemp("large") / "checkpoint", **LARGEST)


@pytest.fixture
def make() -> Iterator[Callable[..., Inference]]:
    made: list[Inference] = []

    def one(**options: Any) -> Inference:
        made.append(Inference(**options))
        return made[-1]

    yield one
    for inference in made:
        processes = [one for lane in inference.lanes.values() for one in lane.processes]
        inference.close()
        assert not any(psutil.pid_exists(one.popen.pid) for one in processes)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 100))


def about(folder: Path, name: str, **data: Any) -> PreviewJob:
    """A look at an upload."""
    places = {"corpora": str(folder / "corpora"), "downloads": str(folder / "downloads")}
    config = {"source": f"upload:{name}", **data}
    return PreviewJob(config, **places, sources=None, uploads=str(folder / "uploads"))


def uploaded(folder: Path, name: str, suffix: str, content: bytes) -> PreviewJob:
    place = folder / "uploads" / name
    place.mkdir(parents=True)
    (place / f"text{suffix}").write_bytes(content)
    (place / "upload.json").write_text('{"name": "text"}')
    return about(folder, name)


# --------------------------------------------------------------------------------------- prices


def test_what_is_short_takes_turns_and_what_is_long_goes_alone(
    make: Callable[..., Inference], small: str, large: str
) -> None:
    inference, text = make(), "a wise girl " * 200

    def lane(job: Any) -> str:
        return inference._lane_of(job)

    def jobs(checkpoint: str) -> dict[str, Any]:
        return {
            "next": NextTokenJob(checkpoint, text),
            "read": ReadingJob(checkpoint, text),
            "lens": LensJob(checkpoint, text),
            "follow": FollowJob(checkpoint, text),
            "attention": AttentionJob(checkpoint, text, packed=True),
            "heads": HabitsJob(checkpoint, "corpora"),
            "ablate": AblationJob(checkpoint, text, [(0, 0)], "corpora"),
            "text": GenerateJob(checkpoint, {"prompt": text, "max_new_tokens": 40}),
        }

    assert {lane(job) for job in jobs(small).values()} == {"turns"}
    asked = jobs(large)
    assert lane(asked.pop("follow")) == "turns"  # of so few tokens that this model can be asked
    assert lane(asked.pop("attention")) == "alone"  # eight million weights to be packed at once
    del asked["read"]
    lanes_of_large = {name: lane(job) for name, job in asked.items()}
    assert lanes_of_large["next"] == lanes_of_large["text"] == lanes_of_large["ablate"] == "long"
    assert set(lanes_of_large.values()) <= {"alone", "long"}
    assert lane(NextTokenJob(large, "a wise girl")) == "turns"  # a short text is cheap here too
    assert lane(SLOW) == lane(about(Path(), "x")) == "reading"
    model = ModelConfig(**LARGEST, attention="separate_heads").model_dump()
    assert lane(DrawingJob(model, 80, 1, 64)) == "long"
    assert lane(DrawingJob(ModelConfig().model_dump(), 80, 8, 64)) in ("turns", "alone")


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"num_beams": 16, "max_new_tokens": 20}, "num_beams", r"take \d beams at most"),
        ({"max_new_tokens": 2000}, "max_new_tokens", r"draw \d[\d,]* tokens at most"),
    ],
)
def test_what_is_too_dear_is_refused_with_what_would_fit(
    make: Callable[..., Inference], large: str, changes: dict[str, Any], field: str, said: str
) -> None:
    inference = make()
    job = GenerateJob(large, {"prompt": "a wise girl " * 85, **changes})
    with pytest.raises(BadInput, match=said) as refused:
        run(inference.ask(job))
    assert refused.value.field == field
    assert not inference.stats()["alive"]  # nothing was begun for it
    most = int("".join(filter(str.isdigit, refused.value.message.rsplit(":", 1)[1])))
    fits = GenerateJob(large, {**job.settings, field: most})
    assert inference._lane_of(fits) == "long"
    with pytest.raises(BadInput):
        inference._lane_of(GenerateJob(large, {**job.settings, field: most + 1}))


def test_a_text_that_is_too_long_for_a_model_is_told_how_much_of_it_fits(
    make: Callable[..., Inference], large: str
) -> None:
    with pytest.raises(BadInput, match=r"give a text of [0-9,]+ characters at most") as refused:
        run(make(seconds_alone=20.0).ask(ReadingJob(large, "a wise girl " * 300)))
    assert refused.value.field == "text"


def test_prices_grow_with_all_that_costs(small: str) -> None:
    def seconds(job: Any) -> float:
        price = price_of(job)
        assert price is not None
        return price.seconds

    def text(**settings: Any) -> float:
        return seconds(GenerateJob(small, {"prompt": "a", "max_new_tokens": 40, **settings}))

    assert text() < text(max_new_tokens=400) < text(max_new_tokens=400, num_beams=8)
    assert seconds(NextTokenJob(small, "a")) < seconds(NextTokenJob(small, "a" * 32))
    assert seconds(NextTokenJob(small, "a" * 32)) == seconds(NextTokenJob(small, "a" * 999))
    assert seconds(LensJob(small, "abc", positions=1)) < seconds(LensJob(small, "abc", positions=3))


def test_large_models_are_measured_on_less_and_small_ones_on_all() -> None:
    usual = ModelConfig(n_layers=4, n_heads=8, n_embed=256, block_size=256)
    assert bounds.habit_tokens(usual) == 256 and bounds.ablation_windows(usual) == 16
    largest = ModelConfig(**LARGEST)
    assert bounds.habit_tokens(largest) ** 2 * 64 * 64 <= bounds.HABIT_WEIGHTS
    assert bounds.ablation_tokens(usual) == 256 and bounds.ablation_tokens(largest) < 1024
    assert bounds.ablation_windows(largest) >= 1
    texts = [feeding_texts(Shape(model, 80, 0)) for model in (usual, largest)]
    assert texts == [bounds.FEEDING_TEXTS, 0]
    assert bounds.REPEATED_TOKENS == 2 * LONGEST_PERIOD
    assert bounds.snapshot_tokens(usual) >= 64 and bounds.snapshots(usual) == 60
    assert bounds.snapshot_tokens(largest) == 16 and bounds.snapshots(largest) == 4


# ------------------------------------------------------------------------- one against all others


async def patience(inference: Inference, checkpoint: str, until: asyncio.Event) -> list[float]:
    """How long the short questions of another visitor took meanwhile."""
    waits = []
    while not until.is_set():
        began = time.monotonic()
        assert (await inference.ask(NextTokenJob(checkpoint, "a wise"), "ordinary"))["tokens"]
        waits.append(time.monotonic() - began)
        await asyncio.sleep(0.05)
    return waits


def test_a_dear_question_holds_nobody_up_and_ends_with_its_caller(
    make: Callable[..., Inference], small: str, large: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inference = make()

    async def crowd() -> list[float]:
        await inference.ask(NextTokenJob(small, "a"))
        dear = asyncio.create_task(
            inference.ask(NextTokenJob(large, "a wise girl " * 200), "stranger")
        )
        over = asyncio.Event()
        other = asyncio.create_task(patience(inference, small, over))
        await asyncio.sleep(5)  # it has loaded, and is within its one step
        assert not dear.done() and inference.stats()["active"] >= 1
        (process,) = inference.lanes["long"].processes
        dear.cancel()
        while inference.lanes["long"].active:
            await asyncio.sleep(0.05)
        assert not process.is_alive()  # its step could not be interrupted otherwise
        over.set()
        return await other

    waits = run(crowd())
    assert len(waits) > 10 and sorted(waits)[int(0.95 * len(waits))] < 1


def test_readers_that_came_for_a_crowd_go_when_it_is_over(
    make: Callable[..., Inference], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "IDLE_BESIDE", 0.5)
    inference = make()

    async def crowd() -> None:
        words = (TokenizeJob(f"a wise girl {number} " * 2000) for number in range(3))
        await asyncio.gather(*(inference.ask(job, str(job.text[:14])) for job in words))

    run(crowd())
    readers = list(inference.lanes["reading"].processes)
    assert len(readers) > 1
    for one in readers[1:]:
        one.popen.wait(20)
    time.sleep(1)
    assert readers[0].is_alive()


async def halted(inference: Inference) -> None:
    """Halts the reader at work: it stands for one in a call that nothing interrupts."""
    while not inference.lanes["reading"].active:
        await asyncio.sleep(0.001)
    (ticket,) = inference.lanes["reading"].active.values()
    assert ticket.process is not None
    psutil.Process(ticket.process.popen.pid).suspend()


def test_a_look_that_takes_too_long_ends_alone_and_others_are_served(
    make: Callable[..., Inference], small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "READERS", 1)
    inference = make(seconds_reading=2.0)

    async def both() -> None:
        writing = inference.stream(
            GenerateJob(small, {"prompt": "a", "max_new_tokens": 2000}), "ordinary"
        )
        first = await anext(writing)
        slow = asyncio.create_task(inference.ask(SLOW, "stranger"))
        await halted(inference)
        monkeypatch.setattr(lanes, "ASLEEP", 0.3)
        with pytest.raises(BadInput, match="more than 2 seconds to cut into tokens"):
            await slow
        rest = [piece async for piece in writing]
        assert rest[-1]["done"] and rest[-1]["text"].startswith(first["text"])
        monkeypatch.setattr(lanes, "ASLEEP", 6.0)
        answer = await inference.ask(TokenizeJob("ab ab", "char"), "ordinary")
        assert answer["count"] == 5

    run(both())


def test_a_file_that_kills_its_reader_kills_nothing_else(
    make: Callable[..., Inference],
    small: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A crash of a library is stood in for by what it leaves: a process killed over its job."""
    inference = make()
    job = uploaded(tmp_path, "a" * 32, ".txt", b"a wise girl " * 1000)
    killed: list[int] = []
    hand_over = ModelProcess.send

    def kill_over_it(process: ModelProcess, message: dict[str, Any]) -> None:
        if message.get("kind") == "PreviewJob" and len(killed) < client.MOST_TRIES:
            process.popen.kill()
            killed.append(process.popen.pid)
        hand_over(process, message)

    monkeypatch.setattr(ModelProcess, "send", kill_over_it)

    async def both() -> None:
        writing = inference.stream(GenerateJob(small, {"prompt": "a", "max_new_tokens": 300}))
        await anext(writing)
        with pytest.raises(UnusableData, match="ended the process that did it") as told:
            await inference.ask(job)
        assert told.value.field == "data.source"
        assert len(set(killed)) == client.MOST_TRIES and inference.pid not in killed
        assert [piece async for piece in writing][-1]["done"]
        assert (await inference.ask(job))["characters"] == 12_000

    run(both())


def test_a_crowd_whose_process_was_killed_is_served_to_the_last_word(
    make: Callable[..., Inference], small: str
) -> None:
    """One after the other, longer than a newcomer would wait: all of them had their place."""
    inference = make(seconds_alone=4.0)
    asked = {"prompt": "a", "max_new_tokens": 1500}

    async def text(seed: int, begun: asyncio.Event) -> str:
        written = ""
        settings = {**asked, "seed": seed}
        async for piece in inference.stream(GenerateJob(small, settings), f"visitor {seed}"):
            begun.set()
            written = piece["text"] if piece.get("done") else written + piece["text"]
        return written

    async def crowd() -> tuple[list[str], str]:
        begun = [asyncio.Event() for _ in range(8)]
        texts = [asyncio.create_task(text(seed, one)) for seed, one in enumerate(begun)]
        for one in begun:
            await one.wait()
        assert not any(one.done() for one in texts)
        (process,) = inference.lanes["turns"].processes
        process.popen.kill()
        return await asyncio.gather(*texts), await text(7, asyncio.Event())

    written, undisturbed = run(crowd())
    assert written[7] == undisturbed and len(set(written)) == 8


def test_a_reader_stays_for_the_next_text_unless_it_has_grown(
    make: Callable[..., Inference], tmp_path: Path
) -> None:
    """However large this process is, which on Linux counts as what a child of it has had."""
    inference = make()
    held = bytearray(200 * 2**20)
    rows = b", ".join(b'"%d": {"text": "a wise girl"}' % number for number in range(400_000))
    large = uploaded(tmp_path, "d" * 32, ".json", b"{" + rows + b"}")

    async def act() -> None:
        await inference.ask(TokenizeJob("ab ab", "char"))
        (reader,) = inference.lanes["reading"].processes
        for _ in range(3):
            await inference.ask(TokenizeJob("ab ab", "char"))
            await asyncio.sleep(0.1)
        assert inference.lanes["reading"].processes == [reader] and reader.is_alive()
        await asyncio.gather(inference.ask(large), return_exceptions=True)
        while reader.is_alive():
            await asyncio.sleep(0.05)
        assert (await inference.ask(TokenizeJob("ab ab", "char")))["count"] == 5

    run(act())
    assert len(held) == 200 * 2**20


NESTED = b'{"text": ' + b"[" * 20_000 + b"]" * 20_000 + b"}\n"
COMMAS = b"," * 149_999 + b"\n" + b"," * 149_999 + b"\n"
KEYS = b"".join(b'{"k%d": 1, "text": "a wise girl"}\n' % n for n in range(20_000))


@pytest.mark.parametrize(
    ("suffix", "content"),
    [(".jsonl", NESTED), (".json", NESTED), (".csv", COMMAS), (".jsonl", KEYS)],
    ids=["nested lines", "nested", "columns", "keys"],
)
def test_hostile_tables_are_looked_at_beside_the_others(
    make: Callable[..., Inference], small: str, tmp_path: Path, suffix: str, content: bytes
) -> None:
    inference = make(seconds_reading=4.0)
    job = uploaded(tmp_path, "b" * 32, suffix, content)

    async def crowd() -> tuple[Any, list[float]]:
        await inference.ask(NextTokenJob(small, "a"))
        over = asyncio.Event()
        other = asyncio.create_task(patience(inference, small, over))
        (outcome,) = await asyncio.gather(inference.ask(job, "stranger"), return_exceptions=True)
        over.set()
        return outcome, await other

    began = time.monotonic()
    outcome, waits = run(crowd())
    assert isinstance(outcome, dict | UnusableData), outcome
    assert time.monotonic() - began < 40
    assert sorted(waits)[int(0.95 * len(waits))] < 1
    assert inference.pid is not None


def test_a_parquet_that_unpacks_to_gigabytes_is_refused_within_its_memory(
    make: Callable[..., Inference], tmp_path: Path
) -> None:
    """One value of 4 MB, said a thousand times: kilobytes on the disk, gigabytes as text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    inference = make(seconds_reading=6.0)
    job = uploaded(tmp_path, "c" * 32, ".parquet", b"")
    values = pa.DictionaryArray.from_arrays(
        pa.array([0] * 1000, pa.int32()), pa.array(["x" * 4_000_000])
    )
    path = tmp_path / "uploads" / ("c" * 32) / "text.parquet"
    pq.write_table(pa.table({"text": values}), path, compression="zstd")
    assert path.stat().st_size < 10_000

    async def look() -> tuple[Any, int]:
        most = 0
        task = asyncio.create_task(inference.ask(job))
        while not task.done():
            most = max([most, *(p.memory() for p in list(inference.lanes["reading"].processes))])
            await asyncio.sleep(0.02)
        return (await asyncio.gather(task, return_exceptions=True))[0], most

    outcome, most = run(look())
    assert isinstance(outcome, dict | UnusableData), outcome
    assert most < 1.7e9
