"""Sending large files to the Hub so that a broken connection costs one part, not the file.

The Hub's client sends a file of many parts anew when it is called again. Here the parts that have
arrived are on record, with the addresses of the others, which the Hub signs for hours, and the same
call goes on with the next part. A record belongs to the content of a file, by its SHA-256.

The protocol is that of Git LFS with the Hub's transfer `multipart`: ask what is missing (batch),
send it, tell that it is complete.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any, BinaryIO

import httpx2
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.lfs import LFS_HEADERS, post_lfs_batch_info
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    build_hf_headers,
    hf_raise_for_status,
    http_backoff,
)

from gtt.hub.push_state import PushFolder, Report
from gtt.hub.refusals import PushBroken, PushRefused, refused_with

# Bytes from which a file is sent here, and from which it is one even if it is text; smaller ones go
# with the commit.
ALONE, LARGE = 100_000, 10_000_000
GIVEN_UP = "The Hub no longer takes this file at the address it gave: push again."
# Some seconds of a bad network are waited for; a longer break is for another call.
RETRIES: dict[str, Any] = {"max_retries": 2, "base_wait_time": 1.0, "max_wait_time": 4.0}


class Sender:
    """Sends the large files of one push; `arrived` and `arrived_before` are told of the bytes."""

    def __init__(
        self,
        api: HfApi,
        repo: str,
        kind: str,
        folder: PushFolder,
        arrived: Report,
        arrived_before: Report,
    ) -> None:
        """`kind` is model or space.

        `arrived` is told of bytes sent now, `arrived_before` of those from an earlier push.
        """
        self.api, self.repo, self.kind, self.folder = api, repo, kind, folder
        self.arrived, self.arrived_before = arrived, arrived_before
        self.parts = folder.parts()

    @staticmethod
    def takes(operation: CommitOperationAdd) -> bool:
        """Whether a file is worth sending ahead: large, and nothing that git keeps as text."""
        about = operation.upload_info
        return about.size >= LARGE or (about.size >= ALONE and b"\0" in about.sample)

    def send(self, operation: CommitOperationAdd) -> None:
        """Has the Hub hold the content of a file, which the commit then refers to.

        Raises what the Hub's client raises, and `PushRefused`.
        """
        oid, size = operation.upload_info.sha256.hex(), operation.upload_info.size
        objects, refused, _ = post_lfs_batch_info(
            upload_infos=[operation.upload_info],
            repo_id=self.repo,
            repo_type=self.kind,
            revision="main",
            endpoint=self.api.endpoint,
            headers=self._headers(),
            token=None,  # stands in the headers
        )
        if refused:
            raise refused_with(str(refused[0]["error"]["message"]))
        action = (objects[0].get("actions") or {}).get("upload")
        if action is None:
            self.arrived_before(size)
            self._forget(oid)
            return
        with Path(str(operation.path_or_fileobj)).open("rb") as file:
            if "chunk_size" in (action.get("header") or {}):
                self._send_parts(oid, size, file, action)
            else:
                self._send_whole(size, file, action["href"])
        verify = (objects[0].get("actions") or {}).get("verify")
        if verify is not None:
            about = {"oid": oid, "size": size}
            response = http_backoff(
                "POST", verify["href"], headers=self._headers(), json=about, **RETRIES
            )
            hf_raise_for_status(response)
        self._forget(oid)

    def _headers(self) -> dict[str, str]:
        return {**LFS_HEADERS, **build_hf_headers(token=self.api.token)}

    def _send_whole(self, size: int, file: BinaryIO, address: str) -> None:
        try:
            _put(address, _Part(file, 0, size, self.arrived))
        except _Expired:
            raise PushBroken(GIVEN_UP) from None

    def _send_parts(self, oid: str, size: int, file: BinaryIO, action: Mapping[str, Any]) -> None:
        """The parts that are missing, in order, and the word that all are there."""
        upload = self.parts.get(oid)
        if upload is not None and _fits(upload, self.api.endpoint, self.repo, size):
            try:
                self._go_on(oid, size, file, upload)
                return
            except _Expired:
                self.arrived_before(-min(size, len(upload["etags"]) * upload["part_bytes"]))
        header = action["header"]
        part_bytes = int(header["chunk_size"])
        numbers = sorted(int(name) for name in header if name.isdigit())
        if len(numbers) != ceil(size / part_bytes):
            raise PushRefused("The Hub asked for other parts than this file has: push again.")
        fresh = {
            "endpoint": self.api.endpoint,
            "repo": self.repo,
            "size": size,
            "part_bytes": part_bytes,
            "addresses": [header[str(number)] for number in numbers],
            "complete": action["href"],
            "etags": [],
        }
        try:
            self._go_on(oid, size, file, fresh)
        except _Expired:
            raise PushBroken(GIVEN_UP) from None

    def _go_on(self, oid: str, size: int, file: BinaryIO, upload: dict[str, Any]) -> None:
        part_bytes, etags = upload["part_bytes"], upload["etags"]
        self.arrived_before(min(size, len(etags) * part_bytes))
        self.parts[oid] = upload
        for number in range(len(etags), len(upload["addresses"])):
            begin = number * part_bytes
            length = min(part_bytes, size - begin)
            part = _Part(file, begin, length, self.arrived)
            answer = _put(upload["addresses"][number], part)
            etag = answer.headers.get("etag")
            if not etag:
                raise PushRefused("The Hub did not confirm a part of the file: push again.")
            etags.append(etag)
            self.folder.keep_parts(self.parts)
        parts = [{"partNumber": number, "etag": etag} for number, etag in enumerate(etags, 1)]
        with _expiring():
            response = http_backoff(
                "POST",
                upload["complete"],
                json={"oid": oid, "parts": parts},
                headers=LFS_HEADERS,
                **RETRIES,
            )
            hf_raise_for_status(response)

    def _forget(self, oid: str) -> None:
        if self.parts.pop(oid, None) is not None:
            self.folder.keep_parts(self.parts)


class _Expired(Exception):
    """A signed address is no longer good, or its upload was given up."""


class _Part(io.RawIOBase):
    """One part of a file; `report` is told of every byte that is read from it to be sent.

    Rewound for another try, it takes the bytes back: `report` gets a negative number.
    """

    def __init__(self, file: BinaryIO, begin: int, length: int, report: Report) -> None:
        self._file, self._begin, self._length, self._report = file, begin, length, report
        self._place = self._reported = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._length}[whence]
        self._place = max(0, min(self._length, start + offset))
        return self._place

    def read(self, size: int = -1) -> bytes:
        remaining = self._length - self._place
        self._file.seek(self._begin + self._place)
        piece = self._file.read(remaining if size < 0 else min(size, remaining))
        if remaining and size and not piece:
            raise PushRefused("A file of the model became shorter while it was sent.")
        self._place += len(piece)
        self._tell(self._place)
        return piece

    def take_back(self) -> None:
        """Takes back what was reported: the part did not arrive."""
        self._tell(0)

    def _tell(self, sent: int) -> None:
        self._report(sent - self._reported)
        self._reported = sent


def _put(address: str, part: _Part) -> httpx2.Response:
    """Sends one stretch; raises `_Expired` where the address is no longer good."""
    try:
        with _expiring():
            answer = http_backoff("PUT", address, data=part, **RETRIES)
            hf_raise_for_status(answer)
            return answer
    except BaseException:
        part.take_back()
        raise


@contextmanager
def _expiring() -> Iterator[None]:
    """Turns the answers of a store that no longer knows an upload into `_Expired`."""
    try:
        yield
    except HfHubHTTPError as error:
        if error.response.status_code in (400, 403, 404, 410):
            raise _Expired from error
        raise


def _fits(upload: Any, endpoint: str, repo: str, size: int) -> bool:
    """Whether the record of an upload is whole and belongs to this push."""
    try:
        return bool(
            (upload["endpoint"], upload["repo"], upload["size"]) == (endpoint, repo, size)
            and upload["part_bytes"] > 0
            and len(upload["addresses"]) == ceil(size / upload["part_bytes"])
            and 0 <= len(upload["etags"]) <= len(upload["addresses"])
            and all(isinstance(text, str) for text in [*upload["etags"], *upload["addresses"]])
            and isinstance(upload["complete"], str)
        )
    except (TypeError, KeyError):
        return False
