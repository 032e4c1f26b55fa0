"""What is up in a state folder: a file that says so, and a lock by which it is known whether that still holds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from runtime.files import open_private

RUN_FILE = "run.json"
"""In `state_dir`: written by the supervisor, so that any other command finds the engines that are up."""
RUN_LOCK = "run.lock"
"""Held by the supervisor for as long as it lives. A process id would be somebody else's one day."""


def write_run_file(folder: Path, run: dict[str, Any]) -> None:
    """Write what is up, whole or not at all. Raises OSError where the disk is full."""
    partial = folder / f"{RUN_FILE}.partial"
    try:
        with open_private(partial) as stream:
            stream.write(json.dumps(run, indent=1).encode())
        partial.replace(folder / RUN_FILE)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def read_run_file(state_dir: Path) -> dict[str, Any] | None:
    """What is up in this folder, or None. The file of a run that has ended, however it did, counts as none."""
    if not is_up(state_dir):
        return None
    try:
        run = json.loads((state_dir / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return run if isinstance(run, dict) else None


def is_up(state_dir: Path) -> bool:
    """Whether a supervisor lives that has this folder, whatever its run file says."""
    try:
        return _is_held(state_dir / RUN_LOCK)
    except OSError:
        return False


def _is_held(lock_file: Path) -> bool:
    if sys.platform == "win32":  # where what is locked cannot be removed
        try:
            lock_file.unlink()
        except PermissionError:
            return True
        return False
    import fcntl

    with lock_file.open("rb") as lock:
        try:
            # Shared: two who ask at the same time do not take each other for a supervisor.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
