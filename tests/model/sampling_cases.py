"""Cases of sampling that Python and the page are both held to: `sampling_cases.json`.

`python tests/model/sampling_cases.py` writes them anew, with what Python makes of them.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch

from gtt.model.sampling import next_token_odds, penalise

FILE = Path(__file__).with_suffix(".json")
TEMPERATURES = (0, 1e-300, 0.1, 0.7, 1, 2)
CLOSE = 1e-4  # to a border of top-p, where the last digit of a sum would decide


def odds_of(case: dict[str, Any]) -> list[float]:
    """What Python makes of a case."""
    logits = torch.tensor([case["logits"]])
    if case["seen"]:
        logits = penalise(logits, torch.tensor([case["seen"]]), case["repetition_penalty"])
    shape = {name: case[name] for name in ("temperature", "top_k", "top_p")}
    odds: list[float] = next_token_odds(logits[0], **shape).tolist()
    return odds


def is_close(case: dict[str, Any]) -> bool:
    """Whether the odds before a token are all but top-p."""
    ranked = torch.tensor(odds_of({**case, "top_p": 1})).sort(descending=True).values.double()
    before = ranked.cumsum(0) - ranked
    return bool(((before - case["top_p"]).abs() < CLOSE).any())


def case(logits: list[float], **values: Any) -> dict[str, Any]:
    plain = {"temperature": 1, "top_k": 0, "top_p": 1, "repetition_penalty": 1, "seen": []}
    return {"logits": logits, **plain, **values}


def drawn(chance: random.Random) -> dict[str, Any]:
    """A case at random: of some tokens, half of the time with many equal ones among them."""
    size = chance.choice((2, 5, 12))
    if chance.random() < 0.5:
        logits = [float(chance.randrange(-2, 3)) for _ in range(size)]
    else:
        spread = chance.choice((1, 5, 40))
        logits = [round(chance.gauss(0, spread), 3) for _ in range(size)]
    return case(
        logits,
        temperature=chance.choice(TEMPERATURES),
        top_k=chance.choice((0, 0, 1, 3, size, size + 3)),
        top_p=chance.choice((1, 1, 0.3, 0.62, 0.95)),
        repetition_penalty=chance.choice((1, 1, 1.3, 0.8, 2)),
        seen=[chance.randrange(size) for _ in range(chance.randrange(4))],
    )


def cases() -> list[dict[str, Any]]:
    """All of them, without what is right."""
    one = [case([value], temperature=t, top_k=1, top_p=p) for value in (-3.5, 0.0, 9.0)
           for t in (0, 0.1, 2) for p in (0, 0.5, 1)]  # fmt: skip
    even = [case([1.0] * 4, top_p=p, top_k=k) for p in (0, 0.25, 0.5, 0.75, 1) for k in (0, 2)]
    first = [case([0.0, 2.0, 2.0, 1.0], temperature=t) for t in (0, 1e-300, 0.1)]
    ends = [case([0.5, -1.0, 2.0, 0.0, 2.5], top_p=p, top_k=k) for p in (0, 1) for k in (0, 5, 9)]
    chance = random.Random(13)
    some = (drawn(chance) for _ in range(1000))
    return [*one, *even, *first, *ends, *[one for one in some if not is_close(one)][:80]]


if __name__ == "__main__":
    lines = [json.dumps({**one, "odds": odds_of(one)}) for one in cases()]
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
