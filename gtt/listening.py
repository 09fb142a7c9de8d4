"""Where the page is served: the address from the environment, checked before anything is loaded."""

from __future__ import annotations

import errno
import os
import re
import socket
import urllib.parse
from collections.abc import Mapping, MutableMapping
from typing import NamedTuple

from gtt.errors import BadInput

USUAL_PORT = 7860
HIGHEST_PORT = 65535
# First parts of paths that the page serves itself: under one of them as its sub-path, a request
# for `/api/config` could mean two things.
# fmt: off
OWN_PATHS = frozenset(
    (
        "api", "docs", "gradio_api", "page-files", "healthz", "stats", "app_id", "assets", "call",
        "cancel", "config", "custom_component", "dev", "favicon.ico", "file", "heartbeat", "info",
        "login", "login_check", "logout", "manifest.json", "monitoring", "openapi.json",
        "process_recording", "profiling", "pwa_icon", "queue", "reset", "robots.txt", "run",
        "run-history", "runs", "startup-events", "static", "stream", "svelte", "theme.css", "token",
        "undo-vibe-edit", "upload", "upload_progress", "user", "vibe-code", "vibe-edit",
        "vibe-starter-queries",
    )
)
# fmt: on


# As browsers and proxies pass it on unchanged, perhaps with what stands before it.
_SUB_PATH = re.compile(r"(https?://[^\s/?#]+)?(/[A-Za-z0-9._~%@+-]+)*")


class Address(NamedTuple):
    """What the server listens on; `chosen` says whether somebody named the port."""

    name: str
    port: int
    chosen: bool


def address_from(environment: Mapping[str, str] = os.environ, on_space: bool = False) -> Address:
    """Reads `GRADIO_SERVER_NAME` and `GRADIO_SERVER_PORT`; raises `BadInput` naming either."""
    name = environment.get("GRADIO_SERVER_NAME", "").strip()
    text = environment.get("GRADIO_SERVER_PORT", "").strip()
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if text and not 0 < port <= HIGHEST_PORT:
        raise BadInput(
            f"GRADIO_SERVER_PORT={text} is not a port: give a number from 1 to {HIGHEST_PORT}, or "
            f"unset it for {USUAL_PORT}.",
            field="GRADIO_SERVER_PORT",
        )
    usual = "0.0.0.0" if on_space else "127.0.0.1"
    return Address(name or usual, port or USUAL_PORT, chosen=bool(text))


def refuse_unusable(address: Address) -> None:
    """Raises `BadInput` where nobody can listen there; a taken usual port names the next free."""
    problem = _problem(address.name, address.port)
    if problem is None:
        return
    if problem == errno.EADDRINUSE:
        free = next_free_port(address.name, address.port + 1)
        way_out = "set GRADIO_SERVER_PORT to a free one"
        if free is not None:
            way_out = f"GRADIO_SERVER_PORT={free} python app.py takes the next free one"
        raise BadInput(
            f"Port {address.port} is taken, perhaps by a page of this kind that is open already "
            f"(http://localhost:{address.port}): {way_out}.",
            field="GRADIO_SERVER_PORT",
        )
    if problem in (errno.EACCES, errno.EPERM):
        raise BadInput(
            f"Port {address.port} may not be opened by this account: set GRADIO_SERVER_PORT to one "
            "from 1024 on.",
            field="GRADIO_SERVER_PORT",
        )
    raise BadInput(
        f"GRADIO_SERVER_NAME={address.name} is no address of this machine: unset it for this "
        "machine alone, or set it to 0.0.0.0 for the whole network.",
        field="GRADIO_SERVER_NAME",
    )


def where_to_open(address: Address) -> str:
    """Where a person opens the page, and how it is ended."""
    name = address.name.strip("[]")
    everywhere = name in ("0.0.0.0", "::")
    host = "localhost" if everywhere else f"[{name}]" if ":" in name else name
    network_part = f", and to the network under this machine's name, port {address.port}"
    return (
        f"The page is at http://{host}:{address.port}{network_part if everywhere else ''}. "
        "Ctrl-C ends the server."
    )


def next_free_port(name: str, first: int) -> int | None:
    """The first free port from `first` on, among a hundred."""
    tried = range(first, min(first + 100, HIGHEST_PORT + 1))
    return next((port for port in tried if _problem(name, port) is None), None)


def _problem(name: str, port: int) -> int | None:
    """The error number of listening at an address; None if it works, 0 for an unknown name."""
    host = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return 0
    # Gradio looks at this machine's own address in any case.
    places = [("127.0.0.1", port, socket.AF_INET)]
    places += [(str(place[0]), port, family) for family, _, _, _, place in addresses]
    for at, number, family in dict.fromkeys(places):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as listener:
                if os.name == "posix":  # elsewhere this option would share a taken port
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listener.bind((at, number))
                listener.listen(1)
        except OSError as error:
            return error.errno or 0
    return None


def settle_sub_path(environment: MutableMapping[str, str] = os.environ) -> str:
    """The path under which a proxy serves the page (`GRADIO_ROOT_PATH`), as Gradio wants it.

    Raises `BadInput` for one that the page serves itself.
    """
    root_path = environment.get("GRADIO_ROOT_PATH", "").strip()
    if not root_path:
        return ""
    whole = root_path.rstrip("/")
    if not whole.startswith(("http://", "https://")):
        whole = "/" + whole.strip("/") if whole else ""
    try:
        path = urllib.parse.urlsplit(whole).path
    except ValueError:
        path = ".."
    if not _SUB_PATH.fullmatch(whole) or {".", ".."} & set(path.split("/")):
        raise BadInput(
            f"GRADIO_ROOT_PATH={root_path} is no address: give a path such as /gtt.",
            field="GRADIO_ROOT_PATH",
        )
    first = path.strip("/").partition("/")[0]
    if first in OWN_PATHS:
        raise BadInput(
            f"GRADIO_ROOT_PATH={root_path} begins with a path that the page itself serves, "
            f"/{first}: have the proxy serve it under another one, such as /gtt.",
            field="GRADIO_ROOT_PATH",
        )
    environment["GRADIO_ROOT_PATH"] = whole
    return whole


def reach_oneself(environment: MutableMapping[str, str] = os.environ) -> None:
    """Keeps a proxy for the network out of what this machine asks of itself."""
    # Where both are set the lower one counts for most programs, so it must not lack what the other
    # says; "*" counts only where it stands alone.
    variables = ("no_proxy", "NO_PROXY")
    no_proxy = next(
        (environment[variable] for variable in variables if environment.get(variable, "").strip()),
        "",
    )
    hosts = [part.strip() for part in no_proxy.split(",") if part.strip()]
    if "*" in hosts:
        hosts = ["*"]
    else:
        hosts += [name for name in ("127.0.0.1", "localhost", "::1") if name not in hosts]
    environment.update(dict.fromkeys(variables, ",".join(hosts)))
