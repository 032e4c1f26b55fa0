"""One stage's process: started, watched, restarted with backoff, stopped."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polywire.engines.base import die_with_parent, free_ports
from polywire.supervision.stages import StageSpec

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_STEADY = 60.0
"""Seconds up after which a stage's earlier deaths are forgotten."""
_TAIL_BYTES = 8_192


class StageProcess:
    """A stage as its own process, with its log file and its port for health and metrics."""

    def __init__(self, spec: StageSpec, name: str, environment: Mapping[str, str], log_file: Path) -> None:
        self.spec = spec
        self.name = name
        self.log_file = log_file
        self.metrics_port = 0
        self.restarts = 0
        self.last_error: str | None = None
        self.restart_at: float | None = None
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = _FIRST_PAUSE
        self.dead_pid: int | None = None
        """Of a process that ended by itself and whose place in its consumer group may not have been given up."""

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def uptime(self) -> float:
        """Seconds since the last start."""
        return time.monotonic() - self._started

    def start(self) -> None:
        """Start the process; its output is added to the log file."""
        self.restart_at = None
        self._started = time.monotonic()
        # A new one each time: somebody may have taken the old one in the meantime.
        self.metrics_port = free_port()
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "polywire", *self.spec.arguments],
                env={**os.environ, **self._environment, "POLYWIRE_METRICS_PORT": str(self.metrics_port)},
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
            self.start()
            return f"started again (restart {self.restarts})"
        if self._process is None or self._process.poll() is None:
            return None
        status = self._process.returncode
        self.dead_pid = self._process.pid
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        reason = last_words(self.log_file)
        self.last_error = f"{how}: {reason}" if reason else how
        if self.uptime > _STEADY:
            self._pause = _FIRST_PAUSE
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE)
        self.restart_at = now + pause
        return f"{self.last_error}; starting again in {pause:.0f} s (log: {self.log_file})"

    def restart(self, reason: str) -> None:
        """End a process that lives but does not work, and start it again."""
        self.last_error = reason
        self.stop(5.0)
        self.restart_at = time.monotonic()

    def health(self) -> dict[str, Any] | None:
        """What its /healthz answers; None when it does not."""
        return fetch_health(self.metrics_port)

    def terminate(self) -> None:
        """Ask it to finish what it has in hand and end."""
        self.restart_at = None
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; kill it when the time is over. False when it had to be killed."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            return False
        return True

    def stop(self, seconds: float) -> bool:
        """terminate, then wait."""
        self.terminate()
        return self.wait(seconds)


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    return free_ports(1)[0]


def fetch_health(port: int, timeout: float = 2.0) -> dict[str, Any] | None:
    """What the stage at `port` answers to /healthz, alive (200) or not (503); None when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=timeout) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    except (OSError, http.client.HTTPException):
        return None
    try:
        report = json.loads(body)
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


_SAYS_WHY = re.compile(r"^[\w.]*(Error|Exception|Interrupt|Exit)\b|\b(?i:error|fatal|cannot|killed)\b")
"""The last line of a stack trace, or a program's complaint; not what a stage prints for people, such as an alert."""


def last_words(log_file: Path) -> str:
    """The last line of a log that says what went wrong, in words for a person."""
    try:
        with log_file.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - _TAIL_BYTES))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        try:
            fields = json.loads(line)
        except ValueError:
            if _SAYS_WHY.search(line.strip()):
                return line.strip()[-300:]
            continue
        if isinstance(fields, dict) and fields.get("level") in {"error", "critical"}:
            trace = str(fields.get("exception", "")).strip()
            return str(fields.get("error") or trace.rpartition("\n")[2] or fields.get("event", ""))
    return ""
