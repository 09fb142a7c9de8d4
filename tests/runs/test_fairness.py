"""Whose turn it is, whoever comes and goes; and how long it takes until then."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gtt.runs.fairness import FairQueue, waits

OWNERS = st.sampled_from("abcd")
# An owner puts an item, the next is taken, or the item of that number is removed.
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), OWNERS),
        st.tuples(st.just("take"), st.none()),
        st.tuples(st.just("remove"), st.integers(0, 30)),
    ),
    max_size=60,
)
Item = tuple[str, int]


def test_owners_take_turns_and_each_is_served_in_its_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in ("a1", "a2", "a3", "b1", "b2", "c1"):
        queue.put(item[0], item)
    assert queue.in_order() == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert queue.take() == "a1"
    queue.put("a", "a4")
    queue.put("d", "d1")
    assert queue.in_order() == ["b1", "c1", "a2", "d1", "b2", "a3", "a4"]


@given(ACTIONS)
def test_what_is_put_comes_out_once_in_the_order_that_was_shown(
    actions: list[tuple[str, str | int | None]],
) -> None:
    queue: FairQueue[Item] = FairQueue()
    inside: list[Item] = []
    for number, (action, what) in enumerate(actions):
        if action == "put":
            item = (str(what), number)
            queue.put(item[0], item)
            inside.append(item)
        elif action == "take":
            shown = queue.in_order()
            taken = queue.take()
            assert taken == (shown[0] if shown else None)
            if taken is not None:
                inside.remove(taken)
                assert queue.in_order() == shown[1:]
        elif inside:
            assert isinstance(what, int)
            item = inside.pop(what % len(inside))
            assert queue.remove(item)
            assert not queue.remove(item)
        assert sorted(queue.in_order()) == sorted(inside)
        assert len(queue) == len(inside)
        assert all(item in queue for item in inside)
        counts = Counter(owner for owner, _ in inside)
        assert all(queue.waiting_of(owner) == counts[owner] for owner in "abcd")
    order = queue.in_order()
    assert [queue.take() for _ in order] == order
    assert queue.take() is None


@given(st.lists(st.tuples(OWNERS, st.integers(1, 5)), min_size=1, unique_by=lambda pair: pair[0]))
def test_no_owner_is_a_turn_ahead_of_one_that_still_waits(owners: list[tuple[str, int]]) -> None:
    queue: FairQueue[Item] = FairQueue()
    for owner, count in owners:
        for number in range(count):
            queue.put(owner, (owner, number))
    served: Counter[str] = Counter()
    last: dict[str, int] = {}
    while (item := queue.take()) is not None:
        owner, number = item
        assert number == last.get(owner, -1) + 1  # first come, first served
        last[owner] = number
        served[owner] += 1
        still_waiting = [name for name, _ in owners if queue.waiting_of(name)]
        assert all(served[owner] - served[name] <= 1 for name in still_waiting)


@given(ACTIONS, st.sets(OWNERS))
def test_what_is_not_ready_keeps_its_place(
    actions: list[tuple[str, str | int | None]], blocked: set[str]
) -> None:
    queue: FairQueue[Item] = FairQueue()
    for number, (action, what) in enumerate(actions):
        if action == "put":
            queue.put(str(what), (str(what), number))
    before = queue.in_order()
    ready = [item for item in before if item[0] not in blocked]
    taken = []
    while (item := queue.take(lambda item: item[0] not in blocked)) is not None:
        taken.append(item)
    assert taken == ready
    assert queue.in_order() == [item for item in before if item[0] in blocked]
    assert sorted(queue.in_order()) == sorted(item for item in before if item[0] in blocked)


def test_waits_on_one_and_on_two_slots() -> None:
    assert waits([30.0], [10.0, 20.0, 5.0], 1) == [30.0, 40.0, 60.0]
    assert waits([30.0, 10.0], [50.0, 5.0, 5.0], 2) == [10.0, 30.0, 35.0]
    assert waits([], [7.0, 7.0, 7.0], 2) == [0.0, 0.0, 7.0]


SECONDS = st.floats(0, 1e4)


@given(st.integers(1, 4), st.lists(SECONDS, max_size=4), st.lists(SECONDS, max_size=8))
def test_waits_never_need_more_than_the_slots(
    slots: int, running: list[float], lengths: list[float]
) -> None:
    """At no start are more at work than there are slots, and nobody waits beside a free one."""
    running = running[:slots]
    starts = waits(running, lengths, slots)
    assert starts == sorted(starts)
    spans = [(0.0, end) for end in running] + [
        (start, start + length) for start, length in zip(starts, lengths, strict=True)
    ]
    for place, start in enumerate(starts):
        earlier = spans[: len(running) + place]
        assert sum(1 for begin, end in earlier if begin <= start < end) < slots
        if start > 0:  # it began the moment that another one ended
            assert any(end == start for _, end in earlier)
