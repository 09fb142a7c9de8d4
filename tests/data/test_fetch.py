"""Fetching from a server on this machine: hash, cache, copies nearby, and no network."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gtt.data.fetch import RemoteFile, fetch, find_by_name, find_copy
from gtt.data.progress import Progress
from gtt.errors import UnusableData

CONTENT = b"To be, or not to be.\n" * 20_000


class Server(ThreadingHTTPServer):
    """Serves `CONTENT` at /text, something else at /other, nothing elsewhere; counts requests."""

    requests = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.requests += 1
        body = {"/text": CONTENT, "/other": b"<html>please sign in</html>"}.get(self.path)
        if self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:1000])
            return
        self.send_response(200 if body else 404)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
def remote(server: Server) -> RemoteFile:
    return RemoteFile(
        title="Hamlet",
        url=f"http://127.0.0.1:{server.server_port}/text",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        names=("hamlet.txt", "input.txt"),
    )


def test_a_file_is_fetched_once(remote: RemoteFile, server: Server, tmp_path: Path) -> None:
    seen: list[Progress] = []
    path = fetch(remote, tmp_path / "downloads", report=seen.append)
    assert path.read_bytes() == CONTENT
    assert path == fetch(remote, tmp_path / "downloads")
    assert server.requests == 1
    assert [entry.name for entry in path.parent.iterdir()] == ["hamlet.txt"]
    assert seen[-1] == Progress("downloading", len(CONTENT), len(CONTENT), "bytes")


def test_a_damaged_copy_is_fetched_again(
    remote: RemoteFile, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "hamlet.txt").write_bytes(CONTENT[:-1])
    assert fetch(remote, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("place", ["hamlet.txt", "input.txt", "class/renamed.bin"])
def test_the_shared_folder_comes_before_the_network(
    remote: RemoteFile, server: Server, tmp_path: Path, place: str
) -> None:
    copy = tmp_path / "shared" / place
    copy.parent.mkdir(parents=True)
    copy.write_bytes(CONTENT)
    assert fetch(remote, tmp_path / "downloads", tmp_path / "shared") == copy
    assert server.requests == 0
    assert not (tmp_path / "downloads").exists()


def test_a_file_of_the_right_name_and_other_bytes_is_no_copy(
    remote: RemoteFile, tmp_path: Path
) -> None:
    (tmp_path / "hamlet.txt").write_bytes(CONTENT[::-1])
    assert find_copy(remote, tmp_path) is None
    assert find_copy(remote, None) is find_copy(remote, tmp_path / "nothing") is None
    assert find_by_name(("x", "hamlet.txt"), tmp_path) == tmp_path / "hamlet.txt"
    assert find_by_name(("x",), tmp_path) is find_by_name(("x",), None) is None


@pytest.mark.parametrize("address", ["/other", "/missing", "/short"])
def test_what_is_not_the_file_is_refused_and_nothing_is_kept(
    remote: RemoteFile, server: Server, tmp_path: Path, address: str
) -> None:
    wrong = replace(remote, url=f"http://127.0.0.1:{server.server_port}{address}")
    with pytest.raises(UnusableData, match="GTT_SOURCES") as caught:
        fetch(wrong, tmp_path)
    assert caught.value.field == "data.source"
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_the_sentence_names_the_way_out(
    remote: RemoteFile, tmp_path: Path
) -> None:
    nowhere = replace(remote, url="http://127.0.0.1:9/text")
    with pytest.raises(UnusableData, match=r"could not be downloaded .* GTT_SOURCES .* 'tales'"):
        fetch(nowhere, tmp_path, timeout=2)
