"""Describes a run in a few words, and names runs that nobody has named.

`licences, characters, 0.4 M` tells two runs of one recipe apart once the text or the model has been
changed, where `quickstart 2` does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from gtt.config import DataConfig, RunConfig, size_name
from gtt.data.sources import SOURCES, UPLOAD, names_a_file
from gtt.recipes import recipe_names
from gtt.runs.limits import expected_vocabulary

LONGEST_TEXT = 50  # characters of a text's name that go into the name of a run


def text_name(source: str, uploaded: str | None = None) -> str:
    """What a person calls the text; an upload is called as its file was, without the ending."""
    source = source.strip()
    if source.lower() in SOURCES:
        return source.lower()
    if source.startswith(UPLOAD):
        name = PurePath(uploaded or "").stem or "an upload"
    elif names_a_file(source) or PurePath(source).is_absolute():
        name = PurePath(source).stem
    else:  # owner/name[:config][:split][:column]
        name = source.partition(":")[0].rpartition("/")[2]
    name = "".join(c if c.isprintable() else " " for c in name).strip()
    return f"{name[: LONGEST_TEXT - 1]}…" if len(name) > LONGEST_TEXT else name or "a text"


def tokenizer_name(data: DataConfig) -> str:
    """How the text becomes tokens."""
    if data.tokenizer == "bpe":
        return f"byte pairs ({data.vocab_size:,})"
    if data.tokenizer == "pretrained":
        return data.pretrained_tokenizer.rpartition("/")[2]
    return "characters"


def parameters_of(config: RunConfig, vocab_size: int | None = None) -> int:
    """The parameters of a run; nearly, where the vocabulary is not known yet."""
    return config.model.parameter_count(vocab_size or expected_vocabulary(config.data)[0])


def telling_name(config: RunConfig, text: str | None = None, vocab_size: int | None = None) -> str:
    """The name for a run that nobody named: its text, its tokenizer, its size."""
    text = text or text_name(config.data.source)
    size = size_name(parameters_of(config, vocab_size))
    return f"{text}, {tokenizer_name(config.data)}, {size}"


def name_for(config: RunConfig, text: str | None = None, vocab_size: int | None = None) -> str:
    """The name in the settings, where somebody chose one; that of a recipe is nobody's choice."""
    is_given = config.name not in ("run", *recipe_names())
    return config.name if is_given else telling_name(config, text, vocab_size)


def recounted(
    name: str, config: RunConfig, text: str, expected: int | None, vocab_size: int | None
) -> str:
    """The name of a run, its size as it is with this vocabulary instead of the expected one.

    A name that somebody chose stays, and so does any where the vocabulary is not known.
    """
    given = telling_name(config, text, expected)
    if vocab_size is None or given not in (name, base_name(name)):
        return name
    return telling_name(config, text, vocab_size) + name[len(given) :]


def free_name(base: str, names: Iterable[str]) -> str:
    """The name `base`, or with the lowest number that tells it from those that are taken."""
    names = set(names)
    numbered = (f"{base} {number}" for number in range(2, len(names) + 3))
    return base if base not in names else next(name for name in numbered if name not in names)


def base_name(name: str) -> str:
    """A name without the number that `free_name` gave it."""
    base, _, number = name.rpartition(" ")
    return base if base and number.isdigit() else name
