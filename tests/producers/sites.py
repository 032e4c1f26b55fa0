"""A web site on loopback that says what a test tells it to, and a publisher that keeps what it is given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from producers.publisher import NotAcknowledged, Publisher
from schemas.articles import RawArticle


@dataclass
class Answer:
    """What the site says to one request."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    chunks: Iterator[bytes] | None = None
    """Instead of a body of known length."""


Route = Answer | Callable[[dict[str, str]], Answer]


class Site:
    """A loopback HTTP server with routes that a test can change at any time."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                site.requests.append((self.path, headers))
                route = site.routes.get(self.path, Answer(status=404))
                answer = route if isinstance(route, Answer) else route(headers)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.chunks is None and answer.status != 304:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                try:
                    for chunk in answer.chunks or (answer.body,):
                        self.wfile.write(chunk)
                        self.wfile.flush()
                except OSError:
                    pass  # the client had enough, which some tests are about

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://{self.address}{path}"

    def asked(self, path: str) -> int:
        return sum(1 for asked, _ in self.requests if asked == path)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class KeptArticles(Publisher):
    """Keeps articles instead of sending them, or fails as told."""

    def __init__(self) -> None:
        self.articles: list[RawArticle] = []
        self.failures: list[type[NotAcknowledged]] = []

    def publish(self, articles: Sequence[RawArticle]) -> None:
        if self.failures:
            raise self.failures.pop(0)({article.id: "as told" for article in articles})
        self.articles += articles

    def close(self) -> None:
        pass
