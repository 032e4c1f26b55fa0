"""How well a word fits each language: naive Bayes over its letters, letter pairs up to fours, and the word itself.

One table for each script that several languages share. Values are log-likelihood ratios against the mean of the
script's languages, in steps of `STEP`; `streams/language/fit.py` makes them.
"""

from __future__ import annotations

import io
import lzma
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.language.kin import kin_of

STEP = 0.2
"""Of the stored log-likelihood ratios."""
LONGEST = 4
"""Letters of the longest n-gram, the marks of the word's ends among them."""
CACHED_WORDS = 40_000
"""A few thousand words make up most of any language's text; they are scored once. 14 MB at most."""
SHIPPED = Path(__file__).with_name("ngrams.npz")


_SCALES = np.array([[STEP / LONGEST], [STEP]], dtype=np.float32)


def features(word: str) -> list[str]:
    """Of a word in lower case: its letters, its n-grams with `_` at both ends, and last `#` with the whole word."""
    marked = f"_{word}_"
    length = len(marked)
    found = [*word]
    for size in range(2, LONGEST + 1):
        found += [marked[start : start + size] for start in range(length - size + 1)]
    found.append("#" + word)
    return found


def order(feature: str) -> int:
    """Features of one order share a probability distribution: 1 to LONGEST letters, one more for whole words."""
    return LONGEST + 1 if feature[0] == "#" and len(feature) > 1 else len(feature)


class ScriptTable:
    """The languages of one script, the features, and their values (features, languages) int8."""

    def __init__(self, languages: list[str], rows: dict[str, int], values: NDArray[np.int8]) -> None:
        self.languages = languages
        self.rows = rows
        self.values = values
        self.kin_means = _kin_means(languages)
        """(languages, languages): times a number for each language, the mean of each one's and its kin's."""
        self._places: dict[str, int] = {}
        self._cache: NDArray[np.int16] = np.empty((0, 2, len(languages)), dtype=np.int16)

    def score(self, words: Sequence[str]) -> NDArray[np.float32]:
        """(words, 2, languages) log-likelihood ratios of words in lower case: by their letters, and as a whole."""
        new = [word for word in words if word not in self._places]
        if new:
            if len(self._places) + len(new) > len(self._cache):
                self._places.clear()
                self._cache = np.empty((max(CACHED_WORDS, len(words)), 2, len(self.languages)), dtype=np.int16)
                new = list(dict.fromkeys(words))
            first = len(self._places)
            self._cache[first : first + len(new)] = self._look_up(new)
            self._places.update((word, first + number) for number, word in enumerate(new))
        # Each letter is told of by the n-grams of every length, so their evidence is not independent.
        return self._cache[[self._places[word] for word in words]] * _SCALES

    def _look_up(self, words: Sequence[str]) -> NDArray[np.int16]:
        """The same in the units of the table, and the letters' not divided."""
        scores = np.zeros((len(words), 2, len(self.languages)), dtype=np.int16)
        found: list[int] = []
        starts, numbers, wholes, whole_numbers = [], [], [], []
        for number, word in enumerate(words):
            *parts, whole = features(word)
            start = len(found)
            found += [row for row in map(self.rows.get, parts) if row is not None]
            if len(found) > start:
                starts.append(start)
                numbers.append(number)
            row = self.rows.get(whole)
            if row is not None:
                wholes.append(row)
                whole_numbers.append(number)
        if starts:
            scores[numbers, 0] = np.add.reduceat(self.values[found], starts, axis=0, dtype=np.int16)
        scores[whole_numbers, 1] = self.values[wholes]
        return scores


class NgramModel:
    """The tables of all scripts."""

    def __init__(self, tables: dict[str, ScriptTable]) -> None:
        self.tables = tables

    def save(self, path: Path) -> None:
        """As an npz file of xz-compressed parts: most values are a language's smallest of that order."""
        parts: dict[str, NDArray[Any]] = {}
        for name, table in sorted(self.tables.items()):
            parts[f"{name}.languages"] = np.array(table.languages, dtype=np.str_)
            parts[f"{name}.features"] = _pack("\n".join(table.rows).encode())
            values = table.values.astype(np.int16)
            floors = _floors(table)
            for rows, floor in zip(_by_order(table), floors, strict=True):
                values[rows] -= floor
            parts[f"{name}.floors"] = floors
            parts[f"{name}.values"] = _pack(np.ascontiguousarray(values.T.astype(np.uint8)).tobytes())
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **parts)
        path.write_bytes(buffer.getvalue())

    @classmethod
    def load(cls, path: Path = SHIPPED) -> NgramModel:
        """What `save` wrote: 0.3 s, 15 MB."""
        tables = {}
        with np.load(path, allow_pickle=False) as parts:
            for name in sorted({key.partition(".")[0] for key in parts.files}):
                languages = parts[f"{name}.languages"].tolist()
                rows = {
                    feature: row for row, feature in enumerate(_unpack(parts[f"{name}.features"]).decode().split("\n"))
                }
                stored = np.frombuffer(_unpack(parts[f"{name}.values"]), dtype=np.uint8)
                values = stored.reshape(len(languages), len(rows)).T.astype(np.int16)
                table = ScriptTable(languages, rows, np.empty((0, 0), dtype=np.int8))
                for chosen, floor in zip(_by_order(table), parts[f"{name}.floors"], strict=True):
                    values[chosen] += floor
                table.values = np.ascontiguousarray(values.astype(np.int8))
                tables[name] = table
        return cls(tables)


def _kin_means(languages: list[str]) -> NDArray[np.float64]:
    means = np.zeros((len(languages), len(languages)))
    for row, language in enumerate(languages):
        group = [row, *(languages.index(name) for name in kin_of(language) if name in languages)]
        means[row, group] = 1 / len(group)
    return means


def _by_order(table: ScriptTable) -> Iterator[NDArray[np.bool_]]:
    orders = np.array([order(feature) for feature in table.rows])
    for size in range(1, LONGEST + 2):
        yield orders == size


def _floors(table: ScriptTable) -> NDArray[np.int16]:
    """(orders, languages) smallest values: what a feature never seen in the language has."""
    floors = np.zeros((LONGEST + 1, len(table.languages)), dtype=np.int16)
    for index, rows in enumerate(_by_order(table)):
        if rows.any():
            floors[index] = table.values[rows].min(axis=0)
    return floors


def _pack(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME), dtype=np.uint8)


def _unpack(data: NDArray[np.uint8]) -> bytes:
    return lzma.decompress(data.tobytes())
