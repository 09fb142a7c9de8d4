"""Exports a run: the writer of each format, and the place of its file or folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput, UnusableRun
from gtt.exports.about import ABOUT, about_without_paths
from gtt.exports.formats import Format, WeightsName
from gtt.exports.places import write_new_file, write_new_folder
from gtt.model.export import load_model
from gtt.runs.folder import RunFolder


@dataclass(frozen=True)
class RunToExport:
    """A run to be exported: its folder, its checkpoint if there is one, and the corpora.

    `weights` is the precision of a pocket model.
    """

    run: RunFolder
    checkpoint: Path | None
    corpora: Path
    weights: WeightsName = "auto"

    @property
    def model_folder(self) -> Path:
        """Raises `UnusableRun` where there is no checkpoint."""
        if self.checkpoint is None:
            raise UnusableRun("This run has saved no checkpoint: train on, or take its report.")
        return self.checkpoint


def export(exported: RunToExport, form: Format, out: Path) -> None:
    """Writes a format to a new place; raises `BadInput` and leaves nothing behind then."""
    if exported.weights != "auto" and form.name != "pocket":
        raise BadInput(
            "Only a pocket model has weights to choose: leave them out, or take the pocket model.",
            field="weights",
        )
    write = WRITERS[form.name]
    place = write_new_folder if form.is_folder else write_new_file
    place(out, lambda beside: write(exported, beside))


def write_transformers(exported: RunToExport, folder: Path) -> None:
    """The checkpoint as it is, once it is known to be whole."""
    checkpoint = exported.model_folder
    model, _ = load_model(checkpoint)
    tokenizer = Tokenizer.load(checkpoint)
    if tokenizer.vocab_size != model.vocab_size:
        raise UnusableRun(
            f"{checkpoint}: the tokenizer has {tokenizer.vocab_size:,} tokens, the model "
            f"{model.vocab_size:,}: take another checkpoint."
        )
    for path in sorted(checkpoint.iterdir()):
        if path.is_file():
            shutil.copyfile(path, folder / path.name)
    (folder / ABOUT).write_text(about_without_paths(checkpoint), encoding="utf-8")


def write_pocket(exported: RunToExport, file: Path) -> None:
    """The page with the model in it."""
    from gtt.exports.pocket_page import pocket_page

    page = pocket_page(exported.model_folder, exported.run.config(), exported.weights)
    file.write_text(page, encoding="utf-8")


def write_script(exported: RunToExport, folder: Path) -> None:
    """The script and what it reads."""
    from gtt.exports.script_folder import write_script_folder

    write_script_folder(exported.run, exported.corpora, folder)


def write_gguf(exported: RunToExport, file: Path) -> None:
    """The model as llama.cpp reads it."""
    from gtt.exports.gguf_file import write_gguf_file

    write_gguf_file(exported.model_folder, exported.run.config(), file)


def write_report(exported: RunToExport, file: Path) -> None:
    """The page that tells of the run."""
    from gtt.exports.report_page import report_page

    file.write_text(report_page(exported.run), encoding="utf-8")


WRITERS: dict[str, Callable[[RunToExport, Path], None]] = {
    "transformers": write_transformers,
    "pocket": write_pocket,
    "script": write_script,
    "gguf": write_gguf,
    "report": write_report,
}
