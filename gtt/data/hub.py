"""Text and tokenizers from the Hugging Face Hub. No code of a data set is ever run."""

from __future__ import annotations

import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtt.data.arrow import ArrowTable
from gtt.data.columns import read_column
from gtt.data.source_names import FILE_SUFFIXES, HubName
from gtt.data.streams import TextStream
from gtt.errors import GTTError, UnusableData

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 256


def copies(name: HubName) -> tuple[str, ...]:
    """How a copy of a data set may be called: `owner--name[--config][--split]` with an ending."""
    parts = [*name.dataset.split("/"), name.config, name.split]
    stem = "--".join(part for part in parts if part)
    return tuple(stem + suffix for suffix in FILE_SUFFIXES)


def import_datasets() -> Any:
    """The `datasets` library without progress bars and without counting who loads what."""
    import datasets

    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    datasets.disable_progress_bars()
    return datasets


def open_hub(name: HubName, column: str | None, copy: str | None = None) -> TextStream:
    """The rows of a data set of the Hub as documents, streamed: no more is read than is used.

    `copy` is the name by which a copy is known, if it is not that of `copies`. Raises
    `UnusableData` where the data set, configuration, split or column is not there, or the Hub
    cannot be reached.
    """
    datasets = import_datasets()
    copy = copy or copies(name)[0]
    if not reachable():
        raise _unusable(name, ConnectionError(), copy)
    try:
        splits = datasets.load_dataset(name.dataset, name=name.config, streaming=True)
    except GTTError:
        raise
    except Exception as error:  # the library raises a dozen kinds, and network errors of three more
        raise _unusable(name, error, copy) from None
    split = _choose_split(list(splits), name)
    stream = TextStream(iter(()), "\n\n")
    if name.split is None and len(splits) > 1:
        stream.notes.append(f"Split {split!r} was read, chosen from {', '.join(map(str, splits))}.")
    stream.pieces = _documents(
        tables(splits[split], name, copy), name.column or column, name.dataset, stream.notes
    )
    return stream


def _documents(
    rows: Iterator[pa.Table], column: str | None, where: str, notes: list[str]
) -> Iterator[str]:
    table = ArrowTable(rows, column)
    table.notes = notes
    yield from read_column(table, where)


def reachable(timeout: float = 5) -> bool:
    """Whether the Hub answers at all, asked once: the libraries ask six times in half a minute.

    Behind a proxy, and for an endpoint that is no web address, the answer is left to them.
    """
    from huggingface_hub import constants

    address = urllib.parse.urlsplit(constants.ENDPOINT)
    if constants.HF_HUB_OFFLINE:
        return False
    if urllib.request.getproxies() or not address.hostname:
        return True
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        with socket.create_connection((address.hostname, port), timeout):
            return True
    except OSError:
        return False


def tables(dataset: Any, name: HubName, copy: str) -> Iterator[pa.Table]:
    """Arrow tables of a streamed data set; what goes wrong on the way is told in one sentence."""
    try:
        yield from dataset.with_format("arrow").iter(batch_size=_ROWS)
    except Exception as error:
        raise _unusable(name, error, copy) from None


def download_tokenizer(name: str) -> Path:
    """The `tokenizer.json` of a model on the Hub, from its cache if it is there."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    way_out = (
        "give the folder of a tokenizer that was saved before, or choose the char or bpe tokenizer."
    )
    try:
        offline = not reachable()
        return Path(
            hf_hub_download(name, "tokenizer.json", etag_timeout=10, local_files_only=offline)
        )
    except (LocalEntryNotFoundError, ConnectionError):
        sentence = f"The tokenizer {name!r} is not on this machine and the Hub cannot be reached:"
    except HFValidationError:
        sentence = f"{name!r} is neither a folder with a tokenizer.json nor a name on the Hub:"
    except RepositoryNotFoundError:
        sentence = f"There is no model {name!r} on the Hub, or it is private:"
    except EntryNotFoundError:
        sentence = f"The model {name!r} has no tokenizer.json:"
    except Exception as error:  # access, quota, disk: the Hub's own words are the best
        sentence = f"The tokenizer {name!r} could not be downloaded ({_first_line(error)}):"
    raise UnusableData(f"{sentence} {way_out}", field="data.pretrained_tokenizer")


def _choose_split(splits: list[str], name: HubName) -> str:
    if name.split is None:
        return "train" if "train" in splits else splits[0]
    if name.split not in splits:
        raise UnusableData(
            f"{name.dataset} has no split {name.split!r}: it has {', '.join(map(str, splits))}.",
            field="data.source",
        )
    return name.split


def _unusable(name: HubName, error: Exception, copy: str) -> UnusableData:
    kind, reason = type(error).__name__, _first_line(error)
    if "scripts are no longer supported" in reason:
        sentence = (
            f"{name.dataset} needs a program of its own to be read, and GTT runs none: choose a "
            "data set of parquet, csv or json files."
        )
    elif kind in ("DatasetNotFoundError", "RepositoryNotFoundError", "GatedRepoError"):
        sentence = (
            f"There is no data set {name.dataset!r} on the Hub, or it is private or gated: check "
            "the name, or log in with `hf auth login`."
        )
    elif isinstance(error, (ConnectionError, TimeoutError)) or kind in _NETWORK:
        sentence = (
            f"The Hub cannot be reached, so {name.dataset!r} cannot be read: set GTT_SOURCES to a "
            f"folder with a copy named {copy!r}, name a file, or choose a source that "
            "needs no network, such as 'tales'."
        )
    elif kind == "ValueError" and "onfig" in reason:
        sentence = f"{name.dataset} has several configurations: {_first_lines(error)}"
    else:
        sentence = f"{name.dataset} could not be read: {reason}"
    return UnusableData(sentence, field="data.source")


_NETWORK = (
    "OfflineModeIsEnabled",
    "LocalEntryNotFoundError",
    "ConnectError",
    "ConnectTimeout",
    "ReadTimeout",
    "ReadError",
    "RemoteProtocolError",
    "ClientConnectorError",
)


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]


def _first_lines(error: Exception) -> str:
    return " ".join(str(error).split())[:400]
