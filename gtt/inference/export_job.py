"""The job that exports a run, in a process beside the server."""

from __future__ import annotations

from pathlib import Path

from gtt.errors import FULL_DISK, BadInput
from gtt.exports.formats import format_named
from gtt.exports.making import RunToExport, export
from gtt.inference.pipe import Busy, Result
from gtt.inference.questions import ExportJob
from gtt.inference.stored import unusable
from gtt.runs.folder import RunFolder


def export_job(job: ExportJob) -> Result:
    """Writes the file or folder; raises `BadInput` without paths, and `Busy` for a full disk."""
    checkpoint = None if job.checkpoint is None else Path(job.checkpoint)
    exported = RunToExport(RunFolder(Path(job.run)), checkpoint, Path(job.corpora), job.weights)
    try:
        export(exported, format_named(job.form), Path(job.out))
    except BadInput as error:
        if isinstance(error.__context__, OSError) and error.__context__.errno in FULL_DISK:
            raise Busy("The server has no room on its disk for this file now.", 60.0) from None
        if job.checkpoint is None:
            raise BadInput(error.message.replace(job.run, "This run"), field=error.field) from None
        refusal = unusable(error.message.replace(job.run + "/", ""), job.checkpoint)
        raise BadInput(refusal.message, field=error.field) from None
    return {}
