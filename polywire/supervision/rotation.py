"""Logs that do not grow without end, whoever writes them: stages and engines write to files they were handed."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

from runtime.files import open_private

_CHUNK = 1024 * 1024


def rotate(folder: Path, most_bytes: int, kept: int) -> None:
    """Begin anew each `*.log` that is larger, after copying it to `*.log.1`; so many older ones are kept.

    The file itself stays, because its writers have it open; they append. What one writes between the copy and the cut,
    a few lines, is lost. Where the disk is full there is no copy, and there is room again.
    """
    for log in folder.glob("*.log"):
        if log.stat().st_size <= most_bytes:
            continue
        older = [log.with_name(f"{log.name}.{number}") for number in range(1, kept + 1)]
        for newer, target in reversed(list(pairwise(older))):
            if newer.exists():
                newer.replace(target)
        if older:
            _copy(log, older[0])
        with log.open("r+b") as stream:
            stream.truncate(0)


def _copy(log: Path, target: Path) -> None:
    try:
        with log.open("rb") as source, open_private(target) as copy:
            shutil.copyfileobj(source, copy, _CHUNK)
    except OSError:
        target.unlink(missing_ok=True)
