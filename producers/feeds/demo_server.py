"""The demo's own little internet on loopback: feeds of three kinds and their pages, made from `seeds/`.

Articles appear one after another, so that one can watch stories form. The founding documents come as plain text in a
JSON Feed, which changes no byte of them; the invented ones come as summaries in RSS, whose pages hold the text, and in
full in Atom.
"""

from __future__ import annotations

import html
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from producers.feeds.parse import digest
from producers.reading import read_folder, read_jsonl
from runtime.logs import get_logger
from schemas.articles import RawArticle

log = get_logger(__name__)

PORT = 8089
"""The same each time: an article's id comes from its URL, and must not change when the stage is started again."""
_SUMMARY = 160
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


@dataclass(frozen=True)
class _Served:
    article: RawArticle
    kind: str
    """json, rss or atom."""


class DemoServer:
    """Serves the seeds; see the module.

    Args:
        seeds: the folder.
        pace: seconds from one article to the next; 0 shows all at once.
    """

    def __init__(
        self, seeds: Path, *, pace: float, port: int = PORT, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._items = _in_order(seeds)
        self._pace = pace
        self._clock = clock
        self._started = clock()
        handler = type("Handler", (_Handler,), {"demo": self})
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError as error:
            log.warning("demo port taken", port=port, reason=str(error))
            self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        """host:port"""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def feed_urls(self) -> list[str]:
        """The feeds there are."""
        return [f"http://{self.address}/{name}" for name in ("feed.json", "feed.rss", "feed.atom")]

    def start(self) -> None:
        """Serve on a daemon thread; the first article is there at once."""
        self._started = self._clock()
        threading.Thread(target=self._server.serve_forever, name="demo-feeds", daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def respond(self, path: str) -> tuple[str, str] | None:
        """Content type and body for a path; None where there is nothing."""
        if path == "/feed.json":
            return "application/feed+json", self._json_feed()
        if path == "/feed.rss":
            return "application/rss+xml; charset=utf-8", self._rss_feed()
        if path == "/feed.atom":
            return "application/atom+xml; charset=utf-8", self._atom_feed()
        for served in self._released():
            if path == _path(served.article):
                return "text/html; charset=utf-8", _page(served.article)
        return None

    def _released(self) -> list[_Served]:
        """Newest first, as feeds are."""
        count = len(self._items)
        if self._pace > 0:
            count = min(count, 1 + int((self._clock() - self._started) / self._pace))
        return self._items[:count][::-1]

    def _of(self, kind: str) -> list[RawArticle]:
        return [served.article for served in self._released() if served.kind == kind]

    def _url(self, article: RawArticle) -> str:
        return f"http://{self.address}{_path(article)}"

    def _json_feed(self) -> str:
        items = [
            {
                "id": article.external_id or article.id,
                "url": self._url(article),
                "title": article.title,
                "content_text": article.text,
                "date_published": _date(article).isoformat(),
                "_polywire": {"source": article.source},
            }
            for article in self._of("json")
        ]
        return json.dumps(
            {"version": "https://jsonfeed.org/version/1.1", "title": "Founding documents", "items": items},
            ensure_ascii=False,
        )

    def _rss_feed(self) -> str:
        items = "".join(
            f"<item><title>{escape(article.title)}</title><link>{self._url(article)}</link>"
            f"<guid>{self._url(article)}</guid><pubDate>{format_datetime(_date(article))}</pubDate>"
            f"<source url={quoteattr('http://' + self.address)}>{escape(article.source)}</source>"
            f"<description>{escape(html.escape(_summary(article)))}</description></item>"
            for article in self._of("rss")
        )
        return (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Invented news</title>'
            f"<link>http://{self.address}/</link><description>Made for the demo</description>{items}</channel></rss>"
        )

    def _atom_feed(self) -> str:
        entries = "".join(
            f"<entry><id>{self._url(article)}</id><title>{escape(article.title)}</title>"
            f"<link href={quoteattr(self._url(article))}/><updated>{_date(article).isoformat()}</updated>"
            f"<source><title>{escape(article.source)}</title></source>"
            f'<content type="html">{escape(_paragraphs(article))}</content></entry>'
            for article in self._of("atom")
        )
        return (
            '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
            f"<id>http://{self.address}/</id><title>Invented news</title>{entries}</feed>"
        )


def _in_order(seeds: Path) -> list[_Served]:
    """The founding documents among the first of the invented articles."""
    now = datetime.now(UTC)
    founding = [_Served(line.article, "json") for line in read_folder(seeds, collected=now) if line.article is not None]
    with (seeds / "sample.jsonl").open("rb") as stream:
        sample = [
            _Served(line.article, "atom" if line.number % 3 == 0 else "rss")
            for line in read_jsonl(stream, default_source="sample", collected=now)
            if line.article is not None
        ]
    order = []
    while founding or sample:
        order += founding[:1] + sample[:2]
        founding, sample = founding[1:], sample[2:]
    return order


def _path(article: RawArticle) -> str:
    return f"/articles/{article.id}"


def _date(article: RawArticle) -> datetime:
    return article.published or article.collected


def _summary(article: RawArticle) -> str:
    text = " ".join(article.text.split())
    return text if len(text) <= _SUMMARY else text[:_SUMMARY] + "…"


def _paragraphs(article: RawArticle) -> str:
    return "".join(f"<p>{html.escape(line)}</p>" for line in article.text.splitlines() if line.strip())


def _page(article: RawArticle) -> str:
    language = article.language or ""
    direction = "rtl" if language in _RIGHT_TO_LEFT else "auto"
    title, source = html.escape(article.title or article.source), html.escape(article.source)
    footer = "Invented for the demonstration." if article.meta.get("invented") else "A founding document."
    return (
        f'<!doctype html><html lang="{html.escape(language)}" dir="{direction}"><head><meta charset="utf-8">'
        f"<title>{title} - {source}</title></head><body><header><nav><a href='/'>{source}</a></nav></header>"
        f"<main><article><h1>{title}</h1><time datetime='{_date(article).isoformat()}'>{_date(article):%Y-%m-%d}</time>"
        f"{_paragraphs(article)}</article></main><footer><p>{footer}</p></footer></body></html>"
    )


class _Handler(BaseHTTPRequestHandler):
    demo: DemoServer

    def do_GET(self) -> None:
        found = self.demo.respond(self.path.partition("?")[0])
        if found is None:
            self.send_error(404)
            return
        content_type, text = found
        body = text.encode("utf-8")
        etag = f'"{digest(body)}"'
        unchanged = self.headers.get("If-None-Match") == etag
        self.send_response(304 if unchanged else 200)
        self.send_header("ETag", etag)
        if not unchanged:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not unchanged:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Every poll is not news."""
