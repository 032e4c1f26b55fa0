"""Where Elasticsearch keeps its state, which follows the state folder even where it cannot be inside it."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from pathlib import Path

from polywire.runtime.errors import UserError

UNPRIVILEGED = "nobody"
_OUTSIDE = Path("/var/lib/polywire")
_TOKEN = "polywire-token"


def runs_as_root() -> bool:
    """Elasticsearch refuses to run as root, so it is started as UNPRIVILEGED then."""
    return os.name == "posix" and os.geteuid() == 0


def elastic_folder(state_dir: Path) -> Path:
    """Inside the state folder; for root outside of it, since UNPRIVILEGED can rarely enter that (root's home, say).

    Named after the state folder, so that two of them never share one.
    """
    state = state_dir.absolute()
    if not runs_as_root():
        return state / "jvm" / "elasticsearch"
    return _OUTSIDE / f"elasticsearch-{hashlib.sha256(str(state).encode()).hexdigest()[:16]}"


def claim(keeper: Path, folder: Path) -> None:
    """Make `folder`, empty unless it is the one that `keeper` (a folder of the state) has claimed before.

    So a state folder that was wiped, or another one in the same place, never finds what an earlier one has left: Kafka
    would start empty and Elasticsearch with old alerts.
    """
    mine, its = keeper / _TOKEN, folder / _TOKEN
    if mine.exists() and its.exists() and mine.read_text() == its.read_text():
        return
    shutil.rmtree(folder, ignore_errors=True)
    make_enterable(folder)
    keeper.mkdir(parents=True, exist_ok=True)
    token = uuid.uuid4().hex
    its.write_text(token)
    mine.write_text(token)


def discard(state_dir: Path) -> None:
    """Remove what Elasticsearch keeps for a state folder, wherever it is."""
    shutil.rmtree(elastic_folder(state_dir), ignore_errors=True)


def make_enterable(folder: Path) -> None:
    """Make a folder and what is missing above it, to be entered by all, whatever the umask."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        path.chmod(0o755)


def refuse_closed(folder: Path) -> None:
    """Raises UserError when UNPRIVILEGED cannot get at a folder it has to read."""
    for path in reversed((folder, *folder.parents)):
        if not path.stat().st_mode & 0o001:
            raise UserError(
                f"Elasticsearch does not run as root, and the user {UNPRIVILEGED} that it is started as may not enter "
                f"{path}: set POLYWIRE_CACHE_DIR to a folder that all may enter, or run polywire as another user"
            )
