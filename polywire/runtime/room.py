"""Is there room for what the embedded engine acknowledges?

It keeps everything in memory and writes it to the disk when it is stopped; it asks for no room before it acknowledges a
message, and says nothing when it finds none. What could not be kept must not be taken.
"""

from __future__ import annotations

import shutil

from polywire.runtime.settings import Settings

LEAST_FREE = 16 * 1024 * 1024
"""Bytes."""


def why_no_room(settings: Settings) -> str | None:
    """A sentence where the embedded engine's disk is all but full, else None."""
    if settings.engines != "embedded":
        return None
    try:
        free = shutil.disk_usage(settings.state_dir).free
    except OSError:
        return None  # the engine that is spoken to is not of this folder
    if free >= LEAST_FREE:
        return None
    return f"no room left in {settings.state_dir} for the embedded engine to keep what it is given: free some"
