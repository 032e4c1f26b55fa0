"""The outside world that a polywire speaks with: a feed, and a receiver of webhooks, on loopback."""

from __future__ import annotations

import json
import threading
import time
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

from schemas.articles import RawArticle

_PATIENCE = 280.0
"""Seconds that a port which another run holds is waited for."""


class Outside:
    """`items`: the articles in the feed. `keys`: the idempotency key of each delivery, in order."""

    def __init__(self, port: int = 0) -> None:
        """0: any free port. Where another run holds it, this one waits."""
        self.items: list[RawArticle] = []
        self.keys: list[str] = []
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply(outside.feed().encode())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outside.keys.append(self.headers["Idempotency-Key"])
                self.reply(b"")

            def reply(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/rss+xml; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _listen(port, Handler)
        self._server.daemon_threads = True
        host, port = self._server.server_address[:2]
        address = f"{host!s}:{port}"
        self.hook = f"http://{address}/hook"
        self.environment = {
            "POLYWIRE_ALLOW_HOSTS": json.dumps([address]),
            "POLYWIRE_FEEDS": json.dumps([{"url": f"http://{address}/feed.xml", "full_text": "never", "interval": 2}]),
            "POLYWIRE_WEBHOOK_SECRET": "a secret of loopback",
        }
        """How a polywire is set up that speaks with it."""
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def feed(self) -> str:
        """RSS, all texts in full."""
        items = [
            f"<item><guid>{escape(a.url or a.id)}</guid><link>{escape(a.url or '')}</link>"
            f"<title>{escape(a.title)}</title><description>{escape(a.text)}</description>"
            f"<pubDate>{format_datetime(a.when)}</pubDate></item>"
            for a in self.items
        ]
        return f'<rss version="2.0"><channel><title>outside.example</title>{"".join(items)}</channel></rss>'

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _listen(port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
