"""Where text can come from: the registry, and what a name given by a person means."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gtt.config import DataConfig
from gtt.errors import UnusableData

FILE_SUFFIXES = (".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".parquet")

UPLOAD = "upload:"  # before the id of a text that was uploaded to the page
_UPLOAD = re.compile(r"upload:[A-Za-z0-9_-]{8,64}")

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(:[^:/\\]*){0,3}")


@dataclass(frozen=True)
class Source:
    """One built-in source as the page and the terminal list it.

    `megabytes` is what is read where no limit is set, in 10^6 bytes; None where it depends on the
    machine. `offline` sources need no network, ever.
    """

    name: str
    title: str
    description: str
    licence: str
    megabytes: float | None
    offline: bool
    citation: str
    url: str | None = None


@dataclass(frozen=True)
class HubName:
    """`owner/name[:config][:split][:column]`; what is left empty is guessed."""

    dataset: str
    config: str | None = None
    split: str | None = None
    column: str | None = None


@dataclass(frozen=True)
class Resolved:
    """What a source setting names: exactly one of `source`, `path` and `hub` is set."""

    kind: Literal["built-in", "file", "hub"]
    name: str
    title: str
    source: Source | None = None
    path: Path | None = None
    hub: HubName | None = None


_OURS = "MIT, as GTT itself"

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "tales",
            "Tales",
            "Short tales from a small language whose rules are written down, so that the lowest "
            "possible loss is known and every sentence can be judged.",
            _OURS,
            1,
            True,
            "GTT, gtt/data/tales.py",
        ),
        Source(
            "copy",
            "Task: copy",
            "Eight random letters, then the same letters again: kqzbfmta>kqzbfmta.",
            _OURS,
            1,
            True,
            "GTT, gtt/data/tasks.py",
        ),
        Source(
            "reverse",
            "Task: reverse",
            "Eight random letters, then the same letters backwards: kqzbfmta>atmfbzqk.",
            _OURS,
            1,
            True,
            "GTT, gtt/data/tasks.py",
        ),
        Source(
            "addition",
            "Task: addition",
            "Sums of two numbers of two digits: 37+85=122.",
            _OURS,
            1,
            True,
            "GTT, gtt/data/tasks.py",
        ),
        Source(
            "induction",
            "Task: induction",
            "Twelve random letters, then six of them again from a random place: the next letter is "
            "the one that followed before, which takes two layers to find.",
            _OURS,
            1,
            True,
            "Olsson et al. (2022), In-context Learning and Induction Heads, arXiv:2209.11895",
        ),
        Source(
            "python",
            "Python's standard library",
            "The source code of the standard library of the Python that runs GTT.",
            "PSF-2.0",
            None,
            True,
            "Python Software Foundation, https://www.python.org",
            "https://docs.python.org/3/library/",
        ),
        Source(
            "tinyshakespeare",
            "Tiny Shakespeare",
            "40,000 lines from Shakespeare's plays, the text of char-rnn and nanoGPT.",
            "public domain",
            1.115394,
            False,
            "Karpathy (2015), The Unreasonable Effectiveness of Recurrent Neural Networks",
            "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        ),
        Source(
            "wikitext-2",
            "WikiText-2",
            "Good and featured articles of the English Wikipedia (raw form, training split).",
            "CC BY-SA 3.0",
            10.9,
            False,
            "Merity et al. (2016), Pointer Sentinel Mixture Models, arXiv:1609.07843",
            "https://huggingface.co/datasets/Salesforce/wikitext",
        ),
        Source(
            "tinystories",
            "TinyStories",
            "Short stories in the words of a small child, written by GPT-3.5 and GPT-4; the first "
            "20 MB unless another limit is set.",
            "CDLA-Sharing-1.0",
            20,
            False,
            "Eldan and Li (2023), TinyStories: How Small Can Language Models Be and Still Speak "
            "Coherent English?, arXiv:2305.07759",
            "https://huggingface.co/datasets/roneneldan/TinyStories",
        ),
    )
}


def describe_sources() -> list[Source]:
    """The built-in sources in the order in which they are offered."""
    return list(SOURCES.values())


def resolve_source(text: str, uploads: Path | None = None) -> Resolved:
    """A built-in name, an upload, an existing file, or a Hub data set, tried in this order.

    With `uploads`, the folder of what a visitor brought, `upload:ID` is looked for in there and no
    other file is opened. Raises `UnusableData` that names the nearest built-in source, or what is
    wrong with the path.
    """
    name = text.strip()
    if name.lower() in SOURCES:
        source = SOURCES[name.lower()]
        return Resolved("built-in", source.name, source.title, source=source)
    if name.startswith(UPLOAD):
        return _resolve_upload(name, uploads)
    path = local_path(name)
    if uploads is None and is_there(path):
        return _resolve_file(name, path)
    if names_a_file(name):
        raise UnusableData(
            f"There is no file {name!r} here: check the path, or upload the file.",
            field="data.source",
        )
    hub = hub_name(name)
    if hub is not None:
        return Resolved("hub", name, hub.dataset, hub=hub)
    near = difflib.get_close_matches(name.lower()[:100], SOURCES, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(SOURCES)};"
    raise UnusableData(
        f"There is no source {_shown(name)}: {hint} A file is given by its path, a data set of the "
        "Hugging Face Hub as owner/name[:config][:split][:column].",
        field="data.source",
    )


def names_a_file(name: str) -> bool:
    """Whether a source is a file and nothing else, wherever it lies: by its ending."""
    return local_path(name).suffix.lower() in FILE_SUFFIXES


def hub_name(name: str) -> HubName | None:
    """A source that can be a data set of the Hub; whatever is no file and written like one."""
    if not _HUB_NAME.fullmatch(name):
        return None
    parts = [part.strip() or None for part in name.split(":")]
    parts += [None] * (4 - len(parts))
    return HubName(parts[0] or "", parts[1], parts[2], parts[3])


def with_absolute_paths(data: DataConfig) -> DataConfig:
    """The same with whole paths of a file and a tokenizer that are here, as a run keeps them.

    It may be resumed from elsewhere, and only a whole path is sure to be known as one.
    """
    changes = {}
    name = data.source.strip()
    if name.lower() not in SOURCES and names_a_file(name) and is_there(local_path(name)):
        changes["source"] = str(local_path(name).absolute())
    own = local_path(data.pretrained_tokenizer)
    if data.tokenizer == "pretrained" and is_there(own):
        changes["pretrained_tokenizer"] = str(own.absolute())
    return data.model_copy(update=changes)


def _resolve_upload(name: str, uploads: Path | None) -> Resolved:
    """The text that a visitor brought: `uploads/ID/text.*`, with its name in `upload.json`."""
    place = uploads / name[len(UPLOAD) :] if uploads and _UPLOAD.fullmatch(name) else None
    files = [place / f"text{suffix}" for suffix in FILE_SUFFIXES] if place else []
    for path in files:
        if path.is_file():
            assert place is not None
            about = json.loads((place / "upload.json").read_text(encoding="utf-8"))
            return Resolved("file", name, str(about["name"]), path=path)
    raise UnusableData(
        f"There is no upload {_shown(name)} here: upload the text again.", field="data.source"
    )


def _resolve_file(name: str, path: Path) -> Resolved:
    if path.is_dir():
        raise UnusableData(
            f"{name!r} is a folder: name one file in it ({', '.join(FILE_SUFFIXES)}).",
            field="data.source",
        )
    if path.suffix.lower() not in FILE_SUFFIXES:
        ending = repr(path.suffix) if path.suffix else "no ending"
        raise UnusableData(
            f"{path.name!r} has {ending}, and what can be read is {', '.join(FILE_SUFFIXES)}: "
            + way_with(path.suffix),
            field="data.source",
        )
    return Resolved("file", path.name, path.name, path=path)


def way_with(suffix: str) -> str:
    """What to do with a file whose ending is not known."""
    if suffix.lower() == ".tab":
        return "rename it to .tsv if there are tabs between its cells."
    return "rename it to .txt if it is plain text."


def local_path(text: str) -> Path:
    """The path that a text names, with `~` for a home where there is such a person."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; a name that none can have names none."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a path, or with a zero byte
        return False


def _shown(name: str) -> str:
    return repr(name) if len(name) <= 60 else repr(name[:57] + "...")
