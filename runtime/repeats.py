"""Log lines that come again and again are counted, not written: a broken neighbour must not fill the disk."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

_WRITTEN = 3
"""Lines alike that are written in a window before they are only counted: offsets and attempts may differ in them."""
_MOST = 1_000
"""Kinds of lines that are remembered."""
_VARIES = re.compile(r"0x[0-9a-fA-F]+|\d+")
_NOT_SAID = {"event", "timestamp", "level", "logger", "exc_info", "exception"}

_Kind = tuple[str, int, str]


@dataclass
class _Seen:
    since: float
    said: str
    written: int = 0
    counted: int = 0


class CountingHandler(logging.Handler):
    """Hands records to another handler. Lines of one logger and level are alike when they differ in numbers only.

    Args:
        window: seconds; after them, and at the end, a line says how many were not written.
    """

    def __init__(
        self, inner: logging.Handler, *, window: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._inner = inner
        self._window = window
        self._clock = clock
        self._seen: dict[_Kind, _Seen] = {}
        self._timer: threading.Timer | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or count it."""
        said, facts = _said(record)
        kind = (record.name, record.levelno, _VARIES.sub("#", f"{said} {facts}"))
        now = self._clock()
        seen = self._seen.get(kind)
        if seen is None or now - seen.since >= self._window:
            if seen is not None:
                self._tell(kind, seen)
            elif len(self._seen) >= _MOST:
                self._tell_all()
            seen = self._seen[kind] = _Seen(now, said)
        if seen.written < _WRITTEN:
            seen.written += 1
            self._inner.handle(record)
            return
        seen.counted += 1
        if self._timer is None:
            self._timer = threading.Timer(self._window, self._on_time)
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """Say what is left to say."""
        self._tell_all()
        self._inner.close()
        super().close()

    def _on_time(self) -> None:
        self._timer = None
        self._tell_all()

    def _tell_all(self) -> None:
        """Say what was counted, and begin anew."""
        self.acquire()
        try:
            for kind, seen in self._seen.items():
                self._tell(kind, seen)
            self._seen.clear()
        finally:
            self.release()

    def _tell(self, kind: _Kind, seen: _Seen) -> None:
        if not seen.counted:
            return
        name, level, _ = kind
        line = f"{seen.said} … {seen.counted} times more in {max(1, round(self._clock() - seen.since))} s"
        self._inner.handle(logging.LogRecord(name, level, "", 0, line, (), None))


def _said(record: logging.LogRecord) -> tuple[str, str]:
    """What a record says, and its facts: structlog hands over both in one dictionary, others have only words."""
    if not isinstance(record.msg, dict):
        try:
            return record.getMessage(), ""
        except (TypeError, ValueError):
            return str(record.msg), ""  # wrong arguments: the handler says so
    facts = sorted((name, value) for name, value in record.msg.items() if name not in _NOT_SAID)
    return str(record.msg.get("event")), repr(facts)
