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


SERVED = """
import ctypes, sys, threading
from gtt.training.memory import give_freed_memory_back, trim_memory

if sys.argv[1] == "given back":
    give_freed_memory_back()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if "VmRSS" in line)

def take(size):
    place = libc.malloc(ctypes.c_size_t(size))
    ctypes.memset(place, 1, size)
    return place

def answers(size, count):  # each with something small that is kept
    large = []
    for _ in range(count):
        large.append(take(size))
        take(5000)
    for place in large:
        libc.free(place)

answers(4_000_000, 4)  # after which glibc would keep buffers of this size
before = resident()
answers(1_000_000, 100)
print(resident() - before)
answers(60_000, 1000)
trim_memory()
print(resident() - before)
"""


@pytest.mark.skipif(not is_glibc(), reason="wants glibc")
def test_a_server_gives_back_what_it_held_for_a_while() -> None:
    def kilobytes(how: str) -> list[int]:
        command = [sys.executable, "-c", SERVED, how]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [int(line) for line in told.split()]

    at_once, trimmed = kilobytes("given back")
    assert at_once < 5000 and trimmed < 10_000
    assert kilobytes("left alone")[0] > 80_000  # else this test shows nothing
