"""Texts to vectors: multilingual-e5-small in ONNX Runtime, on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from streams.embedding.article import article_text
from streams.embedding.means import center
from streams.embedding.quantised import is_built, model_folder
from streams.embedding.tokens import PREFIX, clean
from streams.embedding.words import WordTable

DIMENSIONS = 384
"""Length of a vector."""


class ModelMissing(RuntimeError):
    """The model has not been built yet."""


class Backend(Protocol):
    """Anything that turns texts into (n, 384) float32 vectors of unit length, in the space of multilingual-e5-small."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class Embedder:
    """The built model, loaded. About 0.7 s and 350 MB, most of both for the tokenizer's 250,000 pieces."""

    def __init__(self, session: onnxruntime.InferenceSession, tokenizer: Tokenizer, words: WordTable) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._words = words

    @classmethod
    def load(cls, cache_dir: Path, *, threads: int = 1) -> Embedder:
        """Load what `build_model` has built under `cache_dir`.

        Raises:
            ModelMissing: it has not been built.
        """
        if not is_built(cache_dir):
            raise ModelMissing(
                f"the embedding model is not in {model_folder(cache_dir)}. Build it once with: polywire models build"
            )
        folder = model_folder(cache_dir)
        session = _session(folder / "encoder.onnx", threads)
        return cls(session, Tokenizer.from_file(str(folder / "tokenizer.json")), WordTable.load(folder))

    def with_encoder(self, path: Path) -> Embedder:
        """The same tokens and words through another encoder: the float32 reference, say."""
        return Embedder(_session(path, threads=1), self._tokenizer, self._words)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 384) float32, each row of unit length. Any string is taken; the empty one has a vector too.

        Texts go through one at a time: without padding, a batch on a CPU core is no faster than its texts in turn,
        and a text's vector does not depend on its neighbours'.
        """
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            ids = self._tokenizer.encode(PREFIX + clean(text)).ids
            (vectors[row : row + 1],) = self._session.run(["vector"], {"embedded": self._words.embed(ids)})
        return vectors

    def embed_article(self, title: str, text: str, language: str) -> NDArray[np.float32]:
        """(384,): the article's opening, less the mean of its language, of unit length."""
        return embed_article(self, title, text, language)


def embed_article(backend: Backend, title: str, text: str, language: str) -> NDArray[np.float32]:
    """(384,): the article's opening by any backend, less the mean of its language, of unit length."""
    centred: NDArray[np.float32] = center(backend.embed([article_text(title, text)]), [language])[0]
    return centred


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin between two articles would take the cores from the stages beside this one.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
