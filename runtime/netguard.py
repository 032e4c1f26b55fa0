"""Which addresses others may make us connect to: public ones, and private ones only where the settings allow them.

A feed's links and a subscriber's webhook are written by somebody else. Were they followed blindly, they could reach
this network's inner services (server-side request forgery). The check is made on the resolved addresses at the moment
of connecting, and the connection goes to a checked address, so that a name which answers differently the second time
(DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import httpcore
import httpx

from schemas.base import without_user

_NAT64 = IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE = IPv6Network("::/96")
_SITE_LOCAL = IPv6Network("fec0::/10")

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class Forbidden(Exception):
    """An address that must not be connected to; the message says which and why."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet: not loopback, private, link-local, multicast, reserved,
    nor an IPv6 form (mapped, compatible, 6to4, Teredo, NAT64) of an IPv4 address that is.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        if ip in _SITE_LOCAL:
            return False
        embedded = _embedded(ip)
        if embedded is not None:
            return is_public(str(embedded))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if ip in _NAT64 or ip in _V4_COMPATIBLE:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return None


def check_url(url: str) -> None:
    """What can be told from the URL alone.

    Raises:
        Forbidden: not http(s), no host, or a user name and password in it. The message names the host and no more.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise Forbidden(f"{host_of(url)}: {error}") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise Forbidden(f"{host_of(url)}: not an http(s) address")
    if parts.username is not None:
        raise Forbidden(f"{host_of(url)}: a user name or a password in the address, which is shown in many places")


def host_of(url: str) -> str:
    """`scheme://host:port` of an address: what may be shown of one whose path or query is a secret."""
    scheme, separator, rest = without_user(url).partition("://")
    return (scheme + separator + re.split(r"[/\\?#]", rest, maxsplit=1)[0])[:200] if separator else "an address"


async def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a host, in the system's order of preference."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for httpcore, to public or allow-listed addresses only, and to the very address it checked.

    TLS is untouched: certificate and server name are still those of the host that was asked for.

    Args:
        allow: hosts (`host` or `host:port`) that may be private.
    """

    def __init__(
        self,
        allow: Iterable[str] = (),
        *,
        resolver: Resolver = resolve,
        backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allow = {entry.strip().lower() for entry in allow}
        self._resolve = resolver
        self._backend = backend or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check every address, connect to the first that answers.

        Raises:
            Forbidden: one of the host's addresses is not public. One is enough: who mixes public and private
                addresses under one name is up to something.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from error
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {error}") from error
        if not addresses:
            raise httpcore.ConnectError(f"{host} has no address")
        if not self._allowed(host, port):
            for address in addresses:
                if not is_public(address):
                    raise Forbidden(f"{host} is at {address}, which is not public; allow_hosts can allow it")
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    def _allowed(self, host: str, port: int) -> bool:
        host = host.lower()
        bracketed = f"[{host}]" if ":" in host else host
        return not self._allow.isdisjoint({host, bracketed, f"{bracketed}:{port}"})

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise Forbidden(f"a socket of this machine: {path}")

    async def sleep(self, seconds: float) -> None:
        """Between httpcore's own retries."""
        await self._backend.sleep(seconds)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """For `httpx.AsyncClient(transport=…)`: every connection goes through a `GuardedBackend`."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend, *, max_connections: int = 32) -> None:
        super().__init__(trust_env=False)
        # httpx has no argument for the network backend of its own pool.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=max_connections,
            max_keepalive_connections=10,
            keepalive_expiry=30.0,
            network_backend=backend,
        )
