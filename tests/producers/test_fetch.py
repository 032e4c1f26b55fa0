"""Fetching is bounded, and polite."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from producers.feeds.fetch import Fetcher, FetchError, parse_retry_after
from tests.producers.sites import Answer, Site


@pytest.fixture
async def fetcher(site: Site) -> AsyncIterator[Fetcher]:
    async with Fetcher([site.address], max_bytes=100_000, timeout=5.0) as fetcher:
        yield fetcher


async def refusal(fetcher: Fetcher, url: str) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(url)
    return caught.value


async def test_conditional_get(site: Site, fetcher: Fetcher) -> None:
    def answer(headers: dict[str, str]) -> Answer:
        if headers.get("if-none-match") == '"1"' and headers.get("if-modified-since") == "Mon":
            return Answer(status=304)
        return Answer(b"hello", headers={"ETag": '"1"', "Last-Modified": "Mon", "Content-Type": "text/plain"})

    site.routes["/f"] = answer
    first = await fetcher.fetch(site.url("/f"))
    assert (first.body, first.content_type) == (b"hello", "text/plain")
    again = await fetcher.fetch(site.url("/f"), etag=first.etag, last_modified=first.last_modified)
    assert again.body is None


async def test_private_addresses_are_refused_unless_allowed(site: Site) -> None:
    site.routes["/f"] = Answer(b"secret")
    async with Fetcher() as fetcher:
        for host in (
            site.address,
            site.address.replace("127.0.0.1", "localhost"),
            site.address.replace("127.0.0.1", "2130706433"),
        ):
            error = await refusal(fetcher, f"http://{host}/f")
            assert "not public" in str(error)
            assert not error.transient
    assert site.requests == []


async def test_each_hop_of_a_redirect_is_checked(site: Site, fetcher: Fetcher) -> None:
    other = Site()
    try:
        other.routes["/inner"] = Answer(b"secret")
        site.routes["/f"] = Answer(status=302, headers={"Location": other.url("/inner")})
        error = await refusal(fetcher, site.url("/f"))
        assert "not public" in str(error)
        assert other.requests == []
        site.routes["/g"] = Answer(status=301, headers={"Location": "file:///etc/passwd"})
        assert "not an http(s) address" in str(await refusal(fetcher, site.url("/g")))
    finally:
        other.close()


async def test_redirects_are_followed_but_not_for_ever(site: Site, fetcher: Fetcher) -> None:
    site.routes["/a"] = Answer(status=301, headers={"Location": "/b#part"})
    site.routes["/b"] = Answer(status=307, headers={"Location": "c"})
    site.routes["/c"] = Answer(b"there")
    found = await fetcher.fetch(site.url("/a"))
    assert (found.body, found.url) == (b"there", site.url("/c"))
    site.routes["/loop"] = Answer(status=302, headers={"Location": "/loop"})
    assert "redirects" in str(await refusal(fetcher, site.url("/loop")))


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b"x" * 50_000)),
        ("deflate", zlib.compress(b"x" * 50_000)),
        ("deflate", zlib.compress(b"x" * 50_000)[2:-4]),
        ("", gzip.compress(b"x" * 50_000)),
        ("identity", b"x" * 50_000),
    ],
    ids=["gzip", "zlib", "raw deflate", "gzip not declared", "identity"],
)
async def test_compressed_bodies(site: Site, fetcher: Fetcher, coding: str, body: bytes) -> None:
    site.routes["/f"] = Answer(body, headers={"Content-Encoding": coding} if coding else {})
    assert (await fetcher.fetch(site.url("/f"))).body == b"x" * 50_000


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"x" * 100_001),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"\0" * 50_000_000)),
        ({"Content-Encoding": "deflate"}, zlib.compress(b"\0" * 50_000_000)),
        ({}, gzip.compress(b"\0" * 50_000_000)),
        ({"Content-Encoding": "gzip"}, gzip.compress(gzip.compress(b"\0" * 50_000_000))),
    ],
    ids=["plain", "gzip bomb", "deflate bomb", "gz file bomb", "nested bomb"],
)
async def test_too_large_is_cut_off(site: Site, fetcher: Fetcher, headers: dict[str, str], body: bytes) -> None:
    site.routes["/f"] = Answer(body, headers=headers)
    error = await refusal(fetcher, site.url("/f"))
    assert "larger than" in str(error)
    assert not error.transient


async def test_an_endless_body_is_cut_off(site: Site, fetcher: Fetcher) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 10_000

    site.routes["/f"] = lambda _: Answer(chunks=endless())
    assert "larger than" in str(await refusal(fetcher, site.url("/f")))


async def test_a_dripping_server_is_cut_off(site: Site) -> None:
    def drip() -> Iterator[bytes]:
        while True:
            yield b"x"
            time.sleep(0.05)

    site.routes["/f"] = lambda _: Answer(chunks=drip())
    started = time.monotonic()
    async with Fetcher([site.address], timeout=0.5) as fetcher:
        error = await refusal(fetcher, site.url("/f"))
    assert error.transient
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("coding", "body"),
    [("gzip", b"no gzip"), ("gzip", gzip.compress(b"x" * 9_999)[:-20]), ("br", b"x"), ("gzip, gzip", b"x")],
    ids=["no gzip", "cut off", "unasked", "twice"],
)
async def test_broken_and_unasked_codings(site: Site, fetcher: Fetcher, coding: str, body: bytes) -> None:
    site.routes["/f"] = Answer(body, headers={"Content-Encoding": coding})
    await refusal(fetcher, site.url("/f"))


async def test_statuses_say_whether_to_try_again(site: Site, fetcher: Fetcher) -> None:
    for status, transient in ((404, False), (410, False), (403, False), (429, True), (500, True), (503, True)):
        site.routes["/f"] = Answer(status=status, headers={"Retry-After": "7"})
        error = await refusal(fetcher, site.url("/f"))
        assert (error.status, error.transient, error.retry_after) == (status, transient, 7.0)


async def test_unreachable(fetcher: Fetcher) -> None:
    assert (await refusal(fetcher, "http://nowhere.invalid/f")).transient
    await refusal(fetcher, "http://" + "a" * 70 + ".example/")
    await refusal(fetcher, "http://xn--\u2028/")


async def test_no_cookies_are_kept(site: Site, fetcher: Fetcher) -> None:
    site.routes["/f"] = Answer(b"x", headers={"Set-Cookie": "who=me"})
    await fetcher.fetch(site.url("/f"))
    await fetcher.fetch(site.url("/f"))
    assert all("cookie" not in headers for _, headers in site.requests)


def test_retry_after() -> None:
    now = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    assert parse_retry_after("120", now) == 120
    assert parse_retry_after("Sun, 01 Mar 2026 12:01:30 GMT", now) == 90
    assert parse_retry_after("Sun, 01 Mar 2026 11:00:00 GMT", now) == 0
    assert parse_retry_after("soon", now) is None
    assert parse_retry_after(None, now) is None
