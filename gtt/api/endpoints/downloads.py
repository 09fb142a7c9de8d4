"""Downloads of a run: its numbers, its curves as a figure, all of it as a ZIP."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from gtt.api.api_errors import Conflict
from gtt.api.archive import Entry, opened, pieces, streamed
from gtt.api.schemas import DrawFigure, OfMaybeRun, OfRun
from gtt.api.service import Caller
from gtt.api.table import Download, endpoint
from gtt.errors import BadInput, UnusableRun
from gtt.inference.pipe import Result
from gtt.inference.questions import FigureJob
from gtt.plain_files import open_plain
from gtt.runs.managed_run import ManagedRun
from gtt.runs.measured_points import csv_head, csv_row, measured_points
from gtt.runs.records import Record, read_record, sound

POINTS = 2000  # of one curve in a figure
TRIES = 5  # to open checkpoints that a training replaces meanwhile
LAST_BLOCK = 2**16  # bytes, in which the end of the journal's last line is looked for
ABOUT = ("format", "id", "config", "fingerprint", "created", "versions")  # of run.json: no owner

README = """\
A training run of GTT, taken home.

recipe.yaml    its settings; to train it again: python -m gtt train --recipe recipe.yaml
run.json       the same settings, with versions and the fingerprint of the data
journal.jsonl  everything that it said, one event a line
metrics.csv    every measured point, a row each
curves.svg     the loss curves
samples.txt    what the model wrote while it was trained
checkpoints/   the newest and the best; each loads in transformers

In this folder: python -m gtt generate . --prompt "One day"
"""
DAMAGED = """
This run is damaged: {damage}. Here is what can be read of it.
"""
UPLOADED = """\
# Its text was uploaded and is not in here. To train again, name the file:
# python -m gtt train --recipe recipe.yaml --data FILE
"""


# ------------------------------------------------------------------------------- numbers


@endpoint("GET", "/api/metrics.json", rate="look")
def metrics_json(caller: Caller, request: OfMaybeRun) -> Download:
    """Every measured point of a run as one JSON object, with its settings and baselines."""
    run = caller.run_or_current(request.run_id)
    return Download(f"{run.id}.json", "application/json", _metrics(run))


def _metrics(run: ManagedRun) -> Iterator[bytes]:
    view = run.view()
    head = {
        "id": run.id,
        "name": run.name,
        "config": run.config.model_dump(mode="json"),
        "parameters": view.parameters,
        "vocab_size": view.vocab_size,
        "bytes_per_token": view.bytes_per_token,
        "baselines": view.baselines,
    }
    yield json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "points": ['
    after, between = 0, "\n"
    while events := run.reader.events(after):
        after = int(events[-1]["seq"])
        points = [json.dumps(point) for point in measured_points(map(sound, events))]
        if points:
            yield (between + ",\n".join(points)).encode()
            between = ",\n"
    yield b"\n]}\n"


# ------------------------------------------------------------------------------- figures


@endpoint("GET", "/api/runs/{run_id}/figure", rate="look")
async def figure(caller: Caller, request: DrawFigure) -> Download:
    """The loss curves of a run as SVG or PNG, with the baselines; several runs laid over it."""
    ids = [request.run_id, *(request.also or "").split(",")] if request.also else [request.run_id]
    if len(set(ids)) < len(ids):
        raise BadInput("A run is named twice: name each run once.", field="also")
    runs = [caller.run(id) for id in ids]
    form, unit = request.format or "svg", request.unit or "loss"
    look = {"log": bool(request.log), "dark": bool(request.dark)}
    job = await asyncio.to_thread(_figure_of, runs, form, unit, **look)
    drawn = _file_in(await caller.ask(job))
    if drawn is None:
        raise Conflict("This run has measured nothing yet: wait for its first step.")
    kind = {"svg": "image/svg+xml", "png": "image/png"}[form]
    return Download(f"{runs[0].id}-{unit}.{form}", kind, iter([drawn]))


def _figure_of(
    runs: list[ManagedRun],
    form: str = "svg",
    unit: str = "loss",
    *,
    log: bool = False,
    dark: bool = False,
) -> FigureJob:
    """The job that draws the curves of these runs."""
    views = [run.view() for run in runs]
    curves = [
        {
            "name": run.name,
            "training": run.reader.curve("loss", POINTS),
            "validation": run.reader.curve("validation_loss", POINTS),
            "bytes_per_token": view.bytes_per_token,
        }
        for run, view in zip(runs, views, strict=True)
    ]
    baselines = views[0].baselines if len(runs) == 1 else None  # of several, each has its own
    return FigureJob(curves, baselines and dict(baselines), form, unit, log, dark)


def _file_in(answer: Result) -> bytes | None:
    """The figure as a file, None where there is nothing that can be drawn."""
    return None if answer["file"] is None else base64.b64decode(answer["file"])


# ------------------------------------------------------------------------------- the whole


@endpoint("GET", "/api/runs/{run_id}/archive", rate="look")
def archive(caller: Caller, request: OfRun) -> Download:
    """A whole run as a ZIP: settings, journal, metrics, curves, samples, checkpoints.

    Unpacked it is a run folder that the terminal can evaluate and generate from. `recipe.yaml` in
    it trains the run again. What resuming needs is left out.
    """
    run = caller.run(request.run_id)

    def draw(job: FigureJob) -> Result:  # in the thread that sends
        return asyncio.run(caller.ask(job))

    return Download(f"{run.id}.zip", "application/zip", run_archive(run, draw))


def run_archive(run: ManagedRun, draw: Callable[[FigureJob], Result]) -> Iterator[bytes]:
    """The archive of a run as it is when the first piece is asked for; `draw` makes its figure.

    A training that goes on changes nothing in it: the files of the checkpoints are held open, the
    journal is cut behind its last whole line, and whatever else is told is in it.
    """
    with ExitStack() as stack:
        marks, weights = _checkpoints(run, stack)
        picture = _file_in(draw(_figure_of([run])))
        config, damage = _settings(run), run.damage
        texts = {
            "README.txt": README + (DAMAGED.format(damage=damage) if damage else ""),
            "recipe.yaml": _recipe(run, config),
            **_about(run),
            **{mark: place + "\n" for mark, place in marks.items()},
        }
        entries = [Entry(name, [text.encode()]) for name, text in texts.items()]
        if picture is not None:
            entries.append(Entry("curves.svg", [picture]))
        with suppress(OSError):  # there is none yet, or a damaged one, as the README says
            entries += _journal_entries(run.folder.journal, stack)
        top = [Entry(f"{run.id}/{entry.name}", entry.chunks, entry.size) for entry in entries]
        yield from streamed([*top, *weights])


def _settings(run: ManagedRun) -> dict[str, Any]:
    """The settings with which the run was begun, or those in its journal."""
    try:
        return run.folder.config().model_dump(mode="json")
    except UnusableRun:
        return run.config.model_dump(mode="json")


def _about(run: ManagedRun) -> dict[str, str]:
    """`run.json` without its owner, where it can be read."""
    try:
        about = run.folder.about()
    except UnusableRun:
        return {}
    return {"run.json": _json({name: about[name] for name in ABOUT if name in about})}


def _checkpoints(run: ManagedRun, stack: ExitStack) -> tuple[dict[str, str], list[Entry]]:
    """The newest and the best checkpoint, by what they are marked as, and their open files.

    One is deleted only after the marks have moved on: marks that are the same before and after
    tell that all was there.
    """
    checkpoints = run.folder.checkpoints
    for _ in range(TRIES):
        try:
            places = {"latest": checkpoints.newest(), "best": checkpoints.best()}
            with ExitStack() as files:
                entries = [
                    entry
                    for place in sorted(set(places.values()))
                    for entry in opened(place, f"{run.id}/checkpoints/{place.name}", files)
                ]
                if places == {"latest": checkpoints.newest(), "best": checkpoints.best()}:
                    stack.enter_context(files.pop_all())
                    return {mark: place.name for mark, place in places.items()}, entries
        except FileNotFoundError:  # one went while it was opened
            continue
        except UnusableRun:  # none yet
            break
    return {}, []


def _journal_entries(path: Path, stack: ExitStack) -> list[Entry]:
    """The journal as it is now, cut behind its last whole line, and what is read from it."""
    whole, rows, samples = (stack.enter_context(open_plain(path)) for _ in range(3))
    end = _whole_bytes(whole)
    return [
        Entry("journal.jsonl", pieces(whole, end), end),
        Entry("metrics.csv", _rows(_records(rows, end)), end),
        Entry("samples.txt", _samples(_records(samples, end)), end),
    ]


def _whole_bytes(file: BinaryIO) -> int:
    """Bytes of a file up to the end of its last whole line."""
    end = file.seek(0, 2)
    while end > 0:
        begin = max(0, end - LAST_BLOCK)
        file.seek(begin)
        place = file.read(end - begin).rfind(b"\n")
        if place >= 0:
            end = begin + place + 1
            break
        end = begin
    file.seek(0)
    return end


def _records(file: BinaryIO, end: int) -> Iterator[Record]:
    """The records in the first `end` bytes of a journal."""
    for line in file:
        end -= len(line)
        if end < 0:
            return
        record = read_record(line)
        if record is not None:
            yield sound(record)


def _rows(records: Iterable[Record]) -> Iterator[bytes]:
    """Every measured point as a row, as `metrics_csv` has them."""
    yield csv_head()
    yield from map(csv_row, measured_points(records))


def _samples(records: Iterable[Record]) -> Iterator[bytes]:
    for record in records:
        if record.get("type") == "Sampled":
            text = f"{record.get('prompt', '')}{record.get('text', '')}"
            yield f"----- step {record.get('step', '?')} -----\n{text}\n\n".encode()


def _recipe(run: ManagedRun, config: dict[str, Any]) -> str:
    """The settings as a recipe file, which `python -m gtt train --recipe` takes."""
    values = {
        "title": run.name,
        "summary": f"The settings of the run {run.id}, begun {run.created}.",
        "audience": "whoever wants to train it again",
        "config": config,
        "measured": None,
    }
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
    return (UPLOADED if config["data"]["source"].startswith("upload:") else "") + text


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
