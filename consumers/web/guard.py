"""Who may write. One gate before every route: what is no reading request passes it, or is answered here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime.settings import Settings

PUSH = "/articles"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDED = (
    "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via",
    "cf-connecting-ip", "true-client-ip", "x-client-ip",
)  # fmt: skip
"""What proxies add, if they are told to: one that adds none of them cannot be told from a program of this machine."""


@dataclass(frozen=True)
class Writers:
    """Whoever shows a token; where none is set, programs and pages of this machine alone."""

    admin: str | None = None
    """Lets everything be written."""
    push: str | None = None
    """Lets articles in, and nothing else be written."""
    local: bool = False
    """The page is served on an address of this machine that no other machine reaches."""

    @classmethod
    def of(cls, settings: Settings, host: str) -> Writers:
        """As the settings have it, for a page that is served on `host`."""
        admin, push = settings.admin_token, settings.push_token
        return cls(
            admin.get_secret_value() if admin else None, push.get_secret_value() if push else None, is_loopback(host)
        )

    def refusal(self, request: Request) -> tuple[int, str] | None:
        """The status and the reason with which a writing request is refused; None where it may go on."""
        tokens = [token for token in (self.admin, self.push if request.url.path == PUSH else None) if token]
        if tokens:
            # A browser adds no token to what a page of another site sends: whoever shows one means it.
            given = _bearer(request)
            shown = any(secrets.compare_digest(given, token.encode()) for token in tokens)
            return None if shown else (401, "bearer token missing or wrong (setting admin_token)")
        if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"} or _is_foreign(request):
            return 403, "not from a page of another site, unless with a token (setting admin_token)"
        if not (self.local and _is_local(request)):
            return 403, "without a token only this machine may write: set admin_token (POLYWIRE_ADMIN_TOKEN)"
        return None


class WriteGuard:
    """Middleware that asks `Writers` about every request that is not a reading one, whatever route it is for."""

    def __init__(self, app: ASGIApp, writers: Writers) -> None:
        self._app = app
        self._writers = writers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] == "http" and scope["method"] not in _READING:
            refusal = self._writers.refusal(Request(scope))
            if refusal is not None:
                status, reason = refusal
                headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
                await JSONResponse({"detail": reason}, status, headers)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Whether it is a name or an address of this machine that no other machine reaches."""
    if host.lower() == "localhost":
        return True
    try:
        ip = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return (ip.ipv4_mapped or ip).is_loopback if isinstance(ip, IPv6Address) else ip.is_loopback


def _bearer(request: Request) -> bytes:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip().encode("latin-1") if scheme.lower() == "bearer" else b""


def _is_foreign(request: Request) -> bool:
    """Says that it comes from a page that is not ours. `null`, of a page without an address, is not ours either."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()


def _is_local(request: Request) -> bool:
    """Sent by a program of this machine, to this machine by its name. What a proxy here hands on was sent by others."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    return is_loopback(request.client.host) and is_loopback(request.url.hostname or "")
