"""Exports of a run in other formats: made in a process of its own, then sent."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from gtt.api.archive import opened, pieces, streamed
from gtt.api.endpoints.checkpoints import answer_about
from gtt.api.schemas import Inside, TakeHome
from gtt.api.service import Caller, Service
from gtt.api.table import Download, endpoint
from gtt.exports.formats import Format, format_named
from gtt.inference.questions import ExportJob
from gtt.runs.home import folder_bytes
from gtt.runs.managed_run import ManagedRun

ABANDONED = 3600  # seconds after which what a server that was killed left behind is swept away
SPARE = 64 * 2**20  # bytes beside the weights that a file may take


@endpoint("GET", "/api/runs/{run_id}/exports/{format}", rate="look")
async def export_run(caller: Caller, request: TakeHome) -> Download:
    """A run to take home: as one file, or as a ZIP of several.

    `transformers` is the folder that `from_pretrained` loads; `pocket` one page that runs the model
    in any browser, without a network; `script` one PyTorch file that trains it, with what it reads;
    `gguf` what llama.cpp reads; `report` a page that tells all of the run.
    """
    run, form = caller.run(request.run_id), format_named(request.format)
    desk = caller.service.home.exports
    place = desk / secrets.token_hex(16)
    try:
        await asyncio.to_thread(_make_room, caller.service, run, place)
        made = place / f"{run.id}{form.ending}"

        def job(checkpoint: str | None) -> ExportJob:
            corpora = str(caller.service.home.corpora)
            return ExportJob(
                checkpoint, str(run.path), form.name, str(made), corpora, request.weights
            )

        if form.is_of_model:
            await answer_about(caller, run, Inside(checkpoint=request.checkpoint), job)
        else:
            await caller.ask(job(None))
        return await asyncio.to_thread(_to_send, run, form, made)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _make_room(service: Service, run: ManagedRun, place: Path) -> None:
    """The folder in which a file is made; raises `Unavailable` where the disk is full."""
    service.workspaces.check_room(folder_bytes(run.path) + SPARE)
    place.mkdir(parents=True)
    for other in place.parent.iterdir():
        if time.time() - other.stat().st_mtime > ABANDONED:
            shutil.rmtree(other, ignore_errors=True)


def _to_send(run: ManagedRun, form: Format, made: Path) -> Download:
    """The file, or the folder as a ZIP; held open, so that it can be deleted at once."""
    with ExitStack() as stack:
        if form.is_folder:
            entries = opened(made, f"{run.id}-{form.name}", stack)
            chunks = streamed(entries)
        else:
            file = stack.enter_context(made.open("rb"))
            chunks = pieces(file, made.stat().st_size)
        return Download(
            form.file_name(run.id), form.media_type, _chunks_then_close(chunks, stack.pop_all())
        )


def _chunks_then_close(chunks: Iterator[bytes], files: ExitStack) -> Iterator[bytes]:
    with files:
        yield from chunks
