"""Is there room for what the embedded engine acknowledges?

It keeps everything in memory and writes all of it anew, beside what it wrote before, when it is stopped; it asks for no
room before it acknowledges a message, and says nothing when it finds none. What could not be kept must not be taken.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import psutil

from runtime.settings import Settings

EMBEDDED = "embedded"
"""In `state_dir`: what the embedded engine keeps."""
LEAST_FREE = 16 * 1024 * 1024
"""Bytes."""
_EMPTY = 8 * 1024 * 1024
"""Bytes of memory that an engine takes which holds nothing."""
_WRITTEN = 3
"""Bytes that it writes for one that it holds (measured: 2.8 to 3.0): the bytes of messages are written as numbers."""
_GROWTH = 3
"""What has been taken is still to be analysed, clustered, enriched and indexed, and lies on each topic once more."""


def why_no_room(settings: Settings) -> str | None:
    """A sentence where the embedded engine's disk has no room for what it holds and what comes of it, else None."""
    if settings.engines != "embedded":
        return None
    try:
        free = shutil.disk_usage(settings.state_dir).free
    except OSError:
        return None  # the engine that is spoken to is not of this folder
    if free >= max(LEAST_FREE, _GROWTH * _next_snapshot(settings.state_dir / EMBEDDED)):
        return None
    return f"no room left in {settings.state_dir} for the embedded engine to write anew all that it holds: free some"


def _next_snapshot(data: Path) -> int:
    """Bytes that the engine would write if it were stopped now: by what it wrote last, and by its memory."""
    try:
        written = sum(path.stat().st_size for path in data.glob("*.json"))
        engine = psutil.Process(json.loads((data / "noida.control.json").read_bytes())["pid"])
        held = engine.memory_info().rss if engine.name().startswith("noida") else 0
    except (OSError, ValueError, LookupError, psutil.Error):
        return 0  # it is not up
    return max(written, _WRITTEN * (held - _EMPTY))
