"""The outside world that a release has spoken with: a feed, and a receiver of webhooks.

Always at the same address, because what was kept names it: a run on the same machine waits until the other is done.
"""

from __future__ import annotations

import json
import threading
import time
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

from schemas.articles import RawArticle

ADDRESS = "127.0.0.1:28417"
"""Below the ports that a system hands out by itself."""
FEED, HOOK = f"http://{ADDRESS}/feed.xml", f"http://{ADDRESS}/hook"
_PATIENCE = 280.0
ENVIRONMENT = {
    "POLYWIRE_ALLOW_HOSTS": json.dumps([ADDRESS]),
    "POLYWIRE_FEEDS": json.dumps([{"url": FEED, "full_text": "never", "interval": 2}]),
    "POLYWIRE_WEBHOOK_SECRET": "kept with the release",
}
"""How a polywire is set up that speaks with it."""


class Outside:
    """`items`: the articles in the feed. `keys`: the idempotency key of each delivery, in order."""

    def __init__(self) -> None:
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

        self._server = _listen(Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def feed(self) -> str:
        """RSS, all texts in full."""
        items = [
            f"<item><guid>{escape(a.url or a.id)}</guid><link>{escape(a.url or '')}</link>"
            f"<title>{escape(a.title)}</title><description>{escape(a.text)}</description>"
            f"<pubDate>{format_datetime(a.when)}</pubDate></item>"
            for a in self.items
        ]
        return f'<rss version="2.0"><channel><title>kept.example</title>{"".join(items)}</channel></rss>'

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _listen(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    host, _, port = ADDRESS.partition(":")
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return ThreadingHTTPServer((host, int(port)), handler)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
