"""What is for the owner's eyes only."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime import files
from runtime.files import open_private, private_folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def _nothing_masked() -> Iterator[None]:
    """What is not asked for in so many words is open to all."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize("append", [True, False])
def test_a_file_is_its_owners_from_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, append: bool) -> None:
    monkeypatch.setattr(os, "fchmod", lambda *_: None)
    path = tmp_path / "new"
    open_private(path, append=append).close()
    assert mode(path) == 0o600


def test_a_file_that_was_open_to_all_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"")
    path.chmod(0o644)
    open_private(path).close()
    assert mode(path) == 0o600


def _not_ours(*_: object) -> None:
    raise PermissionError("somebody else's")


def test_a_file_that_somebody_else_made_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fchmod", _not_ours)
    with open_private(tmp_path / "theirs") as stream:
        assert stream.write(b"1") == 1


def test_a_file_is_written_anew_unless_it_is_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for value, append, expected in ((b"first", False, b"first"), (b"+", True, b"first+"), (b"new", False, b"new")):
        with open_private(path, append=append) as stream:
            stream.write(value)
        assert path.read_bytes() == expected
    with open_private(path) as stream:
        stream.write(b"n")
    assert path.read_bytes() == b"n"


def test_two_that_append_lose_nothing_of_each_other(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with open_private(path, append=True) as one, open_private(path, append=True) as other:
        for stream, value in ((one, b"1"), (other, b"2"), (one, b"3")):
            stream.write(value)
            stream.flush()
    assert path.read_bytes() == b"123"


def test_a_folder_is_its_owners_from_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a" / "b"
    with monkeypatch.context() as patched:
        patched.setattr(files.Path, "chmod", _not_ours)
        assert private_folder(folder) == folder
    assert mode(folder) == 0o700


@pytest.mark.parametrize(
    ("before", "after"),
    [(0o755, 0o700), (0o701, 0o700), (0o710, 0o700), (0o500, 0o500), (0o1777, 0o1777)],
    ids=["for all", "for others", "for the group", "its owner's already", "shared"],
)
def test_a_folder_that_is_there_is_closed_unless_it_is_shared(tmp_path: Path, before: int, after: int) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    folder.chmod(before)
    private_folder(folder)
    assert mode(folder) == after


def test_a_folder_of_somebody_else_is_theirs_to_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(files.Path, "chmod", _not_ours)
    assert private_folder(tmp_path) == tmp_path
