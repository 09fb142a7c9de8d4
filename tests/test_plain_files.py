"""What is no plain file is refused at once, and what is one is read as ever."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gtt.errors import UnusableRun
from gtt.plain_files import open_plain, read_plain, read_plain_text, require_plain
from gtt.runs.journal import last_told


def test_a_plain_file_is_read_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "text"
    place.write_bytes("größer\n".encode())
    assert read_plain(place) == place.read_bytes() and read_plain_text(place) == "größer\n"
    (tmp_path / "link").symlink_to(place)
    require_plain(tmp_path / "link")
    with open_plain(place, buffering=0) as file:
        assert not os.get_inheritable(file.fileno())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes among files")
def test_what_is_no_plain_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    begun = time.monotonic()
    for name in ("pipe", "device"):
        with pytest.raises(OSError, match="Not a plain file"):
            read_plain(tmp_path / name)
    with pytest.raises(IsADirectoryError):
        open_plain(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_plain(tmp_path / "nothing")
    with pytest.raises(OSError):
        open_plain(tmp_path / "circle")
    with pytest.raises(UnusableRun, match="Not a plain file"):
        last_told(tmp_path / "pipe")
    assert time.monotonic() - begun < 1
