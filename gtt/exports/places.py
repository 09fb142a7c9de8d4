"""Writes exports beside their place and renames them, so that none is ever half written.

An existing file or folder is not replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gtt.atomic_files import replacing, write_folder
from gtt.errors import BadInput, unwritable
from gtt.runs.folder import claim_folder


def write_new_file(out: Path, write: Callable[[Path], None]) -> None:
    """Lets `write` fill a file beside `out` and gives it that name; raises `BadInput`."""
    out = out.absolute()
    if out.exists() or out.is_symlink():
        raise BadInput(f"{out} is there already: name a new file, or move it away.", field="out")
    with _telling_of_the_disk(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out, alone=False) as beside:
            write(beside)


def write_new_folder(out: Path, write: Callable[[Path], None]) -> None:
    """Lets `write` fill a folder beside `out` and gives it that name; raises `BadInput`."""
    out = out.absolute()
    is_new = claim_folder(out, instead="name a new folder")
    try:
        with _telling_of_the_disk(out):
            write_folder(out, write)
    except BaseException:
        if is_new:
            with suppress(OSError):
                out.rmdir()
        raise


@contextmanager
def _telling_of_the_disk(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise BadInput(
                f"{out} was taken away while it was written, as by another export to the same "
                "place: try again.",
                field="out",
            ) from None
        raise BadInput(unwritable(out, error, "name another place"), field="out") from None
