"""Whether something is up is known by a lock, which a process takes with it when it ends, however it ends."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from polywire.engines.base import Hold
from runtime import runfile
from runtime.errors import UserError
from runtime.runfile import RUN_FILE, RUN_LOCK, read_run_file, write_run_file

HOLDER = """
import os, sys
from pathlib import Path
from polywire.engines.base import Hold
from runtime.runfile import RUN_LOCK, write_run_file
folder = Path(sys.argv[1])
hold = Hold(folder, RUN_LOCK)
hold.take()
write_run_file(folder, {"pid": os.getpid()})
print("up", flush=True)
sys.stdin.read()
"""


def test_a_run_is_up_for_as_long_as_its_supervisor_lives(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "up\n"
        assert read_run_file(tmp_path) == {"pid": holder.pid}
        with pytest.raises(UserError, match="POLYWIRE_STATE_DIR"):
            Hold(tmp_path, RUN_LOCK).take()
        holder.kill()
        holder.wait()
    assert (tmp_path / RUN_FILE).exists()
    assert read_run_file(tmp_path) is None


def test_a_process_id_that_somebody_else_has_says_nothing(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text(json.dumps({"pid": os.getpid(), "settings": {}, "stages": []}))
    assert read_run_file(tmp_path) is None
    hold = Hold(tmp_path, RUN_LOCK)
    hold.take()
    hold.release()
    assert read_run_file(tmp_path) is None


def test_what_is_up_is_its_owners_to_read(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text("{}")
    (tmp_path / RUN_FILE).chmod(0o644)
    write_run_file(tmp_path, {"pid": 1})
    assert (tmp_path / RUN_FILE).stat().st_mode & 0o777 == 0o600


def test_a_run_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_run_file(tmp_path, {"pid": 1})
    (tmp_path / f"{RUN_FILE}.partial").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_run_file(tmp_path, {"pid": 2, "padding": "x" * 100_000})
    assert json.loads((tmp_path / RUN_FILE).read_text()) == {"pid": 1}
    write_run_file(tmp_path, {"pid": 3})
    assert json.loads((tmp_path / RUN_FILE).read_text()) == {"pid": 3}


def test_a_disk_that_is_full_is_what_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before there is anything to clean up."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(runfile, "open_private", full)
    with pytest.raises(OSError, match="No space left"):
        write_run_file(tmp_path, {"pid": 1})
