"""Prepares an uploaded text in a process of its own, which it may crash.

    python -m gtt.runs.preparation_process < ORDER

The process that trains waits for it, and can stop, watch the clock and report what happened,
however long a reader takes and however much memory it wants. The corpus is then found in its usual
place.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gtt.config import DataConfig
from gtt.data.corpus import build_corpus
from gtt.data.progress import Progress, Report
from gtt.errors import BadInput, GTTError, InvalidSetting, UnusableData
from gtt.runs.home import Home
from gtt.settings import parse
from gtt.training.memory import limit_memory

LOOK_EVERY = 0.2  # seconds between two looks at whether to go on
TELL_EVERY = 0.1  # seconds between two lines on how far it is
LAST_SECONDS = 2.0  # that a process has from its last word to its end
MEMORY = 3 * 2**30  # bytes for the text of a stranger

Message = dict[str, Any]


def prepare_apart(
    config: DataConfig,
    home: Home,
    uploads: Path | None,
    report: Report,
    look: Callable[[], None],
    memory: int | None,
) -> None:
    """Prepares the corpus of these settings, with at most so many bytes of memory.

    `look` is called several times a second; what it or `report` raises ends the other process and
    goes on from here. Raises `UnusableData`, also where that process dies, and the `BadInput` that
    it met.
    """
    order = {
        "data": config.model_dump(mode="json"),
        "corpora": str(home.corpora),
        "sources": None if home.sources is None else str(home.sources),
        "uploads": None if uploads is None else str(uploads),
        "memory": memory,
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "gtt.runs.preparation_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None and child.stdout is not None
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        with suppress(OSError, ValueError):
            for line in iter(child.stdout.readline, b""):  # type: ignore[union-attr]
                lines.put(line)
        lines.put(b"")

    listener = threading.Thread(target=listen, name="preparing", daemon=True)
    listener.start()
    try:
        with suppress(OSError):  # of its end the other pipe tells
            child.stdin.write(json.dumps(order).encode() + b"\n")
            child.stdin.flush()  # and open: its end is ours
        while True:
            look()
            with suppress(queue.Empty):
                line = lines.get(timeout=LOOK_EVERY)
                if not line.endswith(b"\n"):
                    raise _died(exit_code_of(child), memory)
                message = json.loads(line)
                if "error" in message:
                    raise _as_error(message["error"])
                if "fingerprint" in message:
                    return
                report(Progress(**message))
    finally:
        child.kill()
        child.wait()
        listener.join()
        for pipe in (child.stdin, child.stdout):
            with suppress(OSError):
                pipe.close()


def exit_code_of(child: subprocess.Popen[bytes]) -> int:
    """How a process ended that says nothing more; one that does not end is ended."""
    try:
        return child.wait(LAST_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _died(code: int, memory: int | None) -> UnusableData:
    most = "there is" if memory is None else f"the {memory / 1e9:.2g} GB that a text may take"
    return UnusableData(
        f"Preparing this text ended the process that did it (exit {code}): it needs more memory "
        f"than {most}, or the file is damaged. Use less of it, or write the file again.",
        field="data.source",
    )


def _as_error(values: dict[str, Any]) -> Exception:
    if values["kind"] == OSError.__name__:
        return OSError(values["field"], str(values["message"]))
    kinds = {kind.__name__: kind for kind in (BadInput, InvalidSetting, UnusableData)}
    kind = kinds.get(values["kind"])
    if kind is None:
        return GTTError(str(values["message"]))
    return kind(str(values["message"]), field=values["field"])


# ------------------------------------------------------------------------ the other process


def main() -> None:
    """Prepares what the order on stdin asks for, and tells of it on stdout."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    limit_memory(order["memory"], first_to_go=600)
    lock = threading.Lock()

    def send(message: Message) -> None:
        with lock:
            pipe.write(json.dumps(message).encode() + b"\n")
            pipe.flush()

    last = ("", 0.0)

    def report(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if progress.stage != last[0] or now - last[1] >= TELL_EVERY:
            last = (progress.stage, now)
            send(asdict(progress))

    try:
        corpus = build_corpus(
            parse(DataConfig, order["data"]),
            Path(order["corpora"]),
            sources_folder=Path(order["sources"]) if order["sources"] else None,
            uploads=Path(order["uploads"]) if order["uploads"] else None,
            progress=report,
        )
    except BadInput as error:
        kind = UnusableData if isinstance(error, UnusableData) else BadInput
        send(_described(kind, error.message, error.field))
    except OSError as error:  # the disk
        details = {"message": error.strerror or str(error), "field": error.errno}
        send({"error": {"kind": OSError.__name__, **details}})
    except MemoryError:
        send(_described(UnusableData, _died(1, order["memory"]).message, "data.source"))
    except BaseException:  # a fault of ours: its end is told by the other side
        traceback.print_exc()
        os._exit(1)
    else:
        send({"fingerprint": corpus.fingerprint})
    os._exit(0)  # a thread waits at stdin, which an end by itself would wait for


def _described(kind: type[BadInput], message: str, field: str | None) -> Message:
    return {"error": {"kind": kind.__name__, "message": message, "field": field}}


def _end_with_parent() -> None:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
