"""Persons named in a text."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from streams.entities.folding import fold_alias
from streams.entities.records import TABLES
from streams.entities.skeleton import skeleton
from streams.entities.span import Span

_WORD: Final = re.compile(r"[^\W\d_][\w'’-]*")


@cache
def given_names() -> frozenset[str]:
    """Folded given names, of every script."""
    return frozenset(fold_alias(line) for line in (TABLES / "given_names.txt").read_text("utf-8").splitlines() if line)


def person_id(name: str) -> str:
    """An id of ours: the consonants of the first and the last name, so that other scripts come close to it."""
    words = fold_alias(name).split(" ")
    parts = [skeleton(words[0]), skeleton(words[-1])] if len(words) > 1 else [skeleton(words[0])]
    return "pw:person:" + "-".join(part or "x" for part in parts)


def find(text: str, language: str, taken: list[Span]) -> list[Span]:
    """Persons outside the spans already taken."""
    found: list[Span] = []
    words = list(_WORD.finditer(text))
    for first, second in zip(words, words[1:], strict=False):
        if fold_alias(first.group()) in given_names() and text[first.end() : second.start()] == " ":
            span = Span(first.start(), second.end(), person_id(text[first.start() : second.end()]),
                        text[first.start() : second.end()])  # fmt: skip
            if all(span.end <= t.start or span.start >= t.end for t in taken):
                found.append(span)
    return found
