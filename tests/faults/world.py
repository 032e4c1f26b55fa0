"""A polywire as its users run it, `polywire up`, and the world around it, in which everything can be broken.

Kafka and Elasticsearch are the jvm engines, each behind a line of ours; feed and receiver of webhooks are on loopback;
the state folder is a small disk of its own where we may mount one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from polywire.engines.base import Server, free_ports, tail
from polywire.engines.jvm.engine import JvmEngine
from polywire.engines.jvm.folders import discard
from polywire.supervision.process import free_port
from runtime.settings import Settings
from tests.faults.proxies import Line
from tests.outside import Outside

_COMMANDS = {
    "supervisor": ("up",),
    "web": ("web",),
    "feeds": ("produce", "feeds"),
    **{name: ("stream", name) for name in ("analyze", "cluster", "enrich")},
    **{name: ("consume", name) for name in ("indexer", "alerter", "notifier")},
}
_DISK = "48m"
_START_AGAIN = 2.0
"""Seconds before a supervisor that is gone is started again, as whoever keeps it running would."""


class Engines(JvmEngine):
    """The jvm engines, Kafka known to its clients by the address of a line, and started again after a kill."""

    def __init__(self, settings: Settings) -> None:
        kafka, elastic = free_ports(2)
        super().__init__(settings, kafka_port=kafka, elasticsearch_port=elastic)
        self.lines = {"kafka line": Line(kafka), "elasticsearch line": Line(elastic)}
        address = f"advertised.listeners=PLAINTEXT://127.0.0.1:{self.lines['kafka line'].port}"
        self.servers = {
            "kafka": _Restartable(self.kafka, ("--override", address)),
            "elasticsearch": _Restartable(self.elasticsearch, ()),
        }

    def stop(self) -> None:
        super().stop()
        for line in self.lines.values():
            line.close()


class _Restartable:
    """Remembers how its server was started."""

    def __init__(self, server: Server, more: Sequence[str]) -> None:
        self.server = server
        self._start = server.start
        self._more = more
        server.start = self._remember  # type: ignore[method-assign]

    def _remember(self, command: Sequence[str], **options: Any) -> None:
        self._how = [*command, *self._more], options
        self.again()

    def again(self) -> None:
        command, options = self._how
        self._start(command, **options)

    def signal(self, number: int) -> None:
        """To the server and what it has started."""
        if self.server.pid:
            os.killpg(self.server.pid, number)


class World:
    """Use it as a context manager: in the end nothing of it runs or lies about."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir()
        self.notes: list[str] = []
        """What happened that should not have."""
        self.sending = False
        """A push is on its way."""
        self.outside = Outside()
        self._engine_settings = Settings(engines="jvm", state_dir=folder / "engines")
        self.engines = Engines(self._engine_settings)
        self._frozen: dict[str, list[psutil.Process]] = {}
        self._more: dict[str, subprocess.Popen[bytes]] = {}
        self._up: subprocess.Popen[bytes] | None = None
        self._up_is_ours_to_start_at: float | None = None
        self._mounted = (
            os.geteuid() == 0
            and not subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(self.state)],
                check=False,
                capture_output=True,
            ).returncode
        )
        self.settings = Settings(
            engines="external",
            state_dir=self.state,
            kafka_bootstrap=f"127.0.0.1:{self.engines.lines['kafka line'].port}",
            elasticsearch_url=f"http://127.0.0.1:{self.engines.lines['elasticsearch line'].port}",
            index_prefix="polywire",
            web_port=free_port(),
        )

    def __enter__(self) -> World:
        try:
            self.engines.start()
            self.start_supervisor()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.heal()
        for process in (self._up, *self._more.values()):
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in (self._up, *self._more.values()):
            if process:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(60)
                process.kill()
        self.engines.stop()
        self.outside.close()
        discard(self._engine_settings.state_dir)
        left = [" ".join(p.cmdline()) for p in self.processes()]
        for process in self.processes():
            process.kill()
        if self._mounted:
            subprocess.run(["umount", "--lazy", str(self.state)], check=True)
        assert not left, f"still running: {left}"

    @property
    def environment(self) -> dict[str, str]:
        settings = self.settings
        return {
            **os.environ,
            **self.outside.environment,
            "POLYWIRE_ENGINES": "external",
            "POLYWIRE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "POLYWIRE_ELASTICSEARCH_URL": settings.elasticsearch_url,
            "POLYWIRE_STATE_DIR": str(self.state),
            "POLYWIRE_WEB_PORT": str(settings.web_port),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A process of polywire. Its log is not on the disk that is filled."""
        with (self.folder / f"{arguments[-1]}.log").open("ab") as log:
            command = [sys.executable, "-m", "polywire", *arguments]
            return subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def start_supervisor(self) -> None:
        self._up_is_ours_to_start_at = None
        self._up = self.start("up")

    def processes(self, *arguments: str) -> list[psutil.Process]:
        """The processes of this polywire, known by its state folder; those of one command, or all."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                ours = process.environ().get("POLYWIRE_STATE_DIR") == str(self.state)
                if ours and (not arguments or process.cmdline()[3:] == list(arguments)):
                    found.append(process)
        return found

    def look(self) -> None:
        """Start the supervisor again where it is gone; note where nobody has killed it."""
        assert self._up is not None
        now = time.monotonic()
        if self._up_is_ours_to_start_at is not None:
            if now >= self._up_is_ours_to_start_at:
                self.start_supervisor()
        elif self._up.poll() is not None:
            killed = self._up.returncode == -signal.SIGKILL
            # One that found no broker, or its predecessor's stages still ending, may end; one that was up may not.
            if not killed and "polywire is up" in (self.folder / "up.log").read_text().rpartition("\f")[2]:
                self.notes.append(f"the supervisor ended by itself: {tail(self.folder / 'up.log')}")
            with (self.folder / "up.log").open("a") as log:
                log.write("\f\n")
            self._up_is_ours_to_start_at = now + _START_AGAIN

    def begin(self, what: str, whom: str) -> None:
        """Break it."""
        if what.startswith("add"):
            self._more[whom] = self.start(*_COMMANDS[whom])
        elif whom == "disk":
            self._fill()
        elif whom in self.engines.lines:
            self.engines.lines[whom].goes(what)
        else:
            if whom == "web" and what == "kill":
                self._wait_for_a_request()
            self._signal(whom, signal.SIGKILL if what == "kill" else signal.SIGSTOP)

    def end(self, what: str, whom: str) -> None:
        """Mend it."""
        if what.startswith("add"):
            worker = self._more[whom]
            worker.send_signal(signal.SIGKILL if "kill" in what else signal.SIGTERM)
        elif whom == "disk":
            (self.state / "filler").unlink(missing_ok=True)
        elif whom in self.engines.lines:
            self.engines.lines[whom].goes("pass")
        elif what == "freeze":
            self._signal(whom, signal.SIGCONT)
        elif whom in self.engines.servers:
            self.engines.servers[whom].again()

    def heal(self) -> None:
        """Whatever may still be broken."""
        for line in self.engines.lines.values():
            line.goes("pass")
        for server in self.engines.servers.values():
            server.signal(signal.SIGCONT)
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
        (self.state / "filler").unlink(missing_ok=True)

    def _signal(self, whom: str, number: int) -> None:
        if whom in self.engines.servers:
            self.engines.servers[whom].signal(number)
            return
        # What was frozen goes on itself, also where the supervisor has another in its place by now.
        for victim in self._frozen.pop(whom, []) if number == signal.SIGCONT else self.processes(*_COMMANDS[whom]):
            with suppress(psutil.NoSuchProcess):
                victim.send_signal(number)
                if number == signal.SIGSTOP:
                    self._frozen.setdefault(whom, []).append(victim)

    def _wait_for_a_request(self) -> None:
        deadline = time.monotonic() + 2.0
        while not self.sending and time.monotonic() < deadline:
            time.sleep(0.002)

    def _fill(self) -> None:
        if not self._mounted:
            return
        with suppress(OSError), (self.state / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
