"""Ids derived from content, so that a replay of anything gives the same ids again."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_TRACKING = re.compile(r"^(utm_\w+|fbclid|gclid|yclid|mc_cid|mc_eid|igshid|ref|ref_src|cmpid|ocid|smid)$", re.I)


def _digest(*parts: str) -> str:
    """24 hexadecimal digits (96 bits): no collision among any number of articles we shall ever see."""
    joined = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=12).hexdigest()


def canonical_url(url: str) -> str:
    """The same address for the same page: lower-case host, no fragment, default port or tracking parameters."""
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").lower().removeprefix("www.")
    try:
        port = parts.port
    except ValueError:
        port = None
    if port and (parts.scheme, port) not in {("http", 80), ("https", 443)}:
        host = f"{host}:{port}"
    query = urlencode(
        sorted((k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.match(k))
    )
    path = re.sub(r"[/\s]+\Z", "", re.sub(r"/{2,}", "/", parts.path)) or "/"
    # http and https serve the same page; one of them has to stand for both.
    scheme = "https" if parts.scheme in {"http", "https", ""} else parts.scheme
    return urlunsplit((scheme, host, path, query, ""))


def article_id(*, url: str | None = None, source: str = "", external_id: str | None = None, content: str = "") -> str:
    """By canonical URL; else by source and its own id; else by source and content (no revisions possible)."""
    if url:
        return _digest("url", canonical_url(url))
    if external_id:
        return _digest("ext", source, external_id)
    return _digest("content", source, content)


def content_revision(title: str, text: str) -> str:
    """Tells one revision of an article from another."""
    return _digest("rev", title, text)


def story_id(first_article_id: str) -> str:
    """A story is named after its first article."""
    return "s" + _digest("story", first_article_id)


def alert_id(subscription_id: str, story: str) -> str:
    """One alert per subscription and story: the id is the promise."""
    return _digest("alert", subscription_id, story)
