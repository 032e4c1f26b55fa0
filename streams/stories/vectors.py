"""Embeddings as small whole numbers, so that every sum and product of them is exact.

A vector of unit length is kept as 384 whole numbers (its components times 256, at most ±127). A product of two has
an absolute value of at most 2^16, and one with a sum of up to 255 of them stays below 2^24, where single precision
still holds every whole number. So scores do not depend on the order in which a matrix product adds up, on the
alignment of a row or on the machine: a state restored from records decides as the one that was never interrupted.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

DIMENSIONS = 384
SCALE = 256.0

Vector = npt.NDArray[np.float32]
"""(384,) or (n, 384): whole numbers in single precision, ready for products."""
Bytes = npt.NDArray[np.int8]
"""(384,): the same whole numbers as they are kept."""


def quantise(vector: Sequence[float] | npt.NDArray[np.floating]) -> Bytes:
    """A vector of any length, brought to length 256 and rounded. All zeros, or not numbers, give all zeros.

    Raises:
        ValueError: not 384 numbers.
    """
    v = np.asarray(vector, dtype=np.float64)
    if v.shape != (DIMENSIONS,):
        raise ValueError(f"an embedding has {DIMENSIONS} numbers, not {v.shape}")
    quantised: Bytes = quantise_rows(v[None, :])[0]
    return quantised


def quantise_rows(matrix: npt.NDArray[np.floating]) -> Bytes:
    """`quantise` for each row of (n, 384)."""
    m = np.asarray(matrix, dtype=np.float64)
    norms = np.sqrt(np.square(m).sum(axis=1, keepdims=True))
    usable = np.isfinite(norms) & (norms > 1e-9)
    scaled = np.where(usable, m, 0.0) * (SCALE / np.where(usable, norms, 1.0))
    return np.clip(np.rint(scaled), -127, 127).astype(np.int8)


def pack(vector: Bytes) -> str:
    """384 whole numbers as base64 of signed bytes: 512 characters."""
    return base64.b64encode(vector.tobytes()).decode("ascii")


def unpack(text: str) -> Bytes:
    """The opposite of `pack`.

    Raises:
        ValueError: not what `pack` writes.
    """
    v = np.frombuffer(base64.b64decode(text, validate=True), np.int8)
    if v.shape != (DIMENSIONS,):
        raise ValueError(f"a packed embedding has {DIMENSIONS} bytes, not {v.size}")
    return v
