"""What every engine is: a Kafka and an Elasticsearch, started and stopped together."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from runtime.errors import UserError
from runtime.files import open_private, private_folder

_PR_SET_PDEATHSIG = 1
_A_LOOK = 0.5
"""Seconds."""
_NOISE = re.compile(r"weak version `\S+' not found|^press Ctrl-C to stop")
"""What the embedded engine says at every start, and what explains nothing."""
# Loaded here and not in the child: between fork and exec a child should do as little as it can.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class EngineAddresses:
    """Where the engine answers."""

    kafka_bootstrap: str
    elasticsearch_url: str


class Engine(Protocol):
    """A Kafka and an Elasticsearch."""

    name: str
    durable: bool

    def start(self) -> EngineAddresses:
        """Start and wait until both answer.

        Raises:
            UserError: it does not start; the message says why and what to do.
        """

    def stop(self) -> None:
        """Stop in order; nothing stays behind. Harmless when not started."""

    def why_not_alive(self) -> str | None:
        """None while it runs, else what happened to it."""


class Server:
    """A server as a child process: its log, its end, and that it ends with us."""

    def __init__(self, name: str, log_file: Path) -> None:
        self.name = name
        self.log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        """Start `command` in a session of its own, so that Ctrl-C on the terminal does not reach it before us.

        Call it from a thread that lives as long as the server should: Linux takes the thread for the parent.
        """
        private_folder(self.log_file.parent)
        with open_private(self.log_file, append=True) as log:
            self._process = subprocess.Popen(
                list(command),
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
                # With the user go its groups, or the server would keep those of root.
                group=_group_of(user) if user else None,
                extra_groups=[] if user else None,
                # Runs as `user` already: the kernel would forget the wish at a change of user.
                preexec_fn=die_with_parent if _LIBC else None,
            )

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def why_not_alive(self) -> str | None:
        """None while it runs, else how it ended, with its last words."""
        if self._process is None:
            return f"{self.name} is not running"
        status = self._process.poll()
        if status is None:
            return None
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        words = tail(self.log_file)
        return f"{self.name} {how}" + (f": {words}" if words else "") + f" (log: {self.log_file})"

    def wait_until(self, answers: Callable[[], bool], seconds: float) -> None:
        """Wait until `answers()`; raises UserError when the server ends first or the time is over."""
        deadline = time.monotonic() + seconds
        while not answers():
            problem = self.why_not_alive()
            if problem:
                raise UserError(problem)
            if time.monotonic() > deadline:
                raise UserError(
                    f"{self.name} did not answer within {seconds:.0f} s: {tail(self.log_file)} (log: {self.log_file})"
                )
            time.sleep(0.1)

    def ask_to_end(self) -> None:
        """The first half of `stop`, where several are to end side by side."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self, seconds: float = 20.0) -> None:
        """Ask it to end; kill it and its children when the time is over."""
        self.ask_to_end()
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._process = None


def die_with_parent() -> None:
    """Linux, in the child: when we are killed without a chance to clean up, it ends as well."""
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Hold:
    """One at a time over a folder: two engines, or two supervisors, would write over each other's data."""

    def __init__(self, folder: Path, lock: str = "engine.lock", who: str = "an engine already runs on") -> None:
        """`lock`: the file's name. `who`: how the refusal begins; the folder follows."""
        self._folder = folder
        self._who = who
        self._lock = FileLock(folder / lock, mode=0o600, thread_local=False)

    def take(self) -> None:
        """Raises UserError when another process has it. A process that was killed holds nothing."""
        private_folder(self._folder)
        try:
            # Whoever only looks whether it is held, holds it for a moment.
            self._lock.acquire(timeout=_A_LOOK, poll_interval=0.05)
        except Timeout:
            raise UserError(f"{self._who} {self._folder}: stop it, or choose another POLYWIRE_STATE_DIR") from None

    @property
    def is_ours(self) -> bool:
        """Taken, and not released since."""
        return bool(self._lock.is_locked)

    def release(self) -> None:
        """Harmless when not taken."""
        self._lock.release(force=True)


def _group_of(user: str) -> int:
    import pwd  # not on Windows, where no server is given another user

    return pwd.getpwnam(user).pw_gid


def tail(log_file: Path, lines: int = 3) -> str:
    """The last lines of a log, in one line."""
    try:
        text = log_file.read_bytes()[-8_192:].decode("utf-8", "replace")
    except OSError:
        return ""
    said = [line.strip() for line in text.splitlines() if line.strip() and not _NOISE.search(line)]
    return " | ".join(said[-lines:])[-600:]


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def listens(port: int) -> bool:
    """Somebody takes connections there, on the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def refuse_taken(*ports: int) -> None:
    """Raises UserError when somebody listens on one of them already."""
    for port in ports:
        if listens(port):
            raise UserError(f"port {port} is taken by another program: choose another, or 0 for any free one")
