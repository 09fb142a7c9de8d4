"""Questions that a stranger asks so that nobody else gets an answer; part of `service.py hostile`.

Each is a function of a target as `service_attacks.py` gives it, and goes on until its time is over.
"""

from __future__ import annotations

import asyncio
import io
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

NESTED = b'{"text": ' + b"[" * 20_000 + b"]" * 20_000 + b"}\n"
COLUMNS = b"," * 149_999 + b"\n" + b"," * 149_999 + b"\n"
KEYS = b"".join(b'{"k%d": 1, "text": "a wise girl"}\n' % n for n in range(40_000))
COMMAS = b"," * 7_500_000 + b"\n" + b"," * 7_500_000
ALPHABET = "".join(map(chr, range(0x4E00, 0x4E00 + 20_000))).encode() * 4
EMOJI = "\U0001f600" * 20_000
# Hundreds of millions of attention weights in one look, of a model that an open server trains.
DEEP: dict[str, Any] = {
    "data": {"source": "python", "max_megabytes": 0.02, "tokenizer": "char"},
    "model": {"n_layers": 24, "n_heads": 32, "n_embed": 32, "block_size": 512},
    "training": {"max_steps": 1, "batch_size": 1, "eval_windows": 1, "snapshots": False},
}


class Target(Protocol):
    """A server under attack."""

    def goes_on(self) -> bool: ...
    def client(self, key: str | None = None) -> Any: ...
    async def ask(self, http: Any, method: str, path: str, **more: Any) -> Any: ...
    async def many(self, number: int, act: Callable[[int], Awaitable[None]]) -> None: ...


def dictionary_table() -> bytes:
    """Kilobytes of Parquet that say one value of 4 MB again and again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    once = pa.array(["x" * 4_000_000])
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), once)
    file = io.BytesIO()
    pq.write_table(pa.table({"text": values}), file, compression="zstd")
    return file.getvalue()


async def hostile_texts(target: Target) -> None:
    """Texts that take their readers a long time, or down; a desk for each."""
    texts = [
        ("nested.jsonl", NESTED),
        ("columns.csv", COLUMNS),
        ("keys.jsonl", KEYS),
        ("commas.csv", COMMAS),
        ("alphabet.txt", ALPHABET),
        ("table.parquet", dictionary_table()),
    ]

    async def one(number: int) -> None:
        name, content = texts[number % len(texts)]
        async with target.client(secrets.token_urlsafe(32)) as http:
            path = f"/api/datasets/upload?name={name}"
            brought = await target.ask(http, "POST", path, content=content)
            if brought is None or brought.status_code != 201:
                await asyncio.sleep(1)
                return
            source = {"source": brought.json()["source"], "vocab_size": 65_536, "tokenizer": "bpe"}
            asked = {**source, "text": "a wise girl"}
            await asyncio.gather(
                target.ask(http, "GET", "/api/datasets/preview", params=source),
                target.ask(http, "POST", "/api/tokenize/compare", json=asked),
                target.ask(http, "POST", "/api/tokenize/merges", json=asked),
            )

    await target.many(len(texts), one)


async def one_long_word(target: Target) -> None:
    """Twenty thousand emoji to be cut into byte pairs."""

    async def one(number: int) -> None:
        async with target.client(secrets.token_urlsafe(32)) as http:
            body = {"text": EMOJI, "tokenizer": "bpe", "vocab_size": 8192}
            await target.ask(http, "POST", "/api/tokenize", json=body)

    await target.many(6, one)


async def large_drawings(target: Target) -> None:
    """The graph of a model of 4,096 separate heads."""
    model = {"n_layers": 64, "n_heads": 64, "n_embed": 64, "attention": "separate_heads"}

    async def one(number: int) -> None:
        async with target.client(secrets.token_urlsafe(32)) as http:
            await target.ask(http, "POST", "/api/config", json={"config": {"model": model}})
            await target.ask(http, "GET", "/api/architecture")

    await target.many(4, one)


async def dear_questions(target: Target) -> None:
    """All that can be asked about a model whose every look costs seconds."""
    text = "def wise(girl):\n    return girl\n" * 60
    asks: list[tuple[str, dict[str, Any]]] = [
        ("/api/heads", {}),
        ("/api/ablate", {"text": text, "heads": [{"layer": 0, "head": 0}]}),
        ("/api/next_token", {"text": text}),
        ("/api/generate", {"prompt": text, "num_beams": 16, "max_new_tokens": 1000}),
        ("/api/read", {"text": text}),
        ("/api/lens", {"text": text}),
    ]
    async with target.client(secrets.token_urlsafe(32)) as http:
        made = await target.ask(http, "POST", "/api/runs", json={"config": DEEP})
        if made is None or made.status_code != 201:
            return
        state = f"/api/runs/{made.json()['run']['id']}"
        while target.goes_on():
            told = await target.ask(http, "GET", state)
            if told is not None and told.json()["run"]["state"] == "completed":
                break
            await asyncio.sleep(1)

        async def one(number: int) -> None:
            path, body = asks[number % len(asks)]
            await target.ask(http, "POST", path, json=body)

        await target.many(len(asks), one)


JOB_ATTACKS: dict[str, Callable[[Any], Awaitable[None]]] = {
    "texts": hostile_texts,
    "one_long_word": one_long_word,
    "drawings": large_drawings,
    "dear_questions": dear_questions,
}
