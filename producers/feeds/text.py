"""Text out of HTML and out of bytes of unknown character set. Pure."""

from __future__ import annotations

import html
import re

import lxml.etree
import lxml.html
from charset_normalizer import from_bytes

_TAG = re.compile(r"<[a-zA-Z/!?][^>]*>")
_SPACE = re.compile(r"[ \t\r\n\f\v\u00a0]+")
_META_CHARSET = re.compile(rb"""<(?:meta|\?xml)[^>]+(?:charset|encoding)\s*=\s*["']?\s*([a-zA-Z0-9_:.-]+)""", re.I)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([a-zA-Z0-9_:.-]+)", re.I)
_BLOCKS = re.compile(
    r"address|article|aside|blockquote|br|d[dlt]|div|fig(caption|ure)|footer|form|h[1-6]|header|hr|li|main|nav|[ou]l|p|pre"
    r"|section|t(able|body|d|foot|h|head|r)"
)
_SKIPPED = re.compile(r"script|style|noscript|template|iframe|object|svg|math|head")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def html_to_text(fragment: str) -> str:
    """The words of an HTML fragment, a line a block. A text without tags keeps its lines; entities are resolved."""
    if not _TAG.search(fragment):
        return html.unescape(fragment)
    try:
        # huge_tree: without it, what is nested deeper than 256 (with it: 2,048) is dropped without a word.
        parser = lxml.html.HTMLParser(huge_tree=True)
        root = lxml.html.fragment_fromstring(fragment, create_parent="div", parser=parser)
    except (lxml.etree.ParserError, ValueError):
        # ValueError: control characters that lxml refuses in a str.
        return html.unescape(_SPACE.sub(" ", _TAG.sub(" ", fragment))).strip()
    pieces: list[str] = []
    _collect(root, pieces)
    lines = (_SPACE.sub(" ", line).strip() for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def _collect(root: lxml.html.HtmlElement, pieces: list[str]) -> None:
    """Depth first, without recursion: hostile feeds nest deeper than Python's stack."""
    skipping: lxml.html.HtmlElement | None = None
    for event, element in lxml.etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        opaque = event in {"comment", "pi"}
        block = not opaque and _BLOCKS.fullmatch(element.tag) is not None
        if event == "start" and skipping is None:
            if _SKIPPED.fullmatch(element.tag):
                skipping = element
            else:
                pieces.append("\n" if block else "")
                pieces.append(_flat(element.text))
        if event == "end" and element is skipping:
            skipping = None
        if event != "start" and skipping is None and element is not root:
            pieces.append("\n" if block else "")
            pieces.append(_flat(element.tail))


def _flat(text: str | None) -> str:
    """Line ends in the source of HTML are spaces."""
    return _SPACE.sub(" ", text) if text else ""


def plain_title(title: str) -> str:
    """A title without mark-up, on one line. Many feeds escape it once too often."""
    return _SPACE.sub(" ", html_to_text(html.unescape(title))).strip()


def decode_bytes(body: bytes, content_type: str) -> str:
    """Bytes as text: by byte order mark, HTTP header, the document's own word, UTF-8, and at last by statistics.

    A declared character set that the bytes do not fit is not believed. Never fails: what fits nothing is replaced.
    """
    for bom, name in _BOMS:
        if body.startswith(bom):
            return body.decode(name, "replace")
    declared = []
    if match := _HEADER_CHARSET.search(content_type):
        declared.append(match[1])
    if meta := _META_CHARSET.search(body[:4096]):
        declared.append(meta[1].decode("ascii"))
    for name in [*declared, "utf-8"]:
        try:
            return body.decode(name)
        except (LookupError, UnicodeError):
            continue
    guess = from_bytes(body[:200_000]).best()
    return body.decode(guess.encoding if guess else "utf-8", "replace")
