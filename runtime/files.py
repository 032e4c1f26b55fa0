"""What a run keeps, for its owner's eyes only: it holds articles, subscriptions and addresses of subscribers."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


def private_folder(folder: Path) -> Path:
    """Make a folder that its owner alone may enter; one that is there is closed, unless it is shared, as /tmp is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(OSError):  # somebody else's: theirs to close
        mode = folder.stat().st_mode
        if mode & 0o077 and not mode & stat.S_ISVTX:
            folder.chmod(0o700)
    return folder


def open_private(path: Path, *, append: bool = False) -> BinaryIO:
    """Open a file for writing that its owner alone may read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC), 0o600)
    with suppress(OSError):
        os.fchmod(handle, 0o600)  # those of earlier releases were for all to read
    return os.fdopen(handle, "ab" if append else "wb")
