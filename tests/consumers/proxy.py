"""A proxy before Elasticsearch that fails as a test says: answers with a status, refuses connections, cuts them off."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx

_REFUSAL = b'{"error":{"type":"test","reason":"as told"}}'


class FaultyProxy:
    """`url` leads to `target`. `status`: answer every request with it. `drop`: cut the connection instead.

    `after`: forward the request, then cut the connection, so that its effect is there and its answer is not.
    `delay`: seconds that each request is held up. `requests`: the paths asked for.
    """

    def __init__(self, target: str) -> None:
        self.status: int | None = None
        self.drop = False
        self.after = False
        self.delay = 0.0
        self.requests: list[str] = []
        self.refused = 0
        self.only = ""
        """Fails only requests whose path contains this."""
        proxy, base = self, urlsplit(target)
        client = httpx.Client(base_url=f"http://{base.netloc}", timeout=30)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                proxy.requests.append(self.path)
                time.sleep(proxy.delay)
                faulty = proxy.only in self.path
                if faulty and (proxy.status or (proxy.drop and not proxy.after)):
                    proxy.refused += 1
                    if proxy.drop:
                        self.close_connection = True
                        return
                    self.reply(proxy.status or 500, _REFUSAL, {})
                    return
                headers = {k: v for k, v in self.headers.items() if k.lower() not in {"host", "content-length"}}
                answer = client.request(self.command, self.path, content=content, headers=headers)
                if faulty and proxy.after:
                    proxy.refused += 1
                    self.close_connection = True
                    return
                kept = {
                    k.lower(): v
                    for k, v in answer.headers.items()
                    if k.lower() in {"content-type", "x-elastic-product"}
                }
                self.reply(answer.status_code, answer.content, kept)

            def reply(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(status)
                self.send_header("Content-Type", headers.get("Content-Type", "application/json"))
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_one

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
