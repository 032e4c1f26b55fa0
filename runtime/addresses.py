"""Where a server listens, and how it is reached there: IPv4, IPv6, names."""

from __future__ import annotations

import socket
from typing import Any

_ALL = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def listening_at(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """The family of `host`, and the address to bind a socket of that family to.

    Raises:
        OSError: there is no such host.
    """
    family, _, _, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
        0
    ]
    return family, address


def reached_at(host: str) -> str:
    """Where to ask, from this machine, what listens at `host`: all addresses are no address to ask."""
    return _ALL.get(host, host)


def web_url(host: str, port: int) -> str:
    """The address of a page."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
