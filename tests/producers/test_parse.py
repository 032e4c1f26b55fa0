"""Feeds as they are found in the wild."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from producers.feeds.fulltext import extract_text, wants_page
from producers.feeds.items import item_id, item_revision, item_source, to_article
from producers.feeds.parse import FeedItem, NotAFeed, parse_feed
from producers.feeds.text import decode_bytes, html_to_text, plain_title
from producers.reading import InvalidArticle
from schemas.ids import article_id

URL = "https://news.example/feeds/world"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def rss(items: str, head: str = "", encoding: str = "utf-8") -> bytes:
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel><title>News</title>'
        f"<link>https://news.example/</link>{head}{items}</channel></rss>"
    )
    return text.encode(encoding)


def items(body: bytes, content_type: str = "application/rss+xml") -> list[FeedItem]:
    return parse_feed(body, content_type, URL).items


def only(body: bytes, content_type: str = "application/rss+xml") -> FeedItem:
    (item,) = items(body, content_type)
    return item


def test_rss() -> None:
    item = only(
        rss(
            "<item><title>Arms &amp;amp; men</title><link>/a?x=1</link><guid isPermaLink='false'>g1</guid>"
            "<pubDate>Sun, 01 Mar 2026 14:00:00 +0200</pubDate><source url='https://o.example'>Outlet</source>"
            "<description>&lt;p&gt;One &amp;amp; two.&lt;/p&gt;&lt;p&gt;Three&lt;br&gt;four&lt;/p&gt;</description>"
            "</item>",
            "<language>ms</language>",
        )
    )
    assert item.title == "Arms & men"
    assert item.body == "One & two.\nThree\nfour"
    assert item.url == "https://news.example/a?x=1"
    assert item.external_id == "g1"
    assert item.published == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert item.source == "Outlet"
    assert item.language == "ms"


def test_the_longest_text_of_an_item_is_its_body() -> None:
    item = only(
        b'<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><item><title>t</title>'
        b"<description>Short.</description><content:encoded><![CDATA[<div>All of the text.</div>]]></content:encoded>"
        b"</item></channel></rss>"
    )
    assert item.body == "All of the text."


def test_atom() -> None:
    item = only(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="ar"><entry><id>tag:x</id>'
        '<title type="html">أ &lt;b&gt;ب&lt;/b&gt;'
        '</title><link href="https://n.example/1"/><updated>2026-03-01T10:00:00Z</updated>'
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>نص</p><p>ثان</p></div></content></entry>'
        "</feed>".encode()
    )
    assert (item.title, item.body, item.url, item.external_id) == ("أ ب", "نص\nثان", "https://n.example/1", "tag:x")
    assert item.published == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert item.language == "ar"


def json_feed(*entries: object, **head: object) -> bytes:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": entries, **head}).encode()


def test_json_feed_keeps_plain_text_to_the_last_byte() -> None:
    text = "First line.\r\n\n\n  <b>not a tag</b> &amp; not an entity \n"
    item = only(json_feed({"id": 5, "url": "/x", "content_text": text, "date_published": "2026-03-01T13:00:00+01:00"}))
    assert item.body == text
    assert (item.title, item.external_id, item.url) == ("", "5", "https://news.example/x")
    assert item.published == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_json_feed_in_html_and_what_is_no_item() -> None:
    document = parse_feed(
        b"\xef\xbb\xbf"
        + json_feed({"content_html": "<p>a</p>", "language": "fr"}, 7, {"id": "no words"}, {"title": 3}),
        "",
        URL,
    )
    assert [(item.body, item.language) for item in document.items] == [("a", "fr")]
    assert len(document.unusable) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Gone fishing</body></html>",
        b"{}",
        b'{"version": "https://jsonfeed.org/version/1"}',
        b"{",
        b"\x00\xff\x10",
    ],
)
def test_what_is_no_feed(body: bytes) -> None:
    with pytest.raises(NotAFeed):
        parse_feed(body, "text/html", URL)


def test_a_feed_without_items_is_a_feed() -> None:
    assert items(rss("")) == []


@pytest.mark.parametrize("encoding", ["windows-1251", "koi8-r", "utf-16"])
@pytest.mark.parametrize("content_type", ["application/rss+xml", "text/xml; charset=us-ascii"])
def test_declared_character_sets(encoding: str, content_type: str) -> None:
    assert only(rss("<item><title>Новости дня</title></item>", encoding=encoding), content_type).title == "Новости дня"


def test_a_wrong_character_set_in_the_header_is_not_believed() -> None:
    assert only(rss("<item><title>Новости</title></item>"), "application/xml; charset=ascii").title == "Новости"
    assert only(rss("<item><title>Новости</title></item>"), "text/xml; charset=nonsense").title == "Новости"


def test_malformed_xml_gives_what_it_has() -> None:
    body = rss("<item><title>One & two &nbsp; three</title></item><item><title>Second <b>open</title></item>")
    assert [item.title for item in items(body[:-20])][::-1][0].startswith("One & two")


def test_entities_do_not_explode() -> None:
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
        + b']><rss version="2.0"><channel><item><title>x &j; y</title></item></channel></rss>'
    )
    assert all(len(item.title) < 10_000 for item in items(bomb))


def test_no_file_is_read_for_a_feed() -> None:
    body = (
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        b'<rss version="2.0"><channel><item><title>x &x; y</title></item></channel></rss>'
    )
    assert all("root:" not in item.title for item in items(body))


def test_items_come_oldest_first() -> None:
    body = rss(
        "<item><title>c</title><pubDate>Sun, 01 Mar 2026 12:00:00 GMT</pubDate></item>"
        "<item><title>undated</title></item>"
        "<item><title>a</title><pubDate>Sun, 01 Mar 2026 10:00:00 GMT</pubDate></item>"
        "<item><title>b</title><pubDate>Sun, 01 Mar 2026 11:00:00 GMT</pubDate></item>"
    )
    assert [item.title for item in items(body)] == ["a", "undated", "b", "c"]


def test_items_without_date_link_or_title_and_links_of_no_use() -> None:
    body = rss(
        "<item><description>Only a text</description></item><item><link>https://n.example/empty</link></item>"
        "<item><title>x</title><link>javascript:alert(1)</link></item><item><title>y</title><link>http://u:p@h/</link></item>"
        "<item><title>z</title><pubDate>yesterday</pubDate></item>"
    )
    document = parse_feed(body, "", URL)
    assert len(document.unusable) == 1
    assert {item.title: item.url for item in document.items} == {"": None, "x": None, "y": None, "z": None}
    assert all(item.published is None for item in document.items)


def test_a_link_that_items_share_is_not_their_identity() -> None:
    body = rss(
        "<item><title>one</title><link>https://news.example/live</link><guid isPermaLink='false'>1</guid></item>"
        "<item><title>two</title><link>https://news.example/live?utm_source=rss</link>"
        "<guid isPermaLink='false'>2</guid></item>"
        "<item><title>front</title><link>http://news.example</link><guid isPermaLink='false'>3</guid></item>"
        "<item><title>own</title><link>https://news.example/own</link><guid isPermaLink='false'>4</guid></item>"
        "<item><title>own again</title><link>https://news.example/own</link><guid isPermaLink='false'>4</guid></item>"
    )
    found = {item.title: item for item in items(body)}
    assert {title for title, item in found.items() if item.shares_url} == {"one", "two", "front"}
    ids = {title: item_id(item, "news.example") for title, item in found.items()}
    assert len(set(ids.values())) == 4
    assert ids["own"] == article_id(url="https://news.example/own")
    assert ids["one"] == article_id(source="news.example", external_id="1")


def item(**fields: object) -> FeedItem:
    given: dict[str, object] = {
        "title": "t", "body": "b", "url": None, "external_id": None, "published": None, "language": None,
        "source": None,
    } | fields  # fmt: skip
    return FeedItem(**given)  # type: ignore[arg-type]


def test_source_is_the_configured_one_then_the_items_then_the_host() -> None:
    linked = item(url="https://www.paper.example/a")
    assert item_source(linked, URL, None) == "paper.example"
    assert item_source(item(source="Outlet", url="https://x.example"), URL, None) == "Outlet"
    assert item_source(item(), URL, None) == "news.example"
    assert item_source(linked, URL, "Configured") == "Configured"


def test_a_changed_item_is_a_revision_of_the_same_article() -> None:
    before, after = item(url="https://n.example/1"), item(url="https://n.example/1", body="b, corrected")
    assert item_id(before, "s") == item_id(after, "s")
    assert item_revision(before) != item_revision(after)


def test_dates_that_cannot_be_are_refused_and_long_titles_cut_with_a_note() -> None:
    def made(**fields: object) -> dict[str, str]:
        article = to_article(item(**fields), feed_url=URL, source="s", text="x", text_from="feed", collected=NOW)
        assert article.published is None
        assert len(article.title) <= 2_000
        return article.meta

    assert "published_refused" in made(published=datetime(1970, 1, 1, tzinfo=UTC))
    assert "published_refused" in made(published=datetime(2027, 1, 1, tzinfo=UTC))
    assert made(title="x" * 5_000)["title_cut_from"] == "5000"
    with pytest.raises(InvalidArticle, match="text"):
        to_article(item(), feed_url=URL, source="s", text="x" * 1_000_001, text_from="feed", collected=NOW)


def test_html_to_text() -> None:
    assert html_to_text("a<script>bad()</script>b<!-- c --> <style>x</style>d") == "ab d"
    assert html_to_text("<ul><li>one\n  two</li><li>three&nbsp;four</li></ul>") == "one two\nthree four"
    assert html_to_text("no tags:\n5 &lt; 6") == "no tags:\n5 < 6"
    assert html_to_text("<p>\x00\x0bcontrol</p>").endswith("control")
    assert html_to_text("<b></b>") == ""
    assert "deep" in html_to_text("<div>" * 1_500 + "deep")
    assert plain_title(" AT&amp;amp;T\n <i>rises</i> ") == "AT&T rises"


def test_decode_bytes() -> None:
    arabic = "صفقة أسلحة جديدة بين البلدين أعلنت اليوم"
    assert decode_bytes(arabic.encode("cp1256"), "text/html; charset=windows-1256") == arabic
    assert arabic in decode_bytes(b'<meta charset="windows-1256">' + arabic.encode("cp1256"), "text/html")
    assert decode_bytes(arabic.encode(), "text/html; charset=ascii") == arabic
    assert decode_bytes(arabic.encode("utf-8-sig"), "") == arabic
    assert decode_bytes(arabic.encode("utf-16"), "") == arabic
    assert decode_bytes(b"\xff\x00\x81", "text/html; charset=nonsense")


def test_when_the_page_is_wanted() -> None:
    assert wants_page("A summary.", "auto")
    assert wants_page("x" * 5_000 + " …", "auto")
    assert wants_page("x" * 5_000 + " [...]", "auto")
    assert not wants_page("x" * 5_000 + ".", "auto")
    assert wants_page("x" * 5_000, "always")
    assert not wants_page("", "never")


def test_a_page_that_is_no_html_or_holds_nothing_gives_no_text() -> None:
    assert extract_text(b"%PDF-1.4", "application/pdf", URL, "t") == ""
    assert extract_text(b"", "text/html", URL, "t") == ""
    assert extract_text(b"<html><body></body></html>", "text/html", URL, "t") == ""


def test_broken_xml_is_said_to_be_broken_and_what_can_be_read_is_taken() -> None:
    body = rss(
        "<item><title>One</title></item>\n<item><titel>Two & more</titel></item>\n<item><title>Three</title></item>"
    )
    document = parse_feed(body, "application/rss+xml", URL)
    assert sorted(item.title for item in document.items) == ["One", "Three"]
    assert document.broken is not None
    assert "not well-formed XML, line 2" in document.broken
    assert document.unusable == [f"item 2 has neither title nor text: {document.broken}"]


def test_a_wrong_character_set_is_not_broken_xml() -> None:
    assert parse_feed(rss("<item><title>é</title></item>"), "text/xml; charset=us-ascii", URL).broken is None
