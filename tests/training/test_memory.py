"""How much memory there is: the machine's, or less in a container."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from gtt.training.memory import memory_of_machine


@pytest.mark.parametrize(
    ("written", "limit"), [("1000000\n", 10**6), ("max\n", None), ("9" * 30, None), (None, None)]
)
def test_a_container_may_have_less(tmp_path: Path, written: str | None, limit: int | None) -> None:
    file = tmp_path / "memory.max"
    if written is not None:
        file.write_text(written)
    whole = psutil.virtual_memory().total + psutil.swap_memory().total
    assert memory_of_machine(file) == (limit or whole)
