"""What words around a name say of it: bodies, roles, places, verbs of saying; and which words are given names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

from streams.entities.entries import TABLES, read_table
from streams.entities.slavic import latinised, stem

_KEY: Final = 2
_CASED_SCRIPTS: Final = 0x530
_PATRONYMIC: Final = re.compile(r"(?:ov|ev|iev)(?:ic|na|ni|nu|noi)(?:a|u|em|om|i|e)?$|iv(?:na|ni|nu|noiu)$")
_SURNAME: Final = re.compile(
    r"(?:ovic|evic|ic|enko|enka|enk[aou]|cuk|iuk|uk|ak|ik|ek|ec|sk[iaou]|ck[iaou]|ov|ova|ovo|ev|eva|in|ina|ian|an|ar|dze|svili|"
    r"ko|ka|er|berg|man|man|son|sen|ez|oglu|escu|ini|elli|etti|tti|ard|eau)(?:ego|emu|im|om|em|ou|oi|ovi|ie|a|u|i|e|o)?$"
)


@cache
def _patterns() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """By the first letters of a word: the kinds it can be of, and their patterns. Under "" those that begin with a
    choice of letters."""
    words: dict[str, dict[str, list[str]]] = {}
    for row in read_table("context_words.tsv"):
        for word in row["words"].split():
            start = word[:_KEY] if word[:_KEY].isalpha() else ""
            words.setdefault(start, {}).setdefault(row["kind"], []).append(word)
    return {
        start: [(kind, re.compile("|".join(each))) for kind, each in of_kind.items()]
        for start, of_kind in words.items()
    }


@lru_cache(maxsize=50_000)
def kinds(latin: str) -> frozenset[str]:
    """The kinds of tables/context_words.tsv that a latinised word is of."""
    patterns = _patterns()
    return frozenset(
        kind
        for start in (latin[:_KEY], latin[:1], "")
        for kind, pattern in patterns.get(start, ())
        if pattern.match(latin)
    )


def _listed() -> Iterator[str]:
    for table in ("given_names.txt", "given_names_cased.txt"):
        for line in (TABLES / table).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#") and ord(line[0]) < _CASED_SCRIPTS:
                yield line


@cache
def _given() -> frozenset[str]:
    return frozenset(stem(latinised(name)) for name in _listed())


@lru_cache(maxsize=50_000)
def is_given(latin: str) -> bool:
    """A latinised word is a given name, in any case."""
    return len(latin) > 1 and stem(latin) in _given()


@cache
def _given_as_listed() -> frozenset[str]:
    return frozenset(latinised(name) for name in _listed())


@lru_cache(maxsize=50_000)
def is_given_as_listed(latin: str) -> bool:
    """A latinised word is a given name without any ending."""
    return len(latin) > 2 and latin in _given_as_listed()


@lru_cache(maxsize=50_000)
def is_patronymic(latin: str) -> bool:
    """Ivanovič, Ivanovna: ends like a name after the father."""
    return len(latin) > 6 and _PATRONYMIC.search(latin) is not None


@lru_cache(maxsize=50_000)
def ends_like_surname(latin: str) -> bool:
    """-ovič, -enko, -uk, -ský and other endings of surnames."""
    return len(latin) > 3 and _SURNAME.search(latin) is not None
