"""A file is the old one or the new one, whole, and nothing is left beside it."""

from __future__ import annotations

import os
import re
import stat
import threading
from pathlib import Path

import pytest

import gtt
from gtt.atomic_files import replacing, write_bytes, write_text


def test_it_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    write_text(path, "é\r\n")
    assert path.read_bytes() == "é\r\n".encode()
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space"), KeyboardInterrupt(), ValueError()])
@pytest.mark.parametrize("alone", [True, False])
def test_on_an_error_the_old_one_stays(
    alone: bool, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.json"
    write_text(path, "old")
    with pytest.raises(type(error)), replacing(path, alone=alone) as beside:
        beside.write_text("half")
        raise error

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        write_text(path, "half", alone=alone)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_what_a_dead_process_left_is_written_over_and_private_is_private(tmp_path: Path) -> None:
    left = tmp_path / ".one.json.partial"
    left.write_text("a longer text that was never finished")
    left.chmod(0o644)
    write_text(tmp_path / "one.json", "short", private=True)
    assert (tmp_path / "one.json").read_text() == "short" and not left.exists()
    assert stat.S_IMODE((tmp_path / "one.json").stat().st_mode) == 0o600


def test_several_at_once_do_not_meet(tmp_path: Path) -> None:
    path, texts = tmp_path / "one.json", [letter * 50_000 for letter in "abcdefgh"]
    threads = [
        threading.Thread(target=write_text, args=(path, text), kwargs={"alone": False})
        for text in texts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts and list(tmp_path.iterdir()) == [path]


def test_no_other_module_writes_files_this_way() -> None:
    """An upload and a corpus are folders that grow for long and are published by name."""
    root = Path(gtt.__file__).parent
    writing = {
        file.relative_to(root).as_posix()
        for file in root.rglob("*.py")
        if re.search(
            r'\.partial[-"]|mkstemp|os\.(replace|rename)\(', file.read_text(encoding="utf-8")
        )
    }
    assert writing == {"atomic_files.py", "api/uploads.py", "data/corpus.py"}
