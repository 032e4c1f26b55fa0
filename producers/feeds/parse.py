"""Feeds as they are found in the wild, to items. Pure; never raises on an item, only on what is no feed at all."""

from __future__ import annotations

import calendar
import hashlib
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.sax import SAXParseException

import feedparser

from producers.feeds.text import decode_bytes, html_to_text, plain_title
from producers.reading import InvalidArticle, parse_json
from schemas.ids import canonical_url

_JSON_FEED = "https://jsonfeed.org/version/"


class NotAFeed(Exception):
    """The document is neither RSS nor Atom nor JSON Feed."""


@dataclass(frozen=True)
class FeedItem:
    """One item of a feed, as the feed has it."""

    title: str
    body: str
    """The longest text the feed itself gives, without mark-up."""
    url: str | None
    external_id: str | None
    published: datetime | None
    language: str | None
    source: str | None
    """Where the item says it comes from, if it does."""
    shares_url: bool = False
    """The URL is not the item's own: others have it too, or it is the site's front page."""


@dataclass(frozen=True)
class FeedDocument:
    """What a feed holds, oldest item first."""

    items: list[FeedItem] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)
    """Items that could not be read at all: why, in words."""
    broken: str | None = None
    """Why the document is not well-formed XML, where it is not. What could be read of it all the same is in `items`."""


def parse_feed(body: bytes, content_type: str, url: str) -> FeedDocument:
    """The items of a feed document, whatever its kind.

    Args:
        url: where it was fetched, for relative links.

    Raises:
        NotAFeed: it is something else, an error page for example.
    """
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    document, home = _json_feed(body, url) if start == b"{" else _xml_feed(body, content_type, url)
    return replace(document, items=_oldest_first(_mark_shared(document.items, home)))


def _mark_shared(items: list[FeedItem], home: str | None) -> list[FeedItem]:
    """A link that several items share, or that leads to the front page, tells nothing of which article it is."""
    owners: dict[str, set[str]] = {}
    for item in items:
        if item.url:
            owners.setdefault(canonical_url(item.url), set()).add(item.external_id or item.title)
    front = canonical_url(home) if home else None
    return [
        replace(item, shares_url=True)
        if item.url and (canonical_url(item.url) == front or len(owners[canonical_url(item.url)]) > 1)
        else item
        for item in items
    ]


def _oldest_first(items: list[FeedItem]) -> list[FeedItem]:
    """Feeds put the newest on top; stories are better told in order. Items without a date stay with their neighbour."""
    latest = datetime.min.replace(tzinfo=UTC)
    keyed = []
    for position, item in enumerate(reversed(items)):
        latest = item.published or latest
        keyed.append((latest, position, item))
    keyed.sort(key=lambda entry: entry[:2])
    return [item for _, _, item in keyed]


def _xml_feed(body: bytes, content_type: str, url: str) -> tuple[FeedDocument, str | None]:
    headers = {"content-type": content_type or "application/xml", "content-location": url}
    parsed = _parse(body, headers)
    if not parsed.get("version") and not parsed.entries:
        # A character set declared wrongly can hide a whole feed; as text it may still be one.
        parsed = _parse(decode_bytes(body, content_type).encode("utf-8", "replace"), {"content-location": url})
    if not parsed.get("version") and not parsed.entries:
        raise NotAFeed(f"neither RSS nor Atom nor JSON Feed ({_say(parsed)}); it starts with {body[:60]!r}")
    items, unusable = [], []
    broken = _why_broken(parsed)
    language = _text(parsed.feed.get("language"))
    for position, entry in enumerate(parsed.entries, 1):
        item = _xml_item(entry, url, language)
        if item is None:
            unusable.append(f"item {position} has neither title nor text" + (f": {broken}" if broken else ""))
        else:
            items.append(item)
    return FeedDocument(items, unusable, broken), _http_url(parsed.feed.get("link"), url)


def _parse(document: bytes, headers: dict[str, str]) -> Any:
    # Always a stream: text and bytes that are an address or a path are fetched or opened, past every guard of ours.
    return feedparser.parse(io.BytesIO(document), response_headers=headers)


def _why_broken(parsed: Any) -> str | None:
    """What the strict parser stumbled over; None where it did not, or over something that is not the XML."""
    error = parsed.get("bozo_exception")
    if not isinstance(error, SAXParseException):
        return None
    return f"not well-formed XML, line {error.getLineNumber()}: {error.getMessage()}"


def _say(parsed: Any) -> str:
    return str(parsed.get("bozo_exception") or "no feed element")


def _xml_item(entry: Mapping[str, Any], base: str, feed_language: str | None) -> FeedItem | None:
    bodies = [_detail_text(detail) for detail in entry.get("content") or []]
    bodies.append(_detail_text(entry.get("summary_detail")))
    body = max(bodies, key=len)
    title = plain_title(_text(entry.get("title")) or "")
    if not title and not body.strip():
        return None
    source = entry.get("source") or {}
    detail = entry.get("title_detail") or {}
    return FeedItem(
        title=title,
        body=body,
        url=_http_url(entry.get("link"), base),
        external_id=_text(entry.get("id")),
        published=_date(entry.get("published_parsed")) or _date(entry.get("updated_parsed")),
        language=_text(entry.get("language")) or _text(detail.get("language")) or feed_language,
        source=plain_title(_text(source.get("title")) or "") or None,
    )


def _detail_text(detail: Mapping[str, Any] | None) -> str:
    value = _text((detail or {}).get("value")) or ""
    return value if (detail or {}).get("type") == "text/plain" else html_to_text(value)


def _date(parsed: Any) -> datetime | None:
    if not isinstance(parsed, time.struct_time):
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _json_feed(body: bytes, url: str) -> tuple[FeedDocument, str | None]:
    try:
        fields = parse_json(body.removeprefix(b"\xef\xbb\xbf"))
    except InvalidArticle as error:
        raise NotAFeed(str(error)) from error
    version = fields.get("version")
    entries = fields.get("items")
    if not isinstance(version, str) or not version.startswith(_JSON_FEED) or not isinstance(entries, list):
        raise NotAFeed("JSON, but no JSON Feed: `version` or `items` is missing")
    items, unusable = [], []
    for position, entry in enumerate(entries, 1):
        item = _json_item(entry, url, _text(fields.get("language"))) if isinstance(entry, dict) else None
        if item is None:
            unusable.append(f"item {position} has neither title nor text")
        else:
            items.append(item)
    return FeedDocument(items, unusable), _http_url(fields.get("home_page_url"), url)


def _json_item(entry: dict[str, Any], base: str, feed_language: str | None) -> FeedItem | None:
    # Plain text is taken to the last byte; only HTML has to be turned into text.
    body = _text(entry.get("content_text")) or html_to_text(_text(entry.get("content_html")) or "")
    if not body.strip():
        body = _text(entry.get("summary")) or ""
    title = plain_title(_text(entry.get("title")) or "")
    if not title and not body.strip():
        return None
    own_id = entry.get("id")
    extension = entry.get("_polywire")
    return FeedItem(
        title=title,
        body=body,
        url=_http_url(entry.get("url"), base) or _http_url(entry.get("external_url"), base),
        external_id=str(own_id) if isinstance(own_id, str | int | float) and own_id != "" else None,
        published=_iso_date(entry.get("date_published")) or _iso_date(entry.get("date_modified")),
        language=_text(entry.get("language")) or feed_language,
        source=_text(extension.get("source")) if isinstance(extension, dict) else None,
    )


def _iso_date(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _http_url(value: object, base: str) -> str | None:
    """An absolute http(s) address without what makes it dangerous or useless; None for anything else."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        absolute = urljoin(base, value.strip())
        parts = urlsplit(absolute)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        return None
    return absolute if usable and len(absolute) <= 4_000 else None


def digest(body: bytes) -> str:
    """Tells one version of a document from another."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()
