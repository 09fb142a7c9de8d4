"""The network address of a visitor, for bounds on requests without a key."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

NETWORK_OF_ONE = 64  # bits of an IPv6 address that tell one connection from another


def address_of(peer: str | None, forwarded: Iterable[str] = ()) -> str:
    """The address of whoever asks.

    That is the peer of the connection. A peer on the same machine or network may be a proxy; then
    it is the last address that it added to `X-Forwarded-For`, since those before are the visitor's
    own words. Of an IPv6 address only the network counts: its owner has all of it.
    """
    peer_address = _read(peer or "")
    hops = [hop.strip() for header in forwarded for hop in header.split(",")]
    forwarded_address = _read(hops[-1]) if hops and is_near(peer or "") else None
    visitor = forwarded_address or peer_address
    if isinstance(visitor, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((visitor, NETWORK_OF_ONE), strict=False))
    return str(visitor or "")


def is_near(peer: str) -> bool:
    """Whether a peer is on the same machine or network, or cannot be told: it may be a proxy."""
    address = _read(peer)
    return address is None or address.is_private or address.is_loopback


def _read(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
