"""A polywire on the jvm engines, as `polywire up` runs it, for measuring: pushed to, told by it, its processor time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil

from consumers.alerts.subscriptions import begun_now
from runtime.bus.clients import group_lag, make_producer, publish
from runtime.bus.groups import GROUPS
from runtime.runfile import read_run_file
from runtime.settings import Settings
from schemas.alerts import Channel, Subscription
from schemas.articles import RawArticle
from schemas.topics import SUBSCRIPTIONS

PATIENCE = 240.0
"""Seconds that anything may take here, on a machine with more to do than this."""
SUPERVISOR, ENGINES = "supervisor", "engines"


class Receiver:
    """Takes webhooks on loopback. `at`: when the first word of each article came, by its id (`time.monotonic`)."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        at = self.at

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                at.setdefault(told["alert"]["article_id"], time.monotonic())
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Running:
    """Use `running()`. Times in seconds."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.receiver = receiver
        self.folder = folder
        self.settings = Settings(
            engines="jvm",
            state_dir=folder / "state",
            web_port=_free_port(),
            allow_hosts=[receiver.address],
            webhook_secret="of loopback",
        )
        with (folder / "up.log").open("wb") as log:
            self._up = subprocess.Popen(
                [sys.executable, "-m", "polywire", "up"],
                env={
                    **os.environ,
                    "POLYWIRE_ENGINES": "jvm",
                    "POLYWIRE_STATE_DIR": str(self.settings.state_dir),
                    "POLYWIRE_WEB_PORT": str(self.settings.web_port),
                    "POLYWIRE_ALLOW_HOSTS": json.dumps([receiver.address]),
                    "POLYWIRE_WEBHOOK_SECRET": "of loopback",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self.settings.web_port}", timeout=30, trust_env=False)

    def wait_for_web(self) -> None:
        """Until articles may be pushed: the first moment that somebody outside could."""
        self._until("the web page", self._answers)
        run = self._run()
        self.settings = self.settings.model_copy(
            update={name: run["settings"][name] for name in ("kafka_bootstrap", "elasticsearch_url")}
        )

    def wait_for_stages(self) -> None:
        """Until every process says that it takes messages."""
        self._until("every stage", lambda: all(map(_is_ready, self._run()["stages"])))

    def push(self, articles: Sequence[RawArticle]) -> list[str]:
        """`POST /articles`; the ids under which they were taken."""
        body = [article.model_dump(mode="json", include={"title", "text", "source", "url"}) for article in articles]
        return list(self._client.post("/articles", json=body).raise_for_status().json()["ids"])

    def subscribe(self, name: str, query: str | None) -> None:
        """To what comes from now on, updates too, by webhook; None ends it."""
        subscription = None
        if query is not None:
            channel = Channel(kind="webhook", url=f"http://{self.receiver.address}/", updates=True)
            made = Subscription(id=name, name=name, query=query, channels=[channel], created=datetime.now(UTC))
            subscription = begun_now(self.settings, made)
        producer = make_producer(self.settings, "bench")
        try:
            publish(producer, SUBSCRIPTIONS, name, subscription).get(30)
        finally:
            producer.close()

    def waiting(self) -> int:
        """Messages that wait, of all stages together."""
        return sum(sum(topics.values()) for topics in group_lag(self.settings, GROUPS).values())

    def settle(self) -> float:
        """Wait until nothing waits any more; when that was (`time.monotonic`)."""
        empty = 0
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            asked = time.monotonic()
            empty = empty + 1 if self.waiting() == 0 else 0
            if empty == 1:
                ended = asked
            if empty == 3:
                return ended
            time.sleep(0.5)
        raise TimeoutError(f"{self.waiting()} messages still wait")

    def processor_time(self) -> dict[str, float]:
        """By process since its start; the engines together.

        Raises:
            RuntimeError: a process was started again, so that figures say nothing.
        """
        run = self._run()
        if again := [stage["name"] for stage in run["stages"] if stage["restarts"]]:
            raise RuntimeError(f"started again: {', '.join(again)}; see {self.folder}")
        times = {stage["name"]: _spent(psutil.Process(stage["pid"])) for stage in run["stages"]}
        up = psutil.Process(self._up.pid)
        ours = {stage["pid"] for stage in run["stages"]}
        others = [child for child in up.children(recursive=True) if child.pid not in ours]
        return times | {SUPERVISOR: _spent(up), ENGINES: sum(_spent(other) for other in others)}

    def looks_back(self) -> list[tuple[datetime, datetime]]:
        """When the clusterer has looked at its stories again: begin and end of each look."""
        looks = []
        for line in (self.settings.state_dir / "logs" / "cluster.log").read_text("utf-8").splitlines():
            fields = json.loads(line) if line.startswith("{") else {}
            if fields.get("event") == "looked back":
                ended = datetime.fromisoformat(fields["timestamp"])
                looks.append((ended - timedelta(seconds=fields["seconds"]), ended))
        return looks

    def stop(self) -> None:
        self._client.close()
        self._up.send_signal(signal.SIGTERM)
        try:
            self._up.wait(PATIENCE)
        finally:
            self._up.kill()

    def _run(self) -> Mapping[str, Any]:
        run = read_run_file(self.settings.state_dir)
        if run is None:
            raise RuntimeError(f"polywire is not up: {(self.folder / 'up.log').read_text()}")
        return run

    def _answers(self) -> bool:
        try:
            return self._client.get("/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def _until(self, what: str, look: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not look():
            if time.monotonic() > deadline or self._up.poll() is not None:
                raise TimeoutError(f"waited in vain for {what}: {(self.folder / 'up.log').read_text()}")
            time.sleep(0.1)


@contextmanager
def running() -> Iterator[Running]:
    """A polywire with an empty state folder; in the end nothing of it is left, but its logs where something fails.

    For root, Elasticsearch lies outside of the state folder: what it leaves goes when the jvm engines start next.
    """
    receiver = Receiver()
    folder = Path(tempfile.mkdtemp(prefix="polywire-bench-"))
    polywire = Running(folder, receiver)
    try:
        yield polywire
    finally:
        polywire.stop()
        receiver.close()
    shutil.rmtree(folder)  # where something went wrong, its logs stay


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _is_ready(stage: Mapping[str, Any]) -> bool:
    try:
        health = httpx.get(f"http://127.0.0.1:{stage['metrics_port']}/healthz", timeout=2, trust_env=False)
        return bool(health.json()["ready"])
    except httpx.HTTPError:
        return False


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
