"""Arithmetic written out: one number, with the numbers that it comes from.

A pocket calculator gets from what stands left of `=` what stands right of it, up to the rounding of
what is shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

TERMS = 3  # products that are shown; the others are told as one number


def shown(x: float) -> str:
    """A number with about three digits, a true minus before it where it is negative."""
    size = abs(x)
    if size >= 1e5 or 0 < size < 1e-4:
        text = f"{x:.3g}"
    elif size >= 1000:
        text = f"{x:.1f}"
    else:
        text = f"{x:.3f}" if size >= 0.1 or size == 0 else f"{x:#.3g}"
    return text.replace("-", "−")


def factor(x: float) -> str:
    """A number as it stands behind another sign: a negative one in brackets."""
    return f"({shown(x)})" if x < 0 else shown(x)


def dot(a: Tensor, b: Tensor, names: Sequence[str] = ()) -> str:
    """The largest products of a · b, both (N,), and the others in one; `names` tell the N apart."""
    products = a * b
    largest = products.abs().topk(min(TERMS, len(products))).indices.tolist()
    parts = [
        f"{factor(float(a[i]))} · {factor(float(b[i]))}" + (f" [{names[i]}]" if names else "")
        for i in largest
    ]
    left_out = len(products) - len(largest)
    if left_out:
        sum_of_others = float(products.sum() - products[largest].sum())
        parts.append(f"{factor(sum_of_others)} [sum of the other {left_out}]")
    return " + ".join(parts)


def plus(expression: str, bias: Tensor | None, at: int) -> str:
    """An expression with number `at` of a bias behind it, where there is one."""
    return expression if bias is None else f"{expression} + {factor(float(bias[at]))}"


def equal(expression: str, value: float) -> str:
    """`expression = value`."""
    return f"{expression} = {shown(value)}"
