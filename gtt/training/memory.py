"""How the process gets its memory, and how much there is."""

from __future__ import annotations

import ctypes
import mmap
import platform
import sys
from contextlib import suppress
from pathlib import Path

import psutil

LIMIT_OF_CONTAINER = Path("/sys/fs/cgroup/memory.max")
AHEAD = 1 << 30  # bytes of heap
LARGE_BUFFER = 1 << 17  # bytes of a buffer that a server gives back by itself
FEW_HEAPS = 2


def memory_of_machine(limit_file: Path = LIMIT_OF_CONTAINER) -> int:
    """Bytes of memory and swap, or what the container that this runs in may use of them."""
    total = int(psutil.virtual_memory().total + psutil.swap_memory().total)
    try:
        return min(total, int(limit_file.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no container, or one without a limit
        return total


def keep_freed_memory() -> None:
    """Asks glibc to keep large freed buffers instead of giving them back to the system.

    A training step frees its activations and asks for the same ones a moment later; given back,
    each page has to be faulted in anew, which costs about a sixth of the step
    (docs/measurements.md).
    For a process that trains, at its start. Elsewhere than on glibc it does nothing.
    """
    if not is_glibc():
        return
    trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX in malloc.h
    libc = ctypes.CDLL(None)
    libc.mallopt(mmap_max, 0)
    libc.mallopt(trim_threshold, -1)  # never


def give_freed_memory_back() -> None:
    """Asks glibc to give large freed buffers back to the system at once, and to keep few heaps.

    Left alone, it raises the size from which a buffer is given back with each one that is freed,
    up to 32 MB, and opens a heap for every thread: what a server held once it then keeps.
    For a process that serves, at its start. Elsewhere than on glibc it does nothing.
    """
    if not is_glibc():
        return
    mmap_threshold, arena_max = -3, -8  # M_MMAP_THRESHOLD and M_ARENA_MAX in malloc.h
    libc = ctypes.CDLL(None)
    libc.mallopt(mmap_threshold, LARGE_BUFFER)
    libc.mallopt(arena_max, FEW_HEAPS)


def trim_memory() -> None:
    """Gives back what is free now, in whole pages; some milliseconds for a heap of 100 MB.

    Elsewhere than on glibc it does nothing.
    """
    if is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def use_large_pages(ahead: int = AHEAD) -> None:
    """Asks Linux to back the next `ahead` bytes of the heap with pages of 2 MB instead of 4 KB.

    Fewer addresses have to be looked up, which makes a step 2 to 9 % faster (docs/measurements.md).
    The bytes are promised and take no memory before they are used; of a limit on the process at
    most a quarter is promised, so set the limit first.
    For a process that trains and keeps freed memory. Elsewhere than on glibc it does nothing.
    """
    if not is_glibc():
        return
    import resource  # which Windows has not

    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if limit != resource.RLIM_INFINITY:
        ahead = min(ahead, limit // 4)
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    if start := libc.malloc(ahead):
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        whole = (start + ahead - first) // mmap.PAGESIZE * mmap.PAGESIZE
        libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(whole), mmap.MADV_HUGEPAGE)
        libc.free(start)  # it stays the process's, for the next buffers


def is_glibc() -> bool:
    """Whether the process gets its memory from Linux by way of glibc."""
    return platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"


def limit_memory(limit: int | None, first_to_go: int) -> None:
    """Makes this process the one that is refused memory, or killed for it, before any other.

    `limit` is in bytes, None for no limit. `first_to_go` is how much sooner than others the system
    picks it where memory runs out, from 0 to 1000. Elsewhere than on Linux it does nothing.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(first_to_go), encoding="ascii")
    if limit is not None:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
