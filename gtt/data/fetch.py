"""Downloads a file once: local copies are tried first, its hash is checked, the file is kept."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gtt.atomic_files import replacing
from gtt.data.progress import Progress, Report, ignore
from gtt.errors import UnusableData

_BLOCK = 1 << 20


@dataclass(frozen=True)
class RemoteFile:
    """A file that never changes: where it lies, what its bytes are, what people call it."""

    title: str
    url: str
    sha256: str
    size: int
    names: tuple[str, ...]


TINY_SHAKESPEARE = RemoteFile(
    title="Tiny Shakespeare",
    url="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    size=1_115_394,
    names=("tinyshakespeare.txt", "input.txt"),
)


def fetch(
    remote: RemoteFile,
    downloads: Path,
    sources_folder: Path | None = None,
    report: Report = ignore,
    timeout: float = 20,
) -> Path:
    """A local copy of `remote`: from `sources_folder`, from `downloads`, or from the network.

    `timeout` is in seconds without an answer. Raises `UnusableData` where the network or the file
    is not what it should be; a copy that was downloaded before is never touched.
    """
    download = downloads / remote.names[0]
    copy = find_copy(remote, sources_folder)
    if copy is not None:
        return copy
    if download.is_file() and hash_file(download) == remote.sha256:
        return download
    downloads.mkdir(parents=True, exist_ok=True)
    with replacing(download, alone=False) as beside:
        digest = hashlib.sha256()
        with beside.open("wb") as file:
            received = 0
            for block in _download(remote, timeout):
                file.write(block)
                digest.update(block)
                received += len(block)
                report(Progress("downloading", received, remote.size, "bytes"))
        if digest.hexdigest() != remote.sha256:
            raise UnusableData(
                f"What {remote.url} gave is not {remote.title} (its SHA-256 is "
                f"{digest.hexdigest()[:16]}..., not {remote.sha256[:16]}...): a proxy or a sign-in "
                "page may be in the way. " + _way_out(remote),
                field="data.source",
            )
    return download


def find_copy(remote: RemoteFile, folder: Path | None) -> Path | None:
    """A file in `folder` with the right bytes: by its usual names first, then by size and hash."""
    if folder is None or not folder.is_dir():
        return None
    usual = [folder / name for name in remote.names]
    for path in [*usual, *_files_of_size(folder, remote.size)]:
        try:
            if path.stat().st_size == remote.size and hash_file(path) == remote.sha256:
                return path
        except OSError:
            continue
    return None


def find_by_name(names: Sequence[str], folder: Path | None) -> Path | None:
    """The first of `names` that lies in `folder`."""
    if folder is None:
        return None
    return next((folder / name for name in names if (folder / name).is_file()), None)


def hash_file(path: Path, report: Report = ignore) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    total = path.stat().st_size
    hashed = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            hashed += len(block)
            report(Progress("hashing", hashed, total, "bytes"))
    return digest.hexdigest()


def _files_of_size(folder: Path, size: int) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file() and path.stat().st_size == size:
                yield path
        except OSError:
            continue


def _download(remote: RemoteFile, timeout: float) -> Iterator[bytes]:
    request = urllib.request.Request(remote.url, headers={"User-Agent": "gtt"})
    received = 0
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            while block := answer.read(1 << 16):
                received += len(block)
                yield block
                if received > remote.size:
                    return  # not the file: the hash will say so
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", None) or error
        raise UnusableData(
            f"{remote.title} could not be downloaded from {remote.url} ({reason}). "
            + _way_out(remote),
            field="data.source",
        ) from None


def _way_out(remote: RemoteFile) -> str:
    return (
        f"Without internet, put a copy named {remote.names[0]!r} into a folder and set GTT_SOURCES "
        "to that folder, or choose a source that needs no network, such as 'tales'."
    )
