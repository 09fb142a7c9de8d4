"""How much memory there is: the machine's, or less in a container."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from gtt.training.memory import AHEAD, is_glibc, memory_of_machine


@pytest.mark.parametrize(
    ("written", "limit"), [("1000000\n", 10**6), ("max\n", None), ("9" * 30, None), (None, None)]
)
def test_a_container_may_have_less(tmp_path: Path, written: str | None, limit: int | None) -> None:
    file = tmp_path / "memory.max"
    if written is not None:
        file.write_text(written)
    whole = psutil.virtual_memory().total + psutil.swap_memory().total
    assert memory_of_machine(file) == (limit or whole)


HEAP = """
import ctypes, re, sys, threading
from gtt.training.memory import keep_freed_memory, limit_memory, use_large_pages

def kilobytes(field):
    areas = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", open("/proc/self/smaps").read(), flags=re.M)
    heap = [area for area in areas if area.split("\\n")[0].endswith("[heap]")]
    large = [area for area in heap if " hg" in re.search("VmFlags:.*", area)[0]]
    return sum(int(re.search(rf"^{field}: *(\\d+) kB", area, re.M)[1]) for area in large)

limit = int(sys.argv[1])
keep_freed_memory()
limit_memory(limit or None, first_to_go=0)
use_large_pages()
threading.Thread(target=print).start()  # its stack is to fit in as well
print(kilobytes("Rss"))
if not limit:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    libc.free(libc.malloc(ctypes.c_size_t(2_200_000_000)))  # freed, and kept
print(kilobytes("Size"))
"""


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists() or not is_glibc(),
    reason="wants Linux with large pages, and glibc",
)
@pytest.mark.parametrize(("limit", "ahead"), [(0, AHEAD), (2**31, AHEAD // 2), (2**28, 2**26)])
def test_memory_to_come_lies_on_large_pages_and_takes_none_yet(limit: int, ahead: int) -> None:
    command = [sys.executable, "-c", HEAP, str(limit)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    resident, size = (1024 * int(number) for number in told)
    assert ahead - 2**14 < size < ahead + 2**20
    assert resident < 2**23
