"""Fetching what others serve: bounded in time, in hops and in size, before and after decompression."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from types import TracebackType
from urllib.parse import urldefrag, urljoin

import httpcore
import httpx

from runtime.netguard import Forbidden, GuardedBackend, GuardedTransport, check_url

USER_AGENT = f"polywire/{version('polywire')} (news reader)"
MAX_REDIRECTS = 5
MAX_BYTES = 10 * 1024 * 1024
"""Of a document after decompression. Feeds of thousands of full articles stay below it."""
TIMEOUT = 60.0
"""Seconds for one document, redirects included: a server that drips a byte a second is cut off too."""
AT_ONCE = 32
"""Documents being fetched at the same time."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GZIP_MAGIC = b"\x1f\x8b"


class FetchError(Exception):
    """A document that could not be had.

    `status` is the HTTP status where there was one; `retry_after` the seconds the server asks us to stay away;
    `refused`: our own settings do not let us ask.
    """

    def __init__(
        self, reason: str, *, status: int | None = None, retry_after: float | None = None, refused: bool = False
    ) -> None:
        super().__init__(reason)
        self.refused = refused
        self.status = status
        self.retry_after = retry_after

    @property
    def transient(self) -> bool:
        """Whether another try soon may work."""
        return self.status is None or self.status in {408, 425, 429} or self.status >= 500


@dataclass(frozen=True)
class Fetched:
    """A document, or word that it has not changed (`body` is None)."""

    url: str
    """After redirects."""
    body: bytes | None
    content_type: str
    etag: str | None
    last_modified: str | None


class Fetcher:
    """An HTTP client for addresses that somebody else wrote down. Keeps no cookies, follows no proxy settings.

    Args:
        allow: private hosts (`host` or `host:port`) that may be fetched.
    """

    def __init__(
        self, allow: Iterable[str] = (), *, max_bytes: int = MAX_BYTES, timeout: float = TIMEOUT,
        backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:  # fmt: skip
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(backend or GuardedBackend(allow), max_connections=AT_ONCE),
            timeout=httpx.Timeout(15.0, pool=None),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def fetch(
        self, url: str, *, accept: str = "*/*", etag: str | None = None, last_modified: str | None = None
    ) -> Fetched:
        """The document at `url`; with `etag` or `last_modified` only if it has changed since.

        Raises:
            FetchError: refused, unreachable, an error status, too many redirects, too slow or too large.
        """
        headers = {"Accept": accept}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        try:
            async with self._slots, asyncio.timeout(self._timeout):
                return await self._follow(url, headers)
        except TimeoutError as error:
            raise FetchError(f"took longer than {self._timeout:.0f} s") from error
        except Forbidden as error:
            # Not transient: nothing but the settings can change it.
            raise FetchError(str(error), status=403, refused=True) from error
        except (httpx.InvalidURL, UnicodeError) as error:
            # UnicodeError: host names that idna refuses.
            raise FetchError(f"{type(error).__name__}: {error}", status=400) from error
        except httpx.HTTPError as error:
            raise FetchError(f"{type(error).__name__}: {error}") from error

    async def _follow(self, url: str, headers: dict[str, str]) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            check_url(url)
            async with self._client.stream("GET", url, headers=headers) as response:
                location = response.headers.get("location")
                if response.status_code in _REDIRECTS and location:
                    url = urldefrag(urljoin(url, location)).url
                    continue
                return await self._read(url, response)
        raise FetchError(f"more than {MAX_REDIRECTS} redirects")

    async def _read(self, url: str, response: httpx.Response) -> Fetched:
        status = response.status_code
        headers = response.headers
        if status == 304:
            return Fetched(url, None, "", headers.get("etag"), headers.get("last-modified"))
        if status != 200:
            retry_after = parse_retry_after(headers.get("retry-after"), datetime.now(UTC))
            raise FetchError(f"HTTP status {status}", status=status, retry_after=retry_after)
        codings = [name.strip().lower() for name in headers.get("content-encoding", "").split(",") if name.strip()]
        body = await read_limited(response.aiter_raw(), codings, self._max_bytes)
        if body[:2] == _GZIP_MAGIC:
            # feed.xml.gz, served as a file of its own.
            body = _inflate(_inflater("gzip"), body, self._max_bytes)
        return Fetched(url, body, headers.get("content-type", ""), headers.get("etag"), headers.get("last-modified"))


async def read_limited(chunks: AsyncIterator[bytes], codings: list[str], limit: int) -> bytes:
    """A body, decompressed as it comes in, so that a small one cannot grow beyond `limit` bytes.

    Raises:
        FetchError: larger than `limit`, compressed in a way we did not ask for, or broken.
    """
    codings = [name for name in codings if name != "identity"]
    if len(codings) > 1 or any(name not in {"gzip", "x-gzip", "deflate"} for name in codings):
        raise FetchError(f"content encoding {', '.join(codings)} was not asked for", status=406)
    inflater = _inflater(codings[0]) if codings else None
    body = bytearray()
    async for chunk in chunks:
        if inflater is None:
            body += chunk
        else:
            if not body and codings[0] == "deflate" and chunk[:1] and chunk[0] & 0x0F != 8:
                inflater = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers leave the zlib header out
            body += _inflate(inflater, chunk, limit - len(body))
        if len(body) > limit:
            raise _too_large(limit)
    if inflater is not None and not inflater.eof:
        raise FetchError("the compressed body is cut off")
    return bytes(body)


def _inflater(coding: str) -> zlib._Decompress:
    return zlib.decompressobj(zlib.MAX_WBITS if coding == "deflate" else zlib.MAX_WBITS | 16)


def _inflate(inflater: zlib._Decompress, data: bytes, room: int) -> bytes:
    try:
        out = inflater.decompress(data, room + 1)
    except zlib.error as error:
        raise FetchError(f"the compressed body is broken: {error}") from error
    if len(out) > room:
        raise _too_large(room)
    return out


def _too_large(limit: int) -> FetchError:
    return FetchError(f"larger than {limit} bytes", status=413)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to stay away, from the header's seconds or date (RFC 9110, 10.2.3); None where it says neither."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())
