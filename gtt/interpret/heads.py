"""Habits of attention heads, measured on text and on random tokens that repeat.

A habit is the mean weight that a head gives to a certain place. The places are those that Elhage et
al. 2021 (A Mathematical Framework for Transformer Circuits), Olsson et al. 2022 (In-context
Learning and Induction Heads) and Wang et al. 2022 (Interpretability in the Wild) found heads to
specialise in. Everything here is arithmetic on attention weights and scores: where they come from
does not matter.

Shapes: N heads (of all layers or of one), T tokens; weights (N, T, T), each row summing to 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[Any]

NAMED_FROM = 0.4  # of a head's weight, on average, before it is named after a habit
TIMES_CHANCE = 3.0  # and this many times what even attention would give
PREFERRED = 3  # tokens that are named for a head
PREFERRED_FROM = 0.03  # of its weight, before a token counts as preferred
TIMES_EVEN = 2.0  # and this many times what even attention gives that token
INDUCING_FROM = 0.2  # of a head's weight on what followed, before it is asked what feeds it
FEEDS_FROM = 0.25  # of an induction head's score that is lost without the head that feeds it
FEEDERS = 3  # heads that are named as feeding another
WEIGHTS_TOGETHER = 2**18  # that are looked at together, 2 MB of them: more do not stay in a cache
EVEN_FROM = 0.95  # of the greatest possible entropy, from where a head is called even


@dataclass(frozen=True)
class Habits:
    """One head's mean weight by place, from 0 to 1.

    `previous_token` the token before; `first_token` the first of the text; `current_token` itself;
    `same_token` earlier places that hold the same token, over the positions that have one;
    `induction` the token after the last time that this one was seen, on random tokens said twice
    (None where that was not measured). `distance` is how far back the head looks on average, in
    tokens, `half_within` how many of the last tokens get half of its weight, `entropy` how widely
    it spreads, in nats, `evenness` that entropy over the greatest possible one.
    """

    previous_token: float
    first_token: float
    current_token: float
    same_token: float | None
    induction: float | None
    distance: float
    half_within: float
    entropy: float
    evenness: float

    def as_json(self) -> dict[str, float | None]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Preference:
    """A token, the share of a head's weight that goes to it, and that of even attention."""

    id: int
    share: float
    even: float


@dataclass(frozen=True)
class Feeder:
    """A head without which a later one loses its induction score; `without` is what is left."""

    layer: int
    head: int
    without: float


PLACES = ("previous_token", "first_token", "current_token", "same_token", "induction")


def habits_of(
    weights: Weights,
    tokens: npt.NDArray[Any],
    induction: npt.NDArray[Any] | None = None,
) -> list[Habits]:
    """The habits of N heads from their weights (N, T, T) over `tokens` (T,), T at least 2.

    `induction` (N,) is what `induction_scores` gave for the same heads.
    """
    together = max(1, WEIGHTS_TOGETHER // weights.shape[-1] ** 2)
    return [
        habits
        for first in range(0, len(weights), together)
        for habits in _habits_together(
            np.asarray(weights[first : first + together], dtype=np.float64),
            tokens,
            None if induction is None else induction[first : first + together],
        )
    ]


def _habits_together(
    weights: Weights, tokens: npt.NDArray[Any], induction: npt.NDArray[Any] | None
) -> list[Habits]:
    """The habits of a few heads at once: memory holds several copies of their weights."""
    N, T = weights.shape[:2]
    places = np.arange(T)
    distances = places[:, None] - places[None, :]  # (T, T), how far back a key lies
    entropies = -(weights * np.log(np.maximum(weights, 1e-30))).sum(-1)  # (N, T)
    greatest = np.log(places[1:] + 1.0)  # a row of t + 1 places
    same = _weight_on(weights, (tokens[:, None] == tokens[None, :]) & (distances > 0))
    previous_token = weights.diagonal(-1, 1, 2).mean(-1)  # all (N,) from here on
    first_token = weights[:, 1:, 0].mean(-1)
    current_token = weights[:, 1:].diagonal(1, 1, 2).mean(-1)
    distance = (weights[:, 1:] * distances[1:]).sum(-1).mean(-1)
    half_within = _half_within(weights)
    entropy = entropies[:, 1:].mean(-1)
    evenness = (entropies[:, 1:] / greatest).mean(-1)
    return [
        Habits(
            previous_token=float(previous_token[n]),
            first_token=float(first_token[n]),
            current_token=float(current_token[n]),
            same_token=None if same is None else float(same[n]),
            induction=None if induction is None else float(induction[n]),
            distance=float(distance[n]),
            half_within=float(half_within[n]),
            entropy=float(entropy[n]),
            evenness=float(evenness[n]),
        )
        for n in range(N)
    ]


def _weight_on(weights: Weights, places: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Mean weight (N,) on `places` (T, T), over the rows that have any; None if none has."""
    rows = places.any(-1)
    if not rows.any():
        return None
    on_places: npt.NDArray[Any] = (weights * places).sum(-1)[:, rows].mean(-1)
    return on_places


def _half_within(weights: Weights) -> npt.NDArray[Any]:
    """How many of the last tokens get half of the weight of heads (N, T, T) on average, itself one.

    (N,), as numbers from 1 to T.
    """
    T = weights.shape[-1]
    by_distance = [  # T times (N,), in the rows from the second on
        weights.diagonal(-back, 1, 2)[:, 1 if back == 0 else 0 :].sum(-1) for back in range(T)
    ]
    reached = np.cumsum(by_distance, axis=0) / (T - 1)  # (T, N)
    within: npt.NDArray[Any] = 1 + (reached < 0.5 - 1e-9).sum(0)
    return within


def weight_by_token(weights: Weights, tokens: npt.NDArray[Any]) -> dict[int, npt.NDArray[Any]]:
    """The mean weight that N heads, and last even attention, give to a token, (N + 1,) for each.

    All places of a token in the text (T,) together, in the rows from the second on, as for habits.
    The weights of all tokens sum to 1.
    """
    both = (weights, _even(len(tokens)))
    received = np.concatenate(
        [weight[:, 1:].mean(1, dtype=np.float64) for weight in both]
    )  # (N + 1, T)
    return {int(id): received[:, tokens == id].sum(-1) for id in np.unique(tokens)}


def preferences(texts: Sequence[dict[int, npt.NDArray[Any]]]) -> list[list[Preference]]:
    """The tokens that each of N heads looks at much more than even attention would.

    `texts` are what `weight_by_token` gave for some texts. At most three of each head, the largest
    share first, that get twice as much as from even attention and 3 % at least.
    """
    mean_weights: dict[int, npt.NDArray[Any]] = {}
    for by_token in texts:
        for id, share in by_token.items():
            mean_weights[id] = mean_weights.get(id, 0.0) + share / len(texts)
    heads = len(next(iter(mean_weights.values()))) - 1
    preferred = []
    for head in range(heads):
        shares = [
            Preference(id, float(weights[head]), float(weights[-1]))
            for id, weights in mean_weights.items()
        ]
        liked = [
            preference
            for preference in shares
            if preference.share >= max(PREFERRED_FROM, TIMES_EVEN * preference.even)
        ]
        preferred.append(sorted(liked, key=lambda preference: -preference.share)[:PREFERRED])
    return preferred


def induction_scores(weights: Weights, period: int) -> npt.NDArray[Any]:
    """The share (N,) that heads give, within the second half, to the token after the last match.

    `weights` (N, T, T) over a text of `period` tokens said twice, T = 2 `period`: a query at t
    stood before at t - period, and what followed it stands at t - period + 1 (Olsson et al. 2022).
    """
    after_match = np.asarray(weights, dtype=np.float64).diagonal(1 - period, axis1=-2, axis2=-1)
    second_half: npt.NDArray[Any] = after_match[:, 1:].mean(-1)  # queries period to 2 period - 1
    return second_half


def is_inducing(habits: Habits, chance: Habits) -> bool:
    """Whether a head does enough induction, named after it or not, to depend on an earlier one."""
    least = max(INDUCING_FROM, TIMES_CHANCE * (chance.induction or 0.0))
    return habits.induction is not None and habits.induction >= least


def feeders_of(score: float, without: dict[tuple[int, int], float]) -> list[Feeder]:
    """The earlier heads that an induction head of this score depends on, the most needed first.

    `without` says what is left of the score with one earlier head, (layer, head), switched off: a
    causal test, unlike the overlap of two heads' weights (Elhage et al. 2021 call the dependence
    K-composition). Of several heads that do the same, none alone is missed.
    """
    needed = [
        Feeder(layer, head, score_without)
        for (layer, head), score_without in without.items()
        if score - score_without >= FEEDS_FROM * score
    ]
    return sorted(needed, key=lambda feeder: feeder.without)[:FEEDERS]


def chance_of(tokens: npt.NDArray[Any], period: int | None = None) -> Habits:
    """The habits of a head that looks everywhere alike, over `tokens` (T,).

    `period` is that of the repeated texts on which `induction_scores` were taken, if they were.
    """
    induction = None if period is None else induction_scores(_even(2 * period), period)
    return habits_of(_even(len(tokens)), tokens, induction)[0]


def _even(T: int) -> Weights:
    """The weights (1, T, T) of a head that looks everywhere alike."""
    weights: Weights = np.tril(np.ones((1, T, T))) / np.arange(1, T + 1)[None, :, None]
    return weights


def name_of(habits: Habits, chance: Habits) -> str | None:
    """The habit after which a head may be named: its largest, if it stands out; else None.

    `"even"` where the head spreads its weight as evenly as it can.
    """
    if habits.evenness >= EVEN_FROM:
        return "even"
    scores = {place: getattr(habits, place) or 0.0 for place in PLACES}
    likely = {place: getattr(chance, place) or 0.0 for place in PLACES}
    place = max(scores, key=lambda habit: scores[habit])
    stands_out = scores[place] >= max(NAMED_FROM, TIMES_CHANCE * likely[place])
    return place if stands_out else None


def mean_habits(many: list[list[Habits]]) -> list[Habits]:
    """The habits of the same heads over several texts, averaged; what no text tells stays None."""

    def mean(values: Iterable[float | None]) -> float | None:
        measured = [value for value in values if value is not None]
        return math.fsum(measured) / len(measured) if measured else None

    def mean_of(same_head: tuple[Habits, ...]) -> Habits:
        values: dict[str, Any] = {
            field.name: mean(getattr(habits, field.name) for habits in same_head)
            for field in fields(Habits)
        }
        return Habits(**values)

    return [mean_of(same_head) for same_head in zip(*many)]
