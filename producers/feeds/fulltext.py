"""The text of an article out of its web page. Pure."""

from __future__ import annotations

import re
from typing import Literal

import trafilatura

from producers.feeds.text import decode_bytes

SHORT_BODY = 500
"""Characters: a feed item with less than this is a summary. Leads run to 400; the shortest full texts are longer."""
_CUT_OFF = re.compile(r"(\[?(…|\.\.\.)\]?|\[&#8230;\])\s*$")


def wants_page(body: str, mode: Literal["auto", "always", "never"]) -> bool:
    """Whether the linked page should be read: in `auto`, where the feed's text is short or ends in an ellipsis."""
    if mode == "auto":
        return len(body) < SHORT_BODY or _CUT_OFF.search(body) is not None
    return mode == "always"


def extract_text(page: bytes, content_type: str, url: str, title: str) -> str:
    """The article's text, a line a paragraph, without its heading; empty where none was found, or the page is no HTML.

    Method: trafilatura (Barbaresi, ACL 2021), without comments.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind and kind not in {"text/html", "application/xhtml+xml"}:
        return ""
    source = decode_bytes(page, content_type)
    text = trafilatura.extract(source, url=url, include_comments=False, include_tables=False, favor_recall=True) or ""
    first, _, rest = text.partition("\n")
    return rest if first.split() == title.split() else text
