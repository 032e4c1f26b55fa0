"""The optional backend: what it asks of sentence-transformers, and what is said where that is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest

from streams.embedding import DIMENSIONS, Embedder, ModelMissing, load_backend


class _Model:
    """Stands in for a model of sentence-transformers: remembers what it was asked, answers with counted vectors."""

    length = DIMENSIONS
    asked: ClassVar[list[list[str]]] = []

    def __init__(self, name: str) -> None:
        if name == "nowhere":
            raise OSError("no such model")

    def encode(self, texts: list[str], *, normalize_embeddings: bool, **_: Any) -> np.ndarray:
        assert normalize_embeddings
        self.asked.append(texts)
        vectors = np.zeros((len(texts), self.length))
        vectors[:, 0] = 1.0
        return vectors


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> type[_Model]:
    class Model(_Model):
        asked: ClassVar[list[list[str]]] = []

    module = ModuleType("sentence_transformers")
    module.SentenceTransformer = Model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    return Model


def test_texts_arrive_as_the_model_was_trained_on_them(library: type[_Model], tmp_path: Path) -> None:
    backend = load_backend(tmp_path, model="intfloat/multilingual-e5-small")
    vectors = backend.embed(["ｆｕｌｌ width", "lone \ud800 surrogate", ""])
    assert library.asked[-1] == ["query: full width", "query: lone   surrogate", "query: "]
    assert (vectors.shape, vectors.dtype) == ((3, DIMENSIONS), np.float32)
    assert backend.embed([]).shape == (0, DIMENSIONS)


def test_a_model_of_another_size_is_refused(library: type[_Model], tmp_path: Path) -> None:
    library.length = 768
    with pytest.raises(ModelMissing, match="vectors of 768 numbers"):
        load_backend(tmp_path, model="other")


def test_a_model_that_is_not_there(library: type[_Model], tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="cannot load nowhere: no such model"):
        load_backend(tmp_path, model="nowhere")


def test_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # None in the list of modules is how Python is told that there is none of that name.
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModelMissing, match="pip install sentence-transformers"):
        load_backend(tmp_path, model="intfloat/multilingual-e5-small")


def test_the_default_is_the_built_in_engine(cache_dir: Path) -> None:
    backend = load_backend(cache_dir)
    assert isinstance(backend, Embedder)


@pytest.mark.parametrize("command", [["process", "in.jsonl", "-o", "out.jsonl"], ["stream", "analyze"]])
def test_commands_say_it_without_a_traceback(command: list[str], tmp_path: Path, cache_dir: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": "1", "title": "One", "text": ""}\n', encoding="utf-8")
    # A folder before all others with a package of that name that cannot be imported: the same on any machine.
    (tmp_path / "sentence_transformers.py").write_text("raise ImportError\n", encoding="utf-8")
    settings = {"POLYWIRE_EMBEDDING_MODEL": "some/model", "POLYWIRE_CACHE_DIR": str(cache_dir)}
    environment = os.environ | settings | {"PYTHONPATH": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-m", "polywire", *command],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert "pip install sentence-transformers" in " ".join(run.stderr.split())
    assert "Traceback" not in run.stderr
