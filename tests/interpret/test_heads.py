"""Habits of heads are right on attention that was made to have them."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from gtt.data.repeats import repeated_tokens
from gtt.interpret.heads import (
    chance_of,
    habits_of,
    induction_scores,
    is_inducing,
    mean_habits,
    name_of,
    preferences,
    weight_by_token,
)

T = 12
TOKENS = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8])


def looking(at: dict[int, int] | None = None, **places: int) -> np.ndarray:
    """Weights (1, T, T) of a head that puts everything on one place of each row."""
    weights = np.zeros((1, T, T))
    for query in range(T):
        weights[0, query, max(0, (at or {}).get(query, query - places.get("back", 0)))] = 1
    return weights


EVEN = np.tril(np.ones((1, T, T))) / np.arange(1, T + 1)[None, :, None]
LAST_SAME = {
    query: max(key for key in range(query) if TOKENS[key] == TOKENS[query])
    for query in range(T)
    if TOKENS[query] in TOKENS[:query]
}


def test_a_perfect_previous_token_head_scores_one() -> None:
    (habits,) = habits_of(looking(back=1), TOKENS)
    assert habits.previous_token == 1
    assert habits.distance == 1
    assert habits.entropy == 0
    assert habits.current_token == 0
    assert habits.first_token == pytest.approx(1 / (T - 1))  # the second token's previous is it


def test_a_perfect_first_token_head_scores_one() -> None:
    (habits,) = habits_of(looking(back=T), TOKENS)
    assert habits.first_token == 1
    assert habits.distance == pytest.approx(sum(range(1, T)) / (T - 1))


def test_a_head_that_looks_at_itself_is_no_other() -> None:
    (habits,) = habits_of(looking(back=0), TOKENS)
    assert habits.current_token == 1
    assert habits.same_token == 0
    assert habits.distance == 0


def test_a_perfect_same_token_head_scores_one() -> None:
    (habits,) = habits_of(looking(LAST_SAME), TOKENS)
    assert habits.same_token == 1


def test_without_a_token_said_twice_there_is_no_such_score() -> None:
    (habits,) = habits_of(EVEN, np.arange(T))
    assert habits.same_token is None


def test_a_perfect_induction_head_scores_one_and_its_neighbours_zero() -> None:
    period, length = 6, T
    for offset, expected in ((1, 1.0), (0, 0.0), (2, 0.0)):
        weights = np.zeros((1, length, length))
        for query in range(length):
            weights[0, query, min(query, max(0, query - period + offset))] = 1
        assert induction_scores(weights, period)[0] == pytest.approx(expected)


def test_an_even_head_has_the_entropy_of_its_rows() -> None:
    (habits,) = habits_of(EVEN, TOKENS)
    assert habits.entropy == pytest.approx(sum(math.log(n) for n in range(2, T + 1)) / (T - 1))
    assert habits.evenness == pytest.approx(1)
    assert habits == chance_of(TOKENS)


@pytest.mark.parametrize(
    ("weights", "name"),
    [
        (looking(back=1), "previous_token"),
        (looking(back=T), "first_token"),
        (looking(back=0), "current_token"),
        (looking(LAST_SAME), "same_token"),
        (EVEN, "even"),
        (0.3 * looking(back=1) + 0.7 * looking(back=3), None),
    ],
    ids=["previous", "first", "current", "same", "even", "none"],
)
def test_a_head_is_named_only_where_its_score_stands_out(
    weights: np.ndarray, name: str | None
) -> None:
    (habits,) = habits_of(weights, TOKENS)
    assert name_of(habits, chance_of(TOKENS)) == name


def test_induction_gives_a_name_where_it_was_measured() -> None:
    (habits,) = habits_of(0.5 * EVEN + 0.5 * looking(back=3), TOKENS, induction=np.array([0.8]))
    assert name_of(habits, chance_of(TOKENS)) == "induction"


def test_a_head_is_asked_what_feeds_it_where_its_induction_stands_out() -> None:
    def asked(score: float | None, period: int = 6) -> bool:
        induction = None if score is None else np.array([score])
        (habits,) = habits_of(EVEN, TOKENS, induction)
        return is_inducing(habits, chance_of(TOKENS, period))

    assert [asked(score) for score in (None, 0.1, 0.24, 0.9)] == [False, False, False, True]
    assert asked(0.4) and not asked(0.4, period=2)  # where even attention gives as much


def test_even_attention_gives_the_token_after_a_match_its_share() -> None:
    chance = chance_of(TOKENS, period=2).induction  # queries 2 and 3 look at 3 and at 4 tokens
    assert chance == pytest.approx((1 / 3 + 1 / 4) / 2)


def test_induction_is_no_name_where_even_attention_comes_near_it() -> None:
    (habits,) = habits_of(looking(back=3), TOKENS, induction=np.array([0.8]))
    assert name_of(habits, chance_of(TOKENS, period=6)) == "induction"
    assert name_of(habits, chance_of(TOKENS, period=2)) is None


def test_many_heads_are_measured_at_once_and_kept_apart() -> None:
    together = habits_of(np.concatenate([looking(back=1), looking(back=0)]), TOKENS)
    assert [one.previous_token for one in together] == [1, 0]
    assert [one.current_token for one in together] == [0, 1]


def test_texts_are_averaged_and_gaps_left_out() -> None:
    first = habits_of(looking(back=1), TOKENS)
    second = habits_of(looking(back=0), np.arange(T))
    (mean,) = mean_habits([first, second])
    assert mean.previous_token == 0.5
    assert mean.same_token == first[0].same_token
    assert mean.induction is None


def test_repeated_tokens_say_the_same_twice_and_nothing_else() -> None:
    texts = repeated_tokens(np.array([2, 3, 5, 7, 11, 13]), 4, 3, seed=1)
    assert texts.shape == (3, 8)
    for text in texts:
        assert (text[:4] == text[4:]).all()
        assert len(set(text[:4])) == 4
    assert any((a != b).any() for a, b in pairwise(texts))
    assert (texts == repeated_tokens(np.array([2, 3, 5, 7, 11, 13]), 4, 3, seed=1)).all()


def test_half_of_the_weight_lies_within_the_last_tokens() -> None:
    reach = [habits_of(looking(back=back), TOKENS)[0].half_within for back in (0, 1, 3)]
    assert reach[0] == 1 and reach[1] == 2 and reach[2] >= 3


def test_a_head_that_looks_for_a_token_is_known_by_it() -> None:
    tokens = np.array([5, 1, 5, 2, 3, 4, 5, 1, 2, 3, 4, 1])
    weights = np.zeros((1, len(tokens), len(tokens)))
    for query in range(len(tokens)):
        places = np.flatnonzero(tokens[: query + 1] == 5)
        weights[0, query, places] = 1 / len(places)
    (liked,), (none,) = (
        preferences([weight_by_token(one, tokens)] * 2) for one in (weights, even_over(tokens))
    )
    assert [(one.id, one.share) for one in liked] == [(5, pytest.approx(1.0))]
    assert 0 < liked[0].even < 0.5 and none == []
    shares = weight_by_token(weights, tokens)
    assert sum(shares.values()) == pytest.approx([1.0, 1.0])


def even_over(tokens: np.ndarray) -> np.ndarray:
    rows = np.arange(1, len(tokens) + 1)[None, :, None]
    return np.tril(np.ones((1, len(tokens), len(tokens)))) / rows
