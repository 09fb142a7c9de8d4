"""Errors for the caller of a job that was ended for its time, or whose process died."""

from __future__ import annotations

from gtt.errors import BadInput, UnusableData, UnusableRun
from gtt.inference.pipe import Busy
from gtt.inference.questions import (
    ExportJob,
    FigureJob,
    GenerateJob,
    Job,
    Look,
    OfText,
    TokenizeJob,
)


def too_long(job: Job, seconds: float) -> Exception:
    """What the caller of a job is told that was ended for its time."""
    if isinstance(job, OfText):
        return UnusableData(
            f"A look at this text takes more than {seconds:g} seconds of computing, which is the "
            "limit: give a part of it, or a file with fewer columns and shorter lines.",
            field="data.source",
        )
    if isinstance(job, TokenizeJob):
        return BadInput(
            f"This text takes more than {seconds:g} seconds to cut into tokens, which is the "
            "limit: give a shorter one.",
            field="text",
        )
    if isinstance(job, FigureJob):
        return UnusableRun(
            f"Drawing this takes more than {seconds:g} seconds of computing, which is the limit: "
            "lay fewer runs over each other.",
            field="also",
        )
    if isinstance(job, ExportJob):
        return UnusableRun(
            f"Making this takes more than {seconds:g} seconds of computing, which is the limit "
            "here: take the run home whole, and export it there in the terminal.",
            field="format",
        )
    return UnusableRun(
        f"This took longer than the {seconds:g} seconds that one question may take: ask about "
        "less text, or about a smaller model.",
        field="checkpoint",
    )


def deadly(job: Job) -> Exception:
    """What the caller of a job is told that ended process after process."""
    if isinstance(job, OfText):
        return UnusableData(
            "Reading this text ended the process that did it: it needs too much memory, or the "
            "file is damaged. Give a part of it, or write the file again.",
            field="data.source",
        )
    if isinstance(job, ExportJob):
        return UnusableRun(
            "Making this ended the process that worked on it: it needs more memory than there is "
            "here. Take the run home whole, and export it there in the terminal.",
            field="format",
        )
    if isinstance(job, Look | GenerateJob):
        return UnusableRun(
            "This question ended the process that worked on it: it needs more memory than there "
            "is. Ask about less text, or about a smaller model.",
            field="checkpoint",
        )
    return Busy("The process that worked on this ended unexpectedly; try again.", 1.0)
