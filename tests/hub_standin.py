"""A stand-in of the Hugging Face Hub on this machine: its endpoints over real HTTP, its refusals.

What the Hub's client uses: whoami, creating and deleting repositories of models and Spaces,
preupload, Git LFS in one piece or many, commits, downloads, the check of a card's front matter. A
static Space is shown as the page that its README names. It keeps what it gets on the
disk, so that bytes can be compared, and counts what came in.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

PIECE = 1 << 16
NAME = r"((?:spaces/)?[^/]+/[^/]+)"  # as in addresses; in `HubStandin.repos`, too
API = r"/api/(?:models/|(?=spaces/))((?:spaces/)?[^/]+/[^/]+)"
LARGE = 10_000_000  # bytes from which even a text is no ordinary file of the repository


@dataclass
class Account:
    """Whose token it is, and what it may do."""

    name: str = "anna"
    role: str = "write"
    orgs: tuple[str, ...] = ()
    revoked: bool = False


@dataclass
class Repo:
    private: bool
    # By name: bytes of an ordinary file, or the SHA-256 of a large one.
    files: dict[str, bytes | str] = field(default_factory=lambda: {".gitattributes": b"* text\n"})
    commits: list[str] = field(default_factory=lambda: [secrets.token_hex(20)])
    words: dict[str, tuple[str, str]] = field(default_factory=dict)  # of a commit: title, rest


@dataclass
class Upload:
    oid: str
    size: int
    parts: dict[int, int] = field(default_factory=dict)


class HubStandin:
    """The state of the stand-in, and the faults that it is to make."""

    def __init__(self, folder: Path, part_bytes: int = 2_000_000) -> None:
        self.folder = folder
        self.part_bytes = part_bytes
        self.tokens: dict[str, Account] = {"hf_anna": Account()}
        self.repos: dict[str, Repo] = {}
        self.uploads: dict[str, Upload] = {}
        self.requests: list[tuple[str, str]] = []
        self.headers: list[str] = []  # every Authorization that came
        self.received = 0  # bytes of large files
        self.quota: int | None = None  # bytes of large files that an account may keep
        self.cut_after: int | None = None  # bytes of large files, then the connection breaks
        self.down = False  # every connection breaks
        self.slow = 0.0  # seconds to wait after each 64 kB of a large file
        self.delays: dict[str, float] = {}  # seconds before a path that ends so is answered
        # How a path that begins so is answered: a status, "portal" (the page of a network's
        # sign-in) or "cut" (the connection breaks). `lost` is by how it ends, and what was asked
        # is done before that.
        self.fails: dict[str, int | str] = {}
        self.lost: dict[str, int | str] = {}
        self.gives_up_uploads = False  # signed addresses are no longer good
        self.down_after_commit = False  # and then nothing is answered any more
        self.before_commit: Callable[[Repo], None] | None = None  # somebody else is quicker
        self.lock = threading.RLock()
        self.url = ""

    def account(self, authorization: str | None) -> Account | None:
        if not authorization or not authorization.startswith("Bearer "):
            return None
        account = self.tokens.get(authorization.removeprefix("Bearer "))
        return None if account is None or account.revoked else account

    def object(self, oid: str) -> Path:
        return self.folder / oid

    def content(self, repo: str, name: str) -> bytes:
        """A file as somebody who downloads it gets it."""
        kept = self.repos[repo].files[name]
        return kept if isinstance(kept, bytes) else self.object(kept).read_bytes()

    def requested(self, method: str, pattern: str) -> int:
        return sum(one == method and bool(re.search(pattern, at)) for one, at in self.requests)


class Refused(Exception):
    """An answer that refuses, with the Hub's status and words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class _Cut(Exception):
    """The connection breaks here."""


class StandinHandler(BaseHTTPRequestHandler):
    """The endpoints; more of them in a class made from this one."""

    protocol_version = "HTTP/1.1"
    hub: HubStandin

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer("GET")

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        parts = urlsplit(self.path)
        self.place, self.query = unquote(parts.path), parse_qs(parts.query)
        with self.hub.lock:
            self.hub.requests.append((method, self.path))
            if self.headers.get("Authorization"):
                self.hub.headers.append(self.headers["Authorization"])
        self._left = int(self.headers.get("Content-Length") or 0)
        try:
            if self.hub.down:
                raise _Cut
            for ending, seconds in self.hub.delays.items():
                time.sleep(seconds if self.place.endswith(ending) else 0)
            for beginning, fault in self.hub.fails.items():
                if self.place.startswith(beginning):
                    return self._answer_oddly(fault)
            self._route(method)
        except _Cut:
            self.close_connection = True
            self.connection.close()
        except Refused as refusal:
            self._read_all()
            self._send(
                refusal.status,
                {"error": refusal.message},
                {"X-Error-Message": refusal.message},
            )
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer_oddly(self, fault: int | str) -> None:
        if isinstance(fault, int):
            raise Refused(fault, "The service is not available.")
        if fault == "cut":
            raise _Cut
        self._read_all()
        page = b"<html>Please sign in to the hotel's network</html>"
        self._write(200, page, {}, "text/html")

    def _read_all(self) -> bytes:
        body = self.rfile.read(self._left)
        self._left = 0
        return body

    def _json(self) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(self._read_all() or b"{}")
        return values

    def _send(
        self,
        status: int,
        body: Any = None,
        headers: dict[str, str] | None = None,
        kind: str = "application/json",
    ) -> None:
        for ending, fault in self.hub.lost.items():
            if status == 200 and self.place.endswith(ending):
                self._answer_oddly(fault)
                return
        self._write(status, body, headers, kind)

    def _write(self, status: int, body: Any, headers: dict[str, str] | None, kind: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    # ------------------------------------------------------------------------------- routes

    def _route(self, method: str) -> None:
        place = self.place
        if place == "/api/whoami-v2":
            return self._whoami()
        if place == "/api/validate-yaml":
            return self._validate()
        if place == "/api/repos/create":
            return self._create()
        if place == "/api/repos/delete":
            return self._delete()
        if place.startswith("/store/"):
            return self._store(method)
        if match := re.fullmatch(rf"/{NAME}\.git/info/lfs/objects/batch", place):
            return self._batch(match[1])
        if match := re.fullmatch(rf"/{NAME}/resolve/([^/]+)/(.+)", place):
            return self._resolve(match[1], match[3])
        if match := re.fullmatch(r"/(spaces/[^/]+/[^/]+)", place):
            return self._show(match[1])
        if match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/revision/[^/]+)?", place):
            about = {"license": "cc-by-4.0", "language": ["de"]}
            return self._send(200, {"id": match[1], "cardData": about, "siblings": []})
        if match := re.fullmatch(API + "/preupload/main", place):
            return self._preupload(match[1])
        if match := re.fullmatch(API + "/commit/main", place):
            return self._commit(match[1])
        if match := re.fullmatch(API + "/commits/main", place):
            return self._commits(match[1])
        if match := re.fullmatch(API + "(?:/revision/[^/]+)?", place):
            return self._info(match[1])
        raise Refused(404, "Not found.")

    def _account(self) -> Account:
        account = self.hub.account(self.headers.get("Authorization"))
        if account is None:
            raise Refused(401, "Invalid credentials in Authorization header")
        return account

    def _whoami(self) -> None:
        account = self._account()
        self._send(
            200,
            {
                "type": "user",
                "name": account.name,
                "fullname": account.name.title(),
                "avatarUrl": "",
                "orgs": [{"name": one, "roleInOrg": "write"} for one in account.orgs],
                "auth": {"type": "access_token", "accessToken": {"role": account.role}},
            },
        )

    def _validate(self) -> None:
        """As the Hub does: front matter that is YAML, with known kinds of values."""
        content = self._json()["content"]
        match = re.match(r"^\s*---[ \t]*\n(.*?)\n---[ \t]*(?:\n|$)", content, re.DOTALL)
        errors: list[dict[str, str]] = []
        try:
            data = yaml.safe_load(match[1]) if match else {}
        except yaml.YAMLError as error:
            data, errors = {}, [{"message": str(error)}]
        for key, kind in (
            ("library_name", str),
            ("pipeline_tag", str),
            ("license", str),
            ("tags", list),
            ("datasets", list),
            ("model-index", list),
        ):
            if key in data and not isinstance(data[key], kind):
                errors.append({"message": f'"{key}" must be a {kind.__name__}'})
        if data.get("license") == "other" and "license_name" not in data:
            errors.append({"message": '"license_name" is required when license is "other"'})
        for model in data.get("model-index") or []:
            for result in model.get("results", []):
                for part, needed in (("task", ["type"]), ("dataset", ["type", "name"])):
                    for name in needed:
                        if not isinstance(result.get(part, {}).get(name), str):
                            errors.append({"message": f'"model-index" needs {part}.{name}'})
                for metric in result.get("metrics", []):
                    if not isinstance(metric.get("type"), str) or "value" not in metric:
                        errors.append({"message": '"model-index" needs metrics.type and .value'})
        self._send(400 if errors else 200, {"errors": errors, "warnings": []})

    def _may_write(self, repo: str) -> Account:
        account = self._account()
        owner = repo.removeprefix("spaces/").partition("/")[0]
        if account.role == "read" or owner not in (account.name, *account.orgs):
            raise Refused(
                403, f'You don\'t have the rights to create a model under the namespace "{owner}"'
            )
        return account

    def _create(self) -> None:
        asked = self._json()
        account = self._account()
        repo, is_space = self._named(asked, account), asked.get("type") == "space"
        self._may_write(repo)
        if is_space and asked.get("sdk") not in ("static", "gradio", "docker"):
            raise Refused(400, '"sdk" must be one of gradio, docker, static')
        with self.hub.lock:
            if repo in self.hub.repos:
                raise Refused(409, "You already created this repo")
            made = self.hub.repos[repo] = Repo(asked.get("visibility") == "private")
            if is_space:  # a page to begin with, as the Hub lays it there
                head = f"---\ntitle: {asked['name']}\nsdk: {asked['sdk']}\n---\n"
                made.files |= {"README.md": head.encode()}
                if asked["sdk"] == "static":
                    made.files |= {"index.html": b"<p>Welcome</p>", "style.css": b"p {}"}
        self._send(200, {"url": f"{self.hub.url}/{repo}", "name": repo})

    def _delete(self) -> None:
        asked = self._json()
        repo = self._named(asked, self._account())
        self._may_write(repo)
        with self.hub.lock:
            self.hub.repos.pop(repo)
        self._send(200, {})

    @staticmethod
    def _named(asked: dict[str, Any], account: Account) -> str:
        name = f"{asked.get('organization') or account.name}/{asked['name']}"
        return f"spaces/{name}" if asked.get("type") == "space" else name

    def _repo(self, name: str) -> Repo:
        repo = self.hub.repos.get(name)
        account = self.hub.account(self.headers.get("Authorization"))
        owner = name.removeprefix("spaces/").partition("/")[0]
        may = account is not None and owner in (account.name, *account.orgs)
        if repo is None or (repo.private and not may):
            raise Refused(404 if account else 401, "Repository not found")
        return repo

    def _info(self, name: str) -> None:
        repo = self._repo(name)
        self._send(
            200,
            {
                "_id": "1",
                "id": name.removeprefix("spaces/"),
                "private": repo.private,
                "sha": repo.commits[-1],
                "siblings": [{"rfilename": one} for one in repo.files],
            },
        )

    def _preupload(self, name: str) -> None:
        self._may_write(name)
        repo = self._repo(name)
        files = []
        for one in self._json()["files"]:
            sample = base64.b64decode(one["sample"])
            is_large = one["size"] > LARGE or b"\0" in sample
            kept = repo.files.get(one["path"])
            oid = kept if isinstance(kept, str) else _blob(kept) if kept is not None else None
            files.append(
                {
                    "path": one["path"],
                    "uploadMode": "lfs" if is_large else "regular",
                    "shouldIgnore": False,
                    "oid": oid,
                }
            )
        self._send(200, {"files": files})

    def _batch(self, name: str) -> None:
        self._may_write(name)
        self._repo(name)
        hub, objects = self.hub, []
        for one in self._json()["objects"]:
            oid, size = one["oid"], one["size"]
            kept = sum(path.stat().st_size for path in hub.folder.glob("?" * 64))
            if hub.object(oid).exists():
                objects.append({"oid": oid, "size": size})
                continue
            if hub.quota is not None and kept + size > hub.quota:
                raise Refused(
                    403, "Private repository storage limit reached, please upgrade your plan"
                )
            number = secrets.token_hex(8)
            hub.uploads[number] = Upload(oid, size)
            place = f"{hub.url}/store/{number}"
            upload: dict[str, Any] = {"href": place}
            if size > hub.part_bytes:
                count = -(-size // hub.part_bytes)
                upload["header"] = {
                    "chunk_size": str(hub.part_bytes),
                    **{str(part): f"{place}/{part}" for part in range(1, count + 1)},
                }
                upload["href"] = f"{place}/complete"
            verify = {"href": f"{hub.url}/store/{number}/verify"}
            objects.append(
                {"oid": oid, "size": size, "actions": {"upload": upload, "verify": verify}}
            )
        self._send(200, {"objects": objects, "transfer": "multipart"})

    def _store(self, method: str) -> None:
        """The store of large files, where a signed address is all that is needed."""
        hub = self.hub
        number, _, what = self.place.removeprefix("/store/").partition("/")
        upload = hub.uploads.get(number)
        if upload is None or hub.gives_up_uploads:
            hub.gives_up_uploads = False
            hub.uploads.pop(number, None)
            raise Refused(403, "Request has expired")
        if self.headers.get("Authorization") and what.isdigit():
            raise Refused(400, "Only one auth mechanism allowed")
        if method == "PUT":
            part = int(what or 1)
            path = hub.folder / f"{number}.{part}"
            digest = self._receive(path)
            upload.parts[part] = path.stat().st_size
            if not what:
                self._complete(number, upload)
            return self._send(200, b"", {"ETag": f'"{digest}"'})
        if what == "complete":
            told = [one["partNumber"] for one in self._json()["parts"]]
            if told != sorted(upload.parts):
                raise Refused(400, "One or more of the specified parts could not be found")
            self._complete(number, upload)
            return self._send(200, {})
        about = self._json()
        if not hub.object(about["oid"]).exists():
            raise Refused(404, "Object does not exist")
        return self._send(200, {})

    def _receive(self, path: Path) -> str:
        hub, digest = self.hub, hashlib.md5(usedforsecurity=False)
        with path.open("wb") as file:
            while self._left:
                piece = self.rfile.read(min(PIECE, self._left))
                if not piece:
                    raise _Cut
                self._left -= len(piece)
                with hub.lock:
                    hub.received += len(piece)
                    if hub.cut_after is not None and hub.received >= hub.cut_after:
                        hub.cut_after, hub.down = None, True
                if hub.down:
                    raise _Cut
                file.write(piece)
                digest.update(piece)
                if hub.slow:
                    time.sleep(hub.slow)
        return digest.hexdigest()

    def _complete(self, number: str, upload: Upload) -> None:
        whole = self.hub.folder / f"{number}.whole"
        digest = hashlib.sha256()
        with whole.open("wb") as file:
            for part in sorted(upload.parts):
                path = self.hub.folder / f"{number}.{part}"
                with path.open("rb") as one:
                    while piece := one.read(1 << 20):
                        file.write(piece)
                        digest.update(piece)
                path.unlink()
        if digest.hexdigest() != upload.oid or whole.stat().st_size != upload.size:
            whole.unlink()
            raise Refused(400, "The content has another SHA-256 than was announced")
        whole.rename(self.hub.object(upload.oid))

    def _commit(self, name: str) -> None:
        self._may_write(name)
        lines = [json.loads(line) for line in self._read_all().splitlines()]
        changed: dict[str, bytes | str] = {}
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "lfsFile":
                if not self.hub.object(value["oid"]).exists():
                    raise Refused(400, f"Your push was rejected: {value['path']} is missing")
                changed[value["path"]] = value["oid"]
            elif line["key"] == "file":
                changed[value["path"]] = base64.b64decode(value["content"])
        gone = [one["value"]["path"] for one in lines[1:] if one["key"] == "deletedFile"]
        about = lines[0]["value"]
        with self.hub.lock:
            repo = self._repo(name)
            if self.hub.before_commit is not None:
                self.hub.before_commit(repo)
            if about.get("parentCommit", repo.commits[-1]) != repo.commits[-1]:
                raise Refused(412, "A commit has happened since. Please refresh and try again.")
            repo.files |= changed
            for path in gone:
                repo.files.pop(path, None)
            repo.commits.append(secrets.token_hex(20))
            repo.words[repo.commits[-1]] = (about["summary"], about.get("description") or "")
        self.hub.down = self.hub.down or self.hub.down_after_commit
        place = f"{self.hub.url}/{name}/commit/{repo.commits[-1]}"
        self._send(200, {"success": True, "commitUrl": place, "commitOid": repo.commits[-1]})

    def _commits(self, name: str) -> None:
        """The commits, the newest first."""
        repo, told = self._repo(name), []
        for one in reversed(repo.commits):
            title, rest = repo.words.get(one, ("initial commit", ""))
            told.append(
                {
                    "id": one,
                    "authors": [{"user": "anna"}],
                    "date": "2026-01-01T00:00:00.000Z",
                    "title": title,
                    "message": rest,
                }
            )
        self._send(200, told)

    def _show(self, name: str) -> None:
        """A static Space, for whoever opens its link."""
        repo = self._repo(name)
        head = yaml.safe_load(self.hub.content(name, "README.md").decode().split("---")[1])
        file = head.get("app_file", "index.html")
        if head.get("sdk") != "static" or file not in repo.files:
            raise Refused(404, "This Space has no page")
        self._send(200, self.hub.content(name, file), {}, "text/html; charset=utf-8")

    def _resolve(self, name: str, path: str) -> None:
        repo = self._repo(name)
        kept = repo.files.get(path)
        if kept is None:
            message = "Entry not found"
            headers = {"X-Error-Code": "EntryNotFound", "X-Error-Message": message}
            return self._send(404, {"error": message}, headers)
        etag = kept if isinstance(kept, str) else _blob(kept)
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": repo.commits[-1]}
        return self._send(200, self.hub.content(name, path), headers)


def _blob(content: bytes) -> str:
    """The name that git gives an ordinary file."""
    head = f"blob {len(content)}\0".encode()
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a connection that this stand-in cut itself


@contextmanager
def hub_standin(
    folder: Path,
    part_bytes: int = 2_000_000,
    port: int = 0,
    handler: type[StandinHandler] = StandinHandler,
) -> Iterator[HubStandin]:
    """The stand-in on a free port of this machine, for the length of a `with` block."""
    folder.mkdir(parents=True, exist_ok=True)
    hub = HubStandin(folder, part_bytes)
    kind = type("Handler", (handler,), {"hub": hub})
    server = _Server(("127.0.0.1", port), kind)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
