"""Texts with parts that a run needs or not.

A line `#? EXPRESSION` begins a part that is taken where the expression holds, `#!` the part that is
taken otherwise, and `#.` ends it; parts may lie in parts. `@name@` stands for a value. The
expressions are ours, in files of this package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_VALUE = re.compile(r"@(\w+)@")


def fill(template: str, values: Mapping[str, Any]) -> str:
    """The text for these values; raises KeyError for a value that is missing."""
    lines: list[str] = []
    taken = [True]
    for line in template.splitlines():
        if line.startswith("#? "):
            taken.append(bool(eval(line[3:], {"__builtins__": {}}, dict(values))))
        elif line == "#!":
            taken[-1] = not taken[-1]
        elif line == "#.":
            taken.pop()
        elif all(taken):
            lines.append(_VALUE.sub(lambda found: str(values[found[1]]), line))
    assert taken == [True], "a part of the template does not end"
    return "\n".join(lines) + "\n"
