"""A webhook receiver that does what a test says, and remembers what it got."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Got:
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


class Receiver:
    """`answers[path]` is a list of (status, headers), used up one by one; then 200. What comes to a path
    in `held` waits for the event.
    """

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: dict[str, list[tuple[int, dict[str, str]]]] = {}
        self.held: dict[str, threading.Event] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path in receiver.held:
                    receiver.held[self.path].wait()
                receiver.got.append(Got(self.path, dict(self.headers.items()), content, time.monotonic()))
                planned = receiver.answers.get(self.path, [])
                status, headers = planned.pop(0) if planned else (200, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def on(self, path: str) -> list[Got]:
        return [got for got in self.got if got.path == path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
