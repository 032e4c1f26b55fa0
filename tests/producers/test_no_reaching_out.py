"""What is parsed is read and nothing else: no document makes a parser of ours open a file or a connection."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from producers.feeds.fulltext import extract_text
from producers.feeds.parse import NotAFeed, parse_feed
from producers.feeds.text import html_to_text
from tests.producers.sites import Answer, Site

SECRET = "what only this machine may see"
URL = "https://news.example/feed"
INNER_FEED = (
    f"<rss version='2.0'><channel><title>inner</title><item><title>{SECRET}</title></item></channel></rss>"
).encode()


@pytest.fixture
def inner(site: Site) -> Site:
    """A service on this machine that answers everything with a feed."""
    site.routes["/inner"] = Answer(INNER_FEED, headers={"Content-Type": "application/rss+xml"})
    return site


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "inner.xml"
    path.write_bytes(INNER_FEED)
    return path


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def within(seconds: float, call: Callable[[], None]) -> None:
    """Fails where the call hangs, instead of hanging with it."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "the parser waits for something"
    if failures:
        raise failures[0]


@pytest.mark.parametrize("content_type", ["", "application/rss+xml", "text/xml; charset=us-ascii", "text/html"])
@pytest.mark.parametrize("spelled", ["{}", "{}\n", "\N{ZERO WIDTH NO-BREAK SPACE}{}"])
def test_a_body_that_is_an_address_is_not_fetched(inner: Site, content_type: str, spelled: str) -> None:
    for address in (inner.url("/inner"), inner.url("/inner").replace("http:", "feed:")):
        with pytest.raises(NotAFeed):
            parse_feed(spelled.format(address).encode(), content_type, URL)
    assert inner.requests == []


@pytest.mark.parametrize("as_address", [False, True])
def test_a_body_that_is_a_path_is_not_opened(file: Path, as_address: bool) -> None:
    body = file.as_uri() if as_address else str(file)
    with pytest.raises(NotAFeed):
        parse_feed(body.encode(), "application/rss+xml", URL)


def test_a_body_that_is_the_path_of_a_fifo_does_not_hang(fifo: Path) -> None:
    def call() -> None:
        with pytest.raises(NotAFeed):
            parse_feed(str(fifo).encode(), "", URL)

    within(20.0, call)


def test_a_body_that_is_the_number_of_an_open_file_is_no_feed() -> None:
    for body in (b"0", b"1", b"/dev/fd/0", b"."):
        with pytest.raises(NotAFeed):
            parse_feed(body, "", URL)


def test_xml_that_names_other_documents_is_read_without_them(inner: Site, file: Path) -> None:
    for target in (inner.url("/inner"), file.as_uri(), str(file)):
        body = (
            f'<?xml version="1.0"?><?xml-stylesheet href="{target}"?>'
            f'<!DOCTYPE rss SYSTEM "{target}" [<!ENTITY % all SYSTEM "{target}"> %all; <!ENTITY in SYSTEM "{target}">]>'
            f'<rss version="2.0" xmlns:xi="http://www.w3.org/2001/XInclude" xml:base="{target}"><channel>'
            f'<item><title>t &in; <xi:include href="{target}"/></title><description>body</description>'
            f'<enclosure url="{target}"/></item></channel></rss>'
        ).encode()
        assert SECRET not in repr(parse_feed(body, "application/rss+xml", URL))
    assert inner.requests == []


def test_a_json_feed_whose_fields_are_addresses_is_read_without_them(inner: Site, file: Path) -> None:
    for target in (inner.url("/inner"), file.as_uri(), str(file)):
        item = {"title": target, "content_html": target, "url": target, "attachments": [{"url": target}]}
        head = {"version": "https://jsonfeed.org/version/1.1", "feed_url": target, "next_url": target}
        assert SECRET not in repr(parse_feed(json.dumps({**head, "items": [item]}).encode(), "", URL))
    assert inner.requests == []


@pytest.mark.parametrize("wrap", [False, True])
def test_a_page_that_is_or_names_an_address_or_a_file_is_read_without_it(
    inner: Site, file: Path, fifo: Path, wrap: bool
) -> None:
    def call() -> None:
        for target in (inner.url("/inner"), file.as_uri(), str(file), str(fifo)):
            page = target
            if wrap:
                page = (
                    f'<?xml version="1.0"?><!DOCTYPE html SYSTEM "{target}" [<!ENTITY in SYSTEM "{target}">]>'
                    f'<html><head><base href="{target}"><link rel="stylesheet" href="{target}">'
                    f'<meta http-equiv="refresh" content="0; url={target}"></head><body><p>&in; {"text " * 80}</p>'
                    f'<iframe src="{target}"></iframe><img src="{target}"><object data="{target}"></object></html>'
                )
            for content_type in ("text/html", "application/xhtml+xml"):
                assert SECRET not in extract_text(page.encode(), content_type, target, "t")
            assert SECRET not in html_to_text(page)

    within(60.0, call)
    assert inner.requests == []
