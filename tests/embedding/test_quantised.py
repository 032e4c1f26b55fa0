"""Building the model: once, whole or not at all, by any number of processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from streams.embedding import quantised as building
from streams.embedding.quantised import build_model, is_built, model_folder
from streams.embedding.weights import BadWeights, PackedWeights

BUILD = "import sys, pathlib, streams.embedding as e; e.build_model(pathlib.Path(sys.argv[1]))"


def test_two_processes_build_one_model(tmp_path: Path) -> None:
    running = [subprocess.Popen([sys.executable, "-c", BUILD, str(tmp_path)]) for _ in range(2)]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    assert is_built(tmp_path)
    assert not list((tmp_path / "models").glob("*.part-*"))


def test_a_second_build_does_nothing(tmp_path: Path) -> None:
    steps: list[str] = []
    folder = build_model(tmp_path, lambda step, _done, _total: steps.append(step))
    assert steps
    stamp = (folder / "encoder.onnx").stat().st_mtime_ns
    steps.clear()
    assert build_model(tmp_path, lambda step, _done, _total: steps.append(step)) == folder
    assert not steps
    assert (folder / "encoder.onnx").stat().st_mtime_ns == stamp


def test_a_failed_build_leaves_nothing_and_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path, _progress: object) -> None:
        (folder / "encoder.onnx").write_bytes(b"half")
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(building, "_write", fail)
        with pytest.raises(OSError, match="disk full"):
            build_model(tmp_path)
    assert not model_folder(tmp_path).exists()
    assert not list((tmp_path / "models").glob("*.part-*"))
    assert is_built(build_model(tmp_path).parents[1])


def test_a_missing_file_is_built_again(tmp_path: Path) -> None:
    (build_model(tmp_path) / "words.npy").unlink()
    assert not is_built(tmp_path)
    build_model(tmp_path)
    assert is_built(tmp_path)


def test_another_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(b"not weights" * 100)
    with pytest.raises(BadWeights, match="not a packed"):
        PackedWeights(other)
