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
    branches = [True]
    for line in template.splitlines():
        if line.startswith("#? "):
            branches.append(bool(eval(line[3:], {"__builtins__": {}}, dict(values))))
        elif line == "#!":
            branches[-1] = not branches[-1]
        elif line == "#.":
            branches.pop()
        elif all(branches):
            lines.append(_VALUE.sub(lambda match: str(values[match[1]]), line))
    assert branches == [True], "a part of the template does not end"
    return "\n".join(lines) + "\n"
