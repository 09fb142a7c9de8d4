"""Results that nobody fetches are bounded in bytes and in age; whoever listens notices nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import RootModel

from gtt.api.guard.unread_results import Unread


class Message:
    """What Gradio's messages have of what is used."""

    def __init__(self, event: str, size: int = 0, msg: str = "process_completed") -> None:
        self.event_id, self.msg, self.success = event, msg, True
        self.output: Any = {"data": ["x" * size]}


def opened(unread: Unread, *sessions: str) -> None:
    for session in sessions:
        unread[session] = asyncio.Queue()


def test_what_is_read_is_as_it_was_sent() -> None:
    async def act() -> None:
        unread = Unread()
        opened(unread, "one")
        unread["one"].put_nowait(Message("a", 5000))
        assert 5000 < unread.bytes() < 6000
        read = await unread["one"].get()
        assert read.output == {"data": ["x" * 5000]} and read.success
        assert unread.bytes() == 0
        message = Message("b")
        message.output = {"data": [RootModel[dict[str, int]]({"a": 1}), None]}  # as Gradio has them
        unread["one"].put_nowait(message)
        assert (await unread["one"].get()).output == {"data": [{"a": 1}, None]}

    asyncio.run(act())


def test_a_message_that_somebody_waits_for_is_handed_on() -> None:
    async def act() -> None:
        unread = Unread(per_desk=10, for_all=10)
        opened(unread, "one")
        waiting = asyncio.ensure_future(unread["one"].get())
        await asyncio.sleep(0)
        message = Message("a", 5000)
        unread["one"].put_nowait(message)
        assert await waiting is message and message.output == {"data": ["x" * 5000]}

    asyncio.run(act())


def test_a_desk_that_reads_nothing_loses_its_oldest_and_no_other_does() -> None:
    async def act() -> None:
        unread = Unread(per_desk=10_000, for_all=1_000_000)
        opened(unread, *"abcde", "other")
        unread.belongs("of other", "other desk")
        unread["other"].put_nowait(Message("of other", 4000))
        for event in "abcde":
            unread.belongs(event, "greedy desk")
            unread[event].put_nowait(Message(event, 4000))
        assert unread.bytes() < 15_000
        lost = await unread["a"].get()
        assert not lost.success and "Too many results" in lost.output["error"]
        for event in ("e", "other"):
            assert (await unread[event].get()).output == {"data": ["x" * 4000]}

    asyncio.run(act())


def test_all_together_stay_below_their_bound() -> None:
    async def act() -> None:
        unread = Unread(per_desk=10_000, for_all=20_000)
        for number in range(50):
            opened(unread, str(number))
            unread.belongs(str(number), f"desk {number}")
            unread[str(number)].put_nowait(Message(str(number), 4000))
            assert unread.bytes() <= 20_000
        assert (await unread["49"].get()).success
        assert not (await unread["0"].get()).success

    asyncio.run(act())


def test_what_waits_too_long_is_forgotten_and_a_listener_is_not() -> None:
    async def act() -> None:
        now = 100.0
        gone: list[str] = []
        unread = Unread(age=60, clock=lambda: now, forgotten=gone.append)
        opened(unread, "unread", "heard", "fresh")
        unread["unread"].put_nowait(Message("a", 4000))
        listening = asyncio.ensure_future(unread["heard"].get())
        await asyncio.sleep(0)
        now += 61
        unread["fresh"] = asyncio.Queue()
        unread["fresh"].put_nowait(Message("b", 4000))
        unread.sweep()
        assert gone == ["unread"] and "heard" in unread and "fresh" in unread
        assert 4000 < unread.bytes() < 5000
        unread["unread"].put_nowait(Message("a"))  # an event that still speaks to it harms nobody
        listening.cancel()

    asyncio.run(act())


def test_a_session_may_end_that_was_forgotten_before() -> None:
    """Gradio deletes it when its listener has gone, and then ends what that had begun."""

    async def act() -> None:
        unread = Unread()
        opened(unread, "one")
        unread["one"].put_nowait(Message("a", 4000))
        del unread["one"]
        del unread["one"]
        assert "one" not in unread and unread.bytes() == 0

    asyncio.run(act())


def test_sessions_are_bounded_and_those_that_listen_stay() -> None:
    async def act() -> None:
        unread = Unread(most_sessions=10)
        opened(unread, "heard")
        listening = asyncio.ensure_future(unread["heard"].get())
        await asyncio.sleep(0)
        opened(unread, *(str(number) for number in range(100)))
        assert len(unread) == 10 and "heard" in unread and "99" in unread
        listening.cancel()

    asyncio.run(act())
