"""Where Elasticsearch keeps its state, which follows the state folder even where it cannot be inside it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock

from runtime.errors import UserError
from runtime.files import private_folder

UNPRIVILEGED = "nobody"
_OUTSIDE = Path("/var/lib/polywire")
_TOKEN = "polywire-token"
_OWNER = "polywire-owner.json"


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
    would start empty and Elasticsearch with old alerts. What state folders that are gone have left is removed.
    """
    with ExitStack() as alone:
        if folder.parent == _OUTSIDE:
            make_enterable(_OUTSIDE)
            alone.enter_context(FileLock(_OUTSIDE / "claims.lock", mode=0o600))
            for other in _OUTSIDE.glob("elasticsearch-*"):
                if other != folder and _is_retired(other):
                    shutil.rmtree(other, ignore_errors=True)
        mine, its = keeper / _TOKEN, folder / _TOKEN
        if not (mine.exists() and its.exists() and mine.read_text() == its.read_text()):
            shutil.rmtree(folder, ignore_errors=True)
            make_enterable(folder)
            private_folder(keeper)
            token = uuid.uuid4().hex
            its.write_text(token)
            mine.write_text(token)
        owner = {"keeper": str(keeper), "device": keeper.stat().st_dev}
        (folder / _OWNER).write_text(json.dumps(owner))


def _is_retired(folder: Path) -> bool:
    """Who has claimed it is gone, or claims another by now. Not known of one that an earlier release has made."""
    try:
        owner = json.loads((folder / _OWNER).read_text())
        keeper, device = Path(owner["keeper"]), owner["device"]
        if keeper.exists():
            return (keeper / _TOKEN).read_text() != (folder / _TOKEN).read_text()
    except (OSError, ValueError, KeyError):
        return False
    # A volume that is not mounted now only looks as if all on it were gone.
    return bool(next(path for path in keeper.parents if path.exists()).stat().st_dev == device)


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
