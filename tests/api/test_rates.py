"""Rates: what passes at once, what passes with time, and what one desk costs another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gtt.api.api_errors import RateLimited
from gtt.api.rates import DESK_RATES, SERVER_RATES, Rate, RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def passes(limiter: RateLimiter, kind: str, who: str) -> bool:
    try:
        limiter.take(kind, who)  # type: ignore[arg-type]
    except RateLimited:
        return False
    return True


def test_a_burst_passes_then_one_by_one_with_time() -> None:
    clock = Clock()
    limiter = RateLimiter({"create": Rate(2, 6)}, clock=clock)
    assert [passes(limiter, "create", "a") for _ in range(3)] == [True, True, False]
    with pytest.raises(RateLimited, match="10 seconds") as caught:
        limiter.take("create", "a")
    assert caught.value.retry_after == pytest.approx(10)
    clock.now += 9.9
    assert not passes(limiter, "create", "a")
    clock.now += 0.2
    assert [passes(limiter, "create", "a") for _ in range(2)] == [True, False]
    clock.now += 1e6  # a long rest gives a burst, not more
    assert [passes(limiter, "create", "a") for _ in range(3)] == [True, True, False]


def test_who_waits_as_told_passes() -> None:
    clock = Clock()
    limiter = RateLimiter({"look": Rate(1, 7)}, clock=clock)
    for _ in range(50):
        assert passes(limiter, "look", "a")
        with pytest.raises(RateLimited) as caught:
            limiter.take("look", "a")
        assert caught.value.retry_after is not None
        clock.now += caught.value.retry_after


def test_desks_and_kinds_do_not_share_a_bucket_but_all_share_one_more() -> None:
    clock = Clock()
    limiter = RateLimiter(
        {"create": Rate(2, 60), "read": Rate(1, 60)}, {"create": Rate(3, 60)}, clock
    )
    assert [passes(limiter, "create", "a") for _ in range(3)] == [True, True, False]
    assert passes(limiter, "read", "a")
    assert passes(limiter, "create", "b")
    with pytest.raises(RateLimited, match="on this server"):
        limiter.take("create", "b")
    clock.now += 1
    assert passes(limiter, "create", "b")  # a refusal had cost desk b nothing: 2 of its burst


def test_a_refused_request_takes_nothing() -> None:
    clock = Clock()
    limiter = RateLimiter({"create": Rate(1, 60)}, {"create": Rate(2, 60)}, clock)
    assert passes(limiter, "create", "a")
    assert not any(passes(limiter, "create", "a") for _ in range(100))
    assert passes(limiter, "create", "b")


def test_memory_is_bounded_whatever_keys_come() -> None:
    limiter = RateLimiter({"read": Rate(1, 1)}, clock=Clock(), most_buckets=10)
    for who in range(1000):
        limiter.take("read", str(who))
    assert len(limiter._desks) == 10
    assert not passes(limiter, "read", "999")


def test_buckets_that_are_full_again_are_forgotten_and_others_are_not() -> None:
    clock = Clock()
    limiter = RateLimiter({"read": Rate(2, 60), "write": Rate(2, 1)}, clock=clock)
    for who in range(100):
        limiter.take("read", str(who))
    for _ in range(2):
        limiter.take("write", "a")
    clock.now += 1
    limiter.forget_full()
    assert set(limiter._desks) == {("write", "a")}
    assert not passes(limiter, "write", "a")
    assert [passes(limiter, "read", "0") for _ in range(3)] == [True, True, False]


def test_threads_never_get_more_than_the_burst() -> None:
    limiter = RateLimiter({"write": Rate(50, 1)}, clock=Clock())
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: passes(limiter, "write", "a"), range(400)))
    assert sum(got) == 50


def test_a_clock_that_goes_back_gives_nothing_and_breaks_nothing() -> None:
    clock = Clock()
    limiter = RateLimiter({"write": Rate(1, 60)}, clock=clock)
    assert passes(limiter, "write", "a")
    clock.now -= 100
    assert not passes(limiter, "write", "a")
    clock.now += 1
    assert passes(limiter, "write", "a")


def test_strangers_with_many_addresses_leave_the_page_to_others() -> None:
    limiter = RateLimiter.for_strangers()
    limiter.clock = clock = Clock()
    for second in range(15):  # twice as fast as the whole page can be sent on two cores
        for number in range(200):
            limiter.take("page", f"{second}.{number}")
        assert passes(limiter, "page", "an ordinary visitor")
        clock.now += 1


def test_the_tables_cover_all_kinds_and_home_has_no_limit() -> None:
    assert DESK_RATES.keys() == SERVER_RATES.keys()
    for kind, rate in DESK_RATES.items():
        assert SERVER_RATES[kind].burst >= rate.burst
        assert SERVER_RATES[kind].per_minute >= rate.per_minute
    home = RateLimiter.at_home()
    assert all(passes(home, "create", "a") for _ in range(1000))
    with pytest.raises(KeyError):
        home.take("kreate", "a")  # type: ignore[arg-type]
