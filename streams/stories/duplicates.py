"""The same text again: syndicated copies and re-crawls, by the same outlet or another, in the same language."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

import numpy as np

from schemas.articles import AnalyzedArticle
from streams.stories.remembered import Remembered
from streams.stories.terms import KIND_SHIFT, NUMBER, WORD, Terms
from streams.stories.vectors import SCALE

_WORD = re.compile(r"[^\W_]+")
MIN_WORDS = 6
"""Shorter texts are copies only where they are equal: different events have like headlines."""
MIN_OVERLAP = 0.85
"""Share of the words of both that both have (Jaccard). An outlet's name behind a headline is let pass."""
MIN_PRODUCT = 0.93


def fingerprint(article: AnalyzedArticle) -> str:
    """The same for texts that differ in case, punctuation and spacing alone, in one language. Empty: no words."""
    text = unicodedata.normalize("NFKC", article.full_text).casefold()
    words = _WORD.findall(text)
    if not words:
        return ""
    joined = "\x1f".join([article.language, *words]).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=9).hexdigest()


def find_original(record: Remembered, members: Iterable[Remembered]) -> Remembered | None:
    """The first of a story's articles whose text this one repeats, or None.

    Nearly the same words in the same language, and the same numbers: a changed number is other news.
    """
    words, numbers = _split(record.terms)
    if len(words) < MIN_WORDS:
        return None
    like = [m for m in members if m.language == record.language and m.duplicate_of is None]
    if not like:
        return None
    vectors = np.stack([m.vector for m in like]).astype(np.float32)
    products = vectors @ record.vector.astype(np.float32) / (SCALE * SCALE)
    for i in np.flatnonzero(products >= MIN_PRODUCT).tolist():
        their_words, their_numbers = _split(like[i].terms)
        if their_numbers != numbers:
            continue
        shared = len(words & their_words)
        if shared >= MIN_OVERLAP * (len(words) + len(their_words) - shared):
            return like[i]
    return None


def _split(terms: Terms) -> tuple[set[int], set[int]]:
    kinds = terms >> KIND_SHIFT
    return set(terms[kinds == WORD].tolist()), set(terms[kinds == NUMBER].tolist())
