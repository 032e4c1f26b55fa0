"""Word vectors, looked up in the packed table: 54 MB on disk, of which only the pages of words in use are in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streams.embedding.weights import PackedWeights, unpack


class WordTable:
    """The network's input for token ids."""

    def __init__(self, words: NDArray[np.uint8], positions: NDArray[np.float32]) -> None:
        self._words = words
        self._positions = positions

    @staticmethod
    def save(weights: PackedWeights, folder: Path) -> None:
        """Write the table to `words.npy` and `positions.npy`."""
        sizes = weights.sizes
        np.save(folder / "words.npy", weights.blocks("emb.word", sizes.vocabulary))
        positions = weights.vector("emb.pos").reshape(-1, sizes.hidden)[: sizes.positions]
        # There is one type of text, so its vector is part of every position's.
        np.save(folder / "positions.npy", positions + weights.vector("emb.type")[: sizes.hidden])

    @classmethod
    def load(cls, folder: Path) -> WordTable:
        """Map what `save` wrote."""
        return cls(np.load(folder / "words.npy", mmap_mode="r"), np.load(folder / "positions.npy"))

    def embed(self, ids: list[int]) -> NDArray[np.float32]:
        """(tokens,) ids to (1, tokens, 384)."""
        embedded = unpack(self._words[ids])
        embedded += self._positions[: len(ids)]
        return embedded[None]
