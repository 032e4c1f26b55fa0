"""Is a stage alive? Metrics for Prometheus and an answer for a health check, from one set of counters.

Alive means progress: a stage that holds messages and has not moved one for a while is not alive, whatever its port
answers. Each stage process serves `/metrics` (Prometheus text) and `/healthz` (JSON; 503 when not alive).
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from runtime.addresses import listening_at
from runtime.logs import get_logger
from runtime.watchdog import WATCHDOG

log = get_logger(__name__)

STALLED_AFTER = 120.0
"""Seconds without a message handled, while messages wait, until a stage counts as stalled."""
SILENT_AFTER = 60.0
"""Seconds without a heartbeat of the stage's own loop until it counts as hung."""
_RATE_WINDOW = 60.0
_CLIENT_SECONDS = 5.0
"""How long a client of the health server may be silent."""
_NAMED = 20
"""Parts that fail which a report names."""

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass(frozen=True)
class HealthReport:
    """What `/healthz` answers and `polywire status` shows. Times in seconds."""

    stage: str
    alive: bool
    reason: str
    ready: bool
    handled: int
    rejected: int
    retries: int
    lag: int
    rate: float
    """Messages a second over the last minute."""
    idle_for: float
    last_error: str | None
    parts: int = 0
    """What the stage looks after that may fail by itself without the stage being at fault: feeds."""
    parts_failing: int = 0
    failing: dict[str, str] = field(default_factory=dict)
    """The first of those that fail, with the reason."""
    last_error_age: float | None = None
    """Seconds since `last_error`."""


class StageHealth:
    """The counters of one stage. Safe to use from any thread."""

    def __init__(self, stage: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.stage = stage
        self.registry = CollectorRegistry()
        self._clock = clock
        self._lock = threading.Lock()
        self._handled = 0
        self._rejected = 0
        self._retries = 0
        self._lag: dict[tuple[str, int], int] = {}
        self._recent: deque[float] = deque(maxlen=100_000)
        self._started = self._last_progress = clock()
        self._beats = {"": self._started}
        self._ready = False
        self._parts = 0
        self._failing: dict[str, str] = {}
        self._last_error: str | None = None
        self._last_error_at = 0.0
        labels = ["stage"]
        self._messages = Counter(
            "polywire_messages",
            "Messages by what became of them.",
            [*labels, "topic", "outcome"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "polywire_handling_seconds",
            "Time to handle a message.",
            labels,
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self._retry_counter = Counter(
            "polywire_retries", "Retries of broken infrastructure.", labels, registry=self.registry
        )
        self._lag_gauge = Gauge(
            "polywire_lag_messages",
            "Messages waiting.",
            [*labels, "topic", "partition"],
            registry=self.registry,
        )
        self._ready_gauge = Gauge("polywire_ready", "1 once the stage takes messages.", labels, registry=self.registry)

    def ready(self) -> None:
        """The stage takes messages from now on."""
        with self._lock:
            self._ready = True
            self._last_progress = self._clock()
            self._beats = dict.fromkeys(self._beats, self._last_progress)
        WATCHDOG.beat()
        self._ready_gauge.labels(self.stage).set(1)

    def beat(self, loop: str = "") -> None:
        """The stage's own loop goes round. Where it has several, each is named, and the slowest counts."""
        with self._lock:
            now = self._beats[loop] = self._clock()
            age = now - min(self._beats.values())
        WATCHDOG.beat(age)

    def handled(self, topic: str, seconds: float = 0.0, *, outcome: str = "ok", count: int = 1) -> None:
        """`count` messages of `topic` are done, with `outcome`: ok, duplicate, skipped …"""
        with self._lock:
            now = self._clock()
            self._handled += count
            self._recent.extend([now] * count)
            self._last_progress = now
        self.beat()
        self._messages.labels(self.stage, topic, outcome).inc(count)
        self._seconds.labels(self.stage).observe(seconds / max(count, 1))

    def rejected(self, topic: str, reason: str) -> None:
        """A message of `topic` went to the dead letters."""
        with self._lock:
            self._rejected += 1
            self._last_error, self._last_error_at = reason, self._clock()
            self._last_progress = self._clock()
        self.beat()
        self._messages.labels(self.stage, topic, "dead_letter").inc()

    def retrying(self, error: BaseException | str) -> None:
        """Something the stage depends on failed and is tried again: the stage beats, but makes no progress."""
        with self._lock:
            self._retries += 1
            self._last_error, self._last_error_at = str(error) or type(error).__name__, self._clock()
        self.beat()
        self._retry_counter.labels(self.stage).inc()

    def failing(self, parts: int, failing: Mapping[str, str]) -> None:
        """Of so many parts these fail, by name, with the reason; replaces what was known. See HealthReport.parts."""
        with self._lock:
            self._parts, self._failing = parts, dict(failing)

    def lag(self, waiting: dict[tuple[str, int], int]) -> None:
        """Messages waiting, by (topic, partition); replaces what was known."""
        with self._lock:
            if any(waiting.values()) and not any(self._lag.values()):
                # The wait is counted from when there was something to wait for.
                self._last_progress = max(self._last_progress, self._clock())
            gone = self._lag.keys() - waiting.keys()
            self._lag = dict(waiting)
        for topic, partition in gone:
            self._lag_gauge.remove(self.stage, topic, str(partition))
        for (topic, partition), count in waiting.items():
            self._lag_gauge.labels(self.stage, topic, str(partition)).set(count)

    def report(self) -> HealthReport:
        """The stage as it stands now."""
        with self._lock:
            now = self._clock()
            while self._recent and self._recent[0] < now - _RATE_WINDOW:
                self._recent.popleft()
            lag = sum(self._lag.values())
            idle = now - self._last_progress
            silent = now - min(self._beats.values())
            if not self._ready:
                alive, reason = now - self._started < STALLED_AFTER, "starting"
            elif silent > SILENT_AFTER:
                alive, reason = False, f"no sign of life for {silent:.0f} s"
            elif lag and idle > STALLED_AFTER:
                alive, reason = False, f"{lag} messages wait and none was handled for {idle:.0f} s"
            else:
                alive, reason = True, "working" if lag else "idle"
            window = min(_RATE_WINDOW, max(now - self._started, 1.0))
            return HealthReport(
                self.stage, alive, reason, self._ready, self._handled, self._rejected, self._retries, lag,
                round(len(self._recent) / window, 2), round(idle, 1), self._last_error,
                self._parts, len(self._failing), dict(islice(sorted(self._failing.items()), _NAMED)),
                None if self._last_error is None else round(now - self._last_error_at, 1),
            )  # fmt: skip

    def serve(self, host: str, port: int) -> threading.Thread | None:
        """Answer `/metrics` and `/healthz` on daemon threads, one a client; port 0 means: do not."""
        if not port:
            return None

        class Handler(_Handler):
            health = self

        server = _Server((host, port), Handler)
        thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
        thread.start()
        return thread


class _Server(ThreadingHTTPServer):
    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family, where = listening_at(*address)
        super().__init__(where, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A client that goes before it has its answer is not news either."""
        log.debug("health client", client=str(client_address), exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    health: StageHealth
    timeout = _CLIENT_SECONDS

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, "text/plain; version=0.0.4; charset=utf-8", generate_latest(self.health.registry))
        elif path == "/healthz":
            report = self.health.report()
            self._answer(200 if report.alive else 503, "application/json", json.dumps(asdict(report)).encode())
        else:
            self._answer(404, "text/plain", b"/metrics or /healthz\n")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """A health check every few seconds is not news."""
