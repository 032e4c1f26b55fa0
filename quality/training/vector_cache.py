"""Embeddings of the development texts, kept from one training to the next: they are most of its time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from streams.embedding.embedder import DIMENSIONS, Backend
from streams.embedding.quantised import MODEL

Vectors = npt.NDArray[np.float32]


class VectorCache:
    """A backend that asks another one only for texts it has not seen. One file for each model.

    What is kept is the model's own answer: language means are taken out later and may change.
    """

    def __init__(self, cache_dir: Path, backend: Backend) -> None:
        self._backend = backend
        self._path = cache_dir / "training" / f"{MODEL}.npz"
        self._known: dict[bytes, Vectors] = {}
        self._new = False
        if self._path.exists():
            with np.load(self._path) as stored:
                keys, vectors = stored["keys"], stored["vectors"]
            self._known = {bytes(key): vector for key, vector in zip(keys, vectors, strict=True)}

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(n, 384), as the backend's own."""
        found = np.empty((len(texts), DIMENSIONS), np.float32)
        for row, text in enumerate(texts):
            key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
            if key not in self._known:
                self._known[key] = self._backend.embed([text])[0]
                self._new = True
            found[row] = self._known[key]
        return found

    def save(self) -> None:
        """Write what is new. Whole or not at all: a training that is broken off leaves the old file."""
        if not self._new:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(f"{self._path.stem}.part.npz")
        keys = np.array([np.frombuffer(key, np.uint8) for key in self._known])
        np.savez(part, keys=keys, vectors=np.stack(list(self._known.values())))
        part.replace(self._path)
        self._new = False
