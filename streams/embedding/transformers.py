"""The embedding by sentence-transformers, for those who have it and a GPU. Imported only where it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.embedding.embedder import DIMENSIONS, ModelMissing
from streams.embedding.tokens import PREFIX, clean


class SentenceTransformersBackend:
    """A `Backend` over a model of sentence-transformers, on the device that library chooses (a GPU where there is one).

    The model is to be multilingual-e5-small or one trained to its space: the language means that ship, and the weights
    of the story decision, are fitted to it. All articles of a stream must go through one backend.
    """

    def __init__(self, model: str) -> None:
        """Load a model by its name on the hub or its folder.

        Raises:
            ModelMissing: sentence-transformers is not installed, the model cannot be had, or its vectors have another
                length.
        """
        try:
            library: Any = importlib.import_module("sentence_transformers")
        except ImportError as error:
            raise ModelMissing(
                f"the setting embedding_model ({model}) needs sentence-transformers, which is not installed. "
                "Install it with: pip install sentence-transformers. Or leave the setting out: the built-in engine "
                "needs nothing more"
            ) from error
        try:
            self._model = library.SentenceTransformer(model)
        except (OSError, ValueError) as error:
            raise ModelMissing(f"sentence-transformers cannot load {model}: {error}") from error
        length = len(self.embed(["query"])[0])
        if length != DIMENSIONS:
            raise ModelMissing(f"{model} gives vectors of {length} numbers; polywire's have {DIMENSIONS}")

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 384) float32, each row of unit length. Any string is taken."""
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        vectors = self._model.encode(
            [PREFIX + clean(text) for text in texts],
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, dtype=np.float32)
