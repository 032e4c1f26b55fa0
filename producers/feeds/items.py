"""An item of a feed as an article. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from pydantic import ValidationError

from producers.feeds.parse import FeedItem
from producers.reading import InvalidArticle
from schemas.articles import MAX_TITLE, RawArticle
from schemas.codec import explain
from schemas.ids import article_id, content_revision

_FIRST_DATE = datetime(1990, 1, 1, tzinfo=UTC)
"""Older dates in feeds are clocks that were never set."""
_AHEAD = timedelta(days=1)
"""A clock may be wrong by a time zone; a date further ahead is a mistake that would tear the article from its story."""


def item_id(item: FeedItem, source: str) -> str:
    """The article's id: by its URL, unless that is not its own; else by its guid; else by what it says."""
    return article_id(
        url=None if item.shares_url else item.url,
        source=source,
        external_id=item.external_id,
        content=f"{item.title}\n{item.body}",
    )


def item_revision(item: FeedItem) -> str:
    """Changes when the feed's own words do."""
    return content_revision(item.title, item.body)


def item_source(item: FeedItem, feed_url: str, configured: str | None) -> str:
    """Who published it: the settings' word, the item's own, the host it links to, the feed's host."""
    host = urlsplit(item.url or feed_url).hostname or "unknown"
    return (configured or item.source or host.removeprefix("www."))[:200]


def to_article(
    item: FeedItem, *, feed_url: str, source: str, text: str, text_from: str, collected: datetime
) -> RawArticle:
    """The article that the item stands for.

    Args:
        text: the item's own text or that of its page.
        text_from: which of them, in words; kept in `meta`.

    Raises:
        InvalidArticle: nothing that could be an article, too long for example.
    """
    meta = {"feed": feed_url, "text_from": text_from}
    title = item.title
    if len(title) > MAX_TITLE:
        meta["title_cut_from"] = str(len(title))
        title = title[:MAX_TITLE]
    published = item.published
    if published is not None and not _FIRST_DATE <= published <= collected + _AHEAD:
        meta["published_refused"] = published.isoformat()
        published = None
    try:
        return RawArticle(
            id=item_id(item, source),
            source=source,
            url=item.url,
            external_id=item.external_id,
            title=title,
            text=text,
            published=published,
            collected=collected,
            language=item.language[:35] if item.language else None,
            meta=meta,
        )
    except ValidationError as error:
        raise InvalidArticle(explain(error)) from error
