"""The host names under which the page is served, and the sites that may change something."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import NamedTuple

_HOST = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>\d{1,5}))?"
)
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#@\s]+)")
_USUAL_PORTS = {"http": 80, "https": 443}


class Place(NamedTuple):
    """Name, in small letters, and port of a server; no port is the usual one."""

    name: str
    port: int | None


def read_host(text: str) -> Place | None:
    """A `Host` header, or None where it is malformed."""
    match = _HOST.fullmatch(text) if len(text) <= 300 else None
    if match is None:
        return None
    name = (match["six"] or match["name"]).lower()
    if match["six"] and not _is_address(name):
        return None
    name = name[:-1] if name.endswith(".") else name
    port = int(match["port"]) if match["port"] else None
    if not name or (port is not None and port > 65535):
        return None
    return Place(name, port if port not in _USUAL_PORTS.values() else None)


def read_origin(text: str) -> Place | None:
    """An `Origin` header of the web, or None for `null`, other schemes and malformed ones."""
    match = _ORIGIN.fullmatch(text.lower())
    return read_host(match["host"]) if match else None


class Hosts:
    """The names of this server.

    Without this check another site could point its own name at 127.0.0.1 and read what lies here
    as if it were its own (DNS rebinding). Addresses need no check: no name was looked up.
    `allowed` are names, or `*.example.org` for all below one.
    """

    def __init__(
        self,
        allowed: Iterable[str] = (),
        *,
        on_space: bool = False,
        space_host: str | None = None,
        machine: str | None = None,
    ) -> None:
        self._trusted = {name.strip().lower().rstrip(".") for name in allowed if name.strip()}
        if space_host:
            self._trusted.add(space_host.strip().lower())
        own = (machine or socket.gethostname()).lower().rstrip(".")
        self._own = {"localhost", own, f"{own}.local"}
        self._on_space = on_space

    def is_ours(self, host: Place) -> bool:
        """Whether a request may come under this name."""
        name = host.name
        return (
            _is_address(name)
            or name in self._own
            or name.endswith(".localhost")
            or (self._on_space and name.endswith(".hf.space"))
            or self._is_trusted(name)
        )

    def may_forward(self, host: Place) -> bool:
        """Whether a proxy may say that it was reached as `host`, from where the page then loads.

        An address is a name of ours only where it is among those that were allowed.
        """
        return self._is_trusted(host.name) or (self.is_ours(host) and not _is_address(host.name))

    def may_change(self, origin: Place, host: Place) -> bool:
        """Whether a page of `origin` may change something on this server, reached as `host`."""
        return origin == host or self._is_trusted(origin.name)

    def _is_trusted(self, name: str) -> bool:
        if name in self._trusted:
            return True
        return any(
            pattern.startswith("*.") and name.endswith(pattern[1:]) for pattern in self._trusted
        )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
