"""How a person ends what runs in a terminal, and what goes on when the terminal does not."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast


class Stopped(BaseException):
    """A signal to stop has come while something was under way that need not be finished."""


class StopSignal:
    """True once SIGINT, SIGTERM or SIGHUP (the terminal is closed) has come."""

    def __init__(self) -> None:
        self._come = False
        self._raises = False
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            # What was started with nohup goes on when the terminal is closed.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._handle)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Within the block a signal raises Stopped, once: whatever it is that waits there."""
        self._raises = True
        try:
            if self._come:
                raise Stopped
            yield
        finally:
            self._raises = False

    def _handle(self, *_: object) -> None:
        self._come = True
        if self._raises:
            self._raises = False
            raise Stopped

    def __bool__(self) -> bool:
        return self._come


@contextlib.contextmanager
def patient_output() -> Iterator[None]:
    """Within the block, what cannot be printed is not: on a full disk or a closed terminal there is more to do."""
    with contextlib.redirect_stdout(cast(TextIO, _Patient(sys.stdout))):
        yield


class _Patient:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
