"""Private doors: all uses of private names of libraries, which a new version may change.

`gradio` and `server` (Starlette, uvicorn) hold them all, each a small function with its reason, and
nothing else of the server touches a private name: docs/private-doors.md. Each looks whether its
door is where it was; `tests/api/test_doors.py` walks through all of them as they are installed.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from gtt.errors import GTTError


class DoorMoved(GTTError):
    """A library has changed what a door leads to; `name` says where it was looked for."""

    def __init__(self, library: str, name: str) -> None:
        super().__init__(
            f"{library} {version(library)} has no {name} any more, on which this server relies: "
            "install the versions of requirements.txt, or mend the door (docs/private-doors.md)."
        )


def behind(library: str, holder: Any, *names: str) -> Any:
    """The attribute that `names` lead to from `holder`; raises `DoorMoved`."""
    place = getattr(holder, "__name__", type(holder).__name__)
    for name in names:
        place = f"{place}.{name}"
        try:
            holder = getattr(holder, name)
        except AttributeError:
            raise DoorMoved(library, place) from None
    return holder
