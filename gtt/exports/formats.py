"""The formats in which a run can be exported, each described once. No torch is needed."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gtt.errors import BadInput

FormatName = Literal["transformers", "pocket", "script", "gguf", "report"]
# Of the pocket model: by its size, or as a person chooses.
WeightsName = Literal["auto", "fp16", "int8"]


@dataclass(frozen=True)
class Format:
    """One format: a file with this ending, or a folder where there is none.

    `title` and `about` are what the page shows. `is_of_model` tells that it holds a checkpoint.
    """

    name: FormatName
    title: str
    about: str
    ending: str
    media_type: str
    is_of_model: bool = True

    @property
    def sort(self) -> str:
        """What kind of file a download is, for a button."""
        return "ZIP" if self.is_folder else self.ending[1:].upper()

    def named(self, out: Path) -> Path:
        """The place that was named, with the format's ending where it has none."""
        return out.with_name(out.name + self.ending) if not out.suffix else out

    def file_name(self, run: str) -> str:
        """The file name of a download; formats that share an ending have their name in it."""
        alone = self.ending[1:] == self.name
        ending = ".zip" if self.is_folder else self.ending
        return f"{run}{ending}" if alone else f"{run}-{self.name}{ending}"

    @property
    def is_folder(self) -> bool:
        """Whether it is several files, which a download has as a ZIP."""
        return not self.ending


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format(
            "transformers",
            "Folder for transformers",
            "Model and tokenizer as AutoModelForCausalLM and AutoTokenizer load them.",
            "",
            "application/zip",
        ),
        Format(
            "pocket",
            "Pocket model",
            "One page with the model in it, which writes in any browser, also on a telephone and "
            "without a network. Its weights have 16 bits, or 8 where the file would be too large.",
            ".html",
            "text/html; charset=utf-8",
        ),
        Format(
            "script",
            "Script",
            "The model, its text and its training in plain PyTorch, to read and to run: "
            "python train.py. A run in fp32 on a CPU has the same losses there, step by step.",
            "",
            "application/zip",
            is_of_model=False,
        ),
        Format(
            "gguf",
            "GGUF",
            "The model as llama.cpp and the programs around it read it: byte pairs and the shape "
            "of GPT-2 only.",
            ".gguf",
            "application/octet-stream",
        ),
        Format(
            "report",
            "Report",
            "One page that tells all of the run: curves, samples, findings, attention, settings, "
            "and what it does not show. It prints well.",
            ".html",
            "text/html; charset=utf-8",
            is_of_model=False,
        ),
    )
}


def format_named(name: str) -> Format:
    """Raises `BadInput` that names the formats there are."""
    form = FORMATS.get(name)
    if form is None:
        similar = difflib.get_close_matches(name, FORMATS, n=1)
        hint = f"did you mean {similar[0]!r}? There" if similar else "there"
        raise BadInput(
            f"There is no format {name[:40]!r}: {hint} are {', '.join(FORMATS)}.", field="as"
        )
    return form
