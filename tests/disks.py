"""A small disk that can be filled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SUDO = [] if os.geteuid() == 0 else ["sudo", "-n"]


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """`folder` is a disk of so many megabytes while the block lasts. Needs the right to mount one."""
    folder.mkdir()
    options = f"size={megabytes}m,uid={os.geteuid()}"
    subprocess.run([*_SUDO, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*_SUDO, "umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room; returns the file to remove."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(65_536))
        except OSError:
            pass
        try:
            while True:
                stream.write(b"0")
        except OSError:
            pass
    return filler
