"""Opens files in folders into which somebody else may have put pipes or devices.

Opening a pipe (FIFO) waits until another program writes into it, which may be for ever, and a
device may have no end. So everything but a plain file is refused, as a folder would be.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

# Without waiting, should it be a pipe; Windows has neither pipes among files nor this option.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_REASON = "Not a plain file"


def open_plain(path: Path | str, buffering: int = -1) -> BinaryIO:
    """The file opened to be read; raises OSError where it is gone, or no plain file."""
    return open(path, "rb", buffering=buffering, opener=_open)


def read_plain(path: Path | str) -> bytes:
    """All of it; raises OSError as `open_plain` does."""
    with open_plain(path) as file:
        return file.read()


def read_plain_text(path: Path | str) -> str:
    """All of it as UTF-8; raises OSError as `open_plain` does, and `UnicodeDecodeError`."""
    return read_plain(path).decode("utf-8")


def require_plain(path: Path | str) -> None:
    """Raises OSError as `open_plain` does, for readers that open by name themselves."""
    with open_plain(path):
        pass


def _open(path: str, flags: int) -> int:
    try:
        handle = os.open(path, _FLAGS | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise OSError(errno.EINVAL, _REASON, path) from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        is_folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        os.close(handle)
        if is_folder:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        raise OSError(errno.EINVAL, _REASON, path)
    return handle
