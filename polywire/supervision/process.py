"""One stage's process: started, watched, restarted with backoff, stopped."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from polywire.engines.base import die_with_parent
from polywire.supervision.stages import StageSpec
from runtime.addresses import listening_at, reached_at
from runtime.backoff import doubled
from runtime.files import open_private
from runtime.watchdog import SUPERVISOR

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_STEADY = 60.0
"""Seconds up after which a stage's earlier deaths are forgotten."""
_SILENT = 60.0
"""Seconds without an answer to a health check until a stage that has answered before counts as hung."""
_MUTE = 300.0
"""Seconds until one that has never answered does: it may be loading a model on a busy machine."""
_LAST_WORDS = 2.0
"""Seconds for a process that is killed to write down the stack of each thread."""
_TAIL_BYTES = 8_192
_NEAR_THE_END = 30.0
"""Seconds before a death is noticed until which what was logged has to do with it."""


class StageProcess:
    """A stage as its own process, with its log file and its port for health and metrics."""

    def __init__(
        self,
        spec: StageSpec,
        name: str,
        environment: Mapping[str, str],
        log_file: Path,
        metrics_host: str = "127.0.0.1",
    ) -> None:
        """`metrics_host`: where it listens for questions after its health, as the setting says."""
        self.spec = spec
        self.name = name
        self.log_file = log_file
        self.metrics_port = 0
        self._metrics_host = metrics_host
        self.restarts = 0
        self._last_error: str | None = None
        self.last_error_at: float | None = None
        """Seconds since the epoch."""
        self.restart_at: float | None = None
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._log_begin = 0
        self._answered: float | None = None
        self._deaths = 0
        """In a row, each soon after the start."""
        self.dead_pid: int | None = None
        """Of a process that ended by itself and whose place in its consumer group may not have been given up."""

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def last_pid(self) -> int | None:
        """Of the process that was started last, whether it runs or not."""
        return self._process.pid if self._process else None

    @property
    def last_error(self) -> str | None:
        """Why it ended last, or could not be started."""
        return self._last_error

    @last_error.setter
    def last_error(self, error: str) -> None:
        self._last_error, self.last_error_at = error, time.time()

    @property
    def uptime(self) -> float:
        """Seconds since the last start."""
        return time.monotonic() - self._started

    def start(self) -> str | None:
        """Start the process; its output is added to the log file. Returns why it could not be; it is tried again."""
        try:
            self._start()
        except OSError as error:  # no room for a log, no process to be had
            self._process = None
            self.last_error = f"could not be started: {error}"
            return self._plan_restart()
        return None

    def _start(self) -> None:
        self.restart_at = None
        self._started = time.monotonic()
        self._answered = None
        # A new one each time: somebody may have taken the old one in the meantime.
        self.metrics_port = free_port(self._metrics_host)
        with open_private(self.log_file, append=True) as log:
            self._log_begin = log.seek(0, os.SEEK_END)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "polywire", *self.spec.arguments],
                env={
                    **os.environ,
                    **self._environment,
                    "POLYWIRE_METRICS_PORT": str(self.metrics_port),
                    SUPERVISOR: str(os.getpid()),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Its own session: Ctrl-C goes to the supervisor alone, which stops the stages in order.
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )

    def check(self) -> str | None:
        """Notice a death and plan the restart; carry out a restart that is due.

        Returns what there is to tell, or None.
        """
        now = time.monotonic()
        if self.restart_at is not None:
            if now < self.restart_at:
                return None
            self.restarts += 1
            return self.start() or f"started again (restart {self.restarts})"
        if self._process is None or self._process.poll() is None:
            return None
        status = self._process.returncode
        self.dead_pid = self._process.pid
        # What is killed from outside has said nothing of it.
        words = "" if status == -signal.SIGKILL else last_words(self.log_file, self._log_begin)
        self.last_error = how_it_ended(status, words)
        if self.uptime > _STEADY:
            self._deaths = 0
        return self._plan_restart()

    def _plan_restart(self) -> str:
        self._deaths += 1
        pause = doubled(self._deaths, _FIRST_PAUSE, _LONGEST_PAUSE)
        self.restart_at = time.monotonic() + pause
        return f"{self.last_error}; starting again in {pause:.0f} s (log: {self.log_file})"

    def restart(self, reason: str) -> None:
        """End a process that lives but does not work, and start it again."""
        self.last_error = reason
        pid = self.pid
        self.stop(5.0)
        self.dead_pid = pid
        self.restart_at = time.monotonic()

    def health(self) -> dict[str, Any] | None:
        """What its /healthz answers; None when it does not."""
        report = fetch_health(self.metrics_port, host=self._metrics_host)
        if report is not None:
            self._answered = time.monotonic()
        return report

    def silent_for(self) -> float | None:
        """Seconds since it last answered (see health), where that is too long for a process that works; else None."""
        since, limit = (self._started, _MUTE) if self._answered is None else (self._answered, _SILENT)
        silent = time.monotonic() - since
        return silent if self.pid is not None and silent > limit else None

    def terminate(self) -> None:
        """Ask it to finish what it has in hand and end."""
        self.restart_at = None
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; kill it when the time is over. False when it had to be killed.

        What is killed writes first where it hung (see runtime.watchdog).
        """
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            if sys.platform != "win32":
                self._process.send_signal(signal.SIGALRM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(_LAST_WORDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            return False
        return True

    def stop(self, seconds: float) -> bool:
        """terminate, then wait."""
        self.terminate()
        return self.wait(seconds)


def free_port(host: str = "127.0.0.1") -> int:
    """A port of `host` that nobody listens on now.

    Raises:
        OSError: it is no address of this machine.
    """
    family, address = listening_at(host, 0)
    with socket.socket(family) as probe:
        probe.bind(address)
        port: int = probe.getsockname()[1]
        return port


def fetch_health(port: int, timeout: float = 2.0, *, host: str = "127.0.0.1") -> dict[str, Any] | None:
    """What the stage that listens there answers to /healthz, alive (200) or not (503); None when nobody answers."""
    connection = http.client.HTTPConnection(reached_at(host), port, timeout=timeout)  # asks no proxy
    try:
        connection.request("GET", "/healthz")
        report = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return report if isinstance(report, dict) else None


def how_it_ended(status: int, words: str) -> str:
    """In words, from what `Popen.returncode` says and what the process said last."""
    if status == -signal.SIGALRM:
        return "hung, and its watchdog ended it; its log says where it hung"
    how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return f"{how}: {words}" if words else how


_SAYS_WHY = re.compile(r"^[\w.]*(Error|Exception|Interrupt|Exit)\b|\b(?i:error|fatal|cannot|killed)\b")
"""The last line of a stack trace, or a program's complaint; not what a stage prints for people, such as an alert."""


def last_words(log_file: Path, begin: int = 0) -> str:
    """The last line of a log that says what went wrong, in words for a person; "" where none did just now.

    `begin`: where in the log a process began, whose words alone count; a log that is shorter was begun anew since.
    """
    oldest = datetime.now(UTC) - timedelta(seconds=_NEAR_THE_END)
    try:
        with log_file.open("rb") as stream:
            end = stream.seek(0, os.SEEK_END)
            stream.seek(max(begin if begin <= end else 0, end - _TAIL_BYTES))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        try:
            fields = json.loads(line)
        except ValueError:
            if _SAYS_WHY.search(line.strip()):
                return line.strip()[:1_000]
            continue
        if not isinstance(fields, dict):
            continue
        with contextlib.suppress(KeyError, TypeError, ValueError):
            if datetime.fromisoformat(fields["timestamp"]) < oldest:
                return ""
        if fields.get("level") in {"error", "critical"}:
            trace = str(fields.get("exception", "")).strip()
            return str(fields.get("error") or trace.rpartition("\n")[2] or fields.get("event", ""))
    return ""
