"""The embedded engine: noida-db, one small binary from PyPI that speaks both protocols. For trying it.

Not durable: it keeps its data in memory and saves a snapshot when it is stopped in order; what came since the last
snapshot is lost when it is killed.

Where it differs from the real ones: no percolate query, significant_terms, ILM, data streams or ES|QL; regular
expressions in a query string find nothing; it makes a topic with one partition for a client that asks to.
What it has and the `jvm` core has not: scripts, reindex, update and delete by query, `asciifolding` in a normalizer.
"""

from __future__ import annotations

import http.client
from importlib.util import find_spec
from pathlib import Path

import psutil

from polywire.engines.base import EngineAddresses, Hold, Server, free_ports, listens, refuse_taken
from runtime.errors import UserError
from runtime.room import EMBEDDED
from runtime.settings import Settings

_LEFT_OVER_SECONDS = 10.0


class EmbeddedEngine:
    """noida-db as a child process."""

    name = "embedded"
    durable = False

    def __init__(self, settings: Settings, *, kafka_port: int = 0, elasticsearch_port: int = 0) -> None:
        """Ports of 0 mean: any free one."""
        self._data = settings.state_dir.absolute() / EMBEDDED
        self._server = Server("the embedded engine", settings.state_dir.absolute() / "logs" / "embedded.log")
        self._hold = Hold(self._data)
        self._kafka_port = kafka_port
        self._elasticsearch_port = elasticsearch_port

    def start(self) -> EngineAddresses:
        """See Engine.start."""
        free = free_ports(2)
        kafka, elastic = self._kafka_port or free[0], self._elasticsearch_port or free[1]
        refuse_taken(kafka, elastic)
        self._hold.take()
        self._end_left_over()
        for unfinished in self._data.glob("*.tmp"):
            unfinished.unlink()
        try:
            self._server.start(
                [
                    str(_binary()), "start", "--data-dir", str(self._data), "--host", "127.0.0.1",
                    "--only", "kafka,elasticsearch", "--kafka-port", str(kafka), "--elasticsearch-port", str(elastic),
                ]
            )  # fmt: skip
            self._server.wait_until(lambda: listens(kafka) and _answers(elastic), 30.0)
        except BaseException:
            self.stop()
            raise
        return EngineAddresses(f"127.0.0.1:{kafka}", f"http://127.0.0.1:{elastic}")

    def _end_left_over(self) -> None:
        """End the engine of a run that was killed: while it has clients it lives on and keeps the data to itself.

        Nobody else uses it, since the hold on the folder is ours.
        """
        for process in psutil.process_iter():
            try:
                command = process.cmdline()
                if command[:1] != [str(_binary())] or str(self._data) not in command:
                    continue
                process.terminate()
                try:
                    process.wait(_LEFT_OVER_SECONDS)
                except psutil.TimeoutExpired:
                    process.kill()
                    process.wait(_LEFT_OVER_SECONDS)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
            except psutil.TimeoutExpired:
                raise UserError(
                    f"the embedded engine of an earlier run (pid {process.pid}) does not end: "
                    f"kill -9 {process.pid}, then start again"
                ) from None
            print(f"engines: ended the embedded engine that a killed run left behind (pid {process.pid})", flush=True)

    def stop(self) -> None:
        """See Engine.stop. Stopping in order saves the data."""
        self._server.stop()
        if any(self._data.glob("*.tmp")):
            # It ends in peace all the same, and leaves what it could not finish.
            print(f"engines: what came since the last start could not be saved in {self._data}: no room", flush=True)
        self._hold.release()

    def why_not_alive(self) -> str | None:
        """See Engine.why_not_alive."""
        return self._server.why_not_alive()


def _binary() -> Path:
    """The program in the package, not the script that wraps it: one process to end instead of two."""
    spec = find_spec("noida_db")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    for name in ("noida-db", "noida-db.exe"):
        if folder and (folder / name).exists():
            return folder / name
    raise UserError("the embedded engine is not installed: pip install noida-db (or choose --engines jvm)")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)  # asks no proxy
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
