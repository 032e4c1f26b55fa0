"""What stands at a party's name and says its part: prepositions, postpositions and case endings of each language."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from streams.deals.parties import PartyMention
from streams.deals.sentence import ReadSentence
from streams.words.folding import in_word
from streams.words.lexicon import language_info, read_table

ROLES = ("to", "from", "by", "with", "of", "subject", "against")

_CASES = frozenset({"to", "from", "by"})
_REACH_WORDS = 2
"""Words that may stand between a preposition and the name ("to the government of …")."""


@lru_cache(maxsize=1)
def _markers() -> dict[str, dict[str, list[tuple[str, str]]]]:
    """By language and place: (form, role), longest form first."""
    table: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for code, role, place, forms in read_table(Path(__file__).parent / "tables" / "markers.tsv"):
        entries = table.setdefault(code, {}).setdefault(place, [])
        entries += [(form.strip().lower(), role) for form in forms.split(",") if form.strip()]
    for places in table.values():
        for entries in places.values():
            entries.sort(key=lambda entry: (-len(entry[0]), entry))
    return table


def markers_of(sentence: ReadSentence, party: PartyMention) -> set[str]:
    """The roles that the words around a party suggest: of each place (before, after, suffix) the nearest."""
    if sentence.info is None:
        return set()
    places = _markers().get(sentence.info.code)
    if places is None:
        return set()
    found: set[str] = set()
    anywhere = sentence.info.anywhere
    if "before" in places:
        role = _before(sentence, party, places["before"], anywhere)
        if role:
            found.add(role)
    tail = sentence.folded[party.end : party.word_end].lstrip("'’-")
    word = sentence.folded[party.word_start : party.word_end]
    if "suffix" in places and not anywhere:
        role = next((r for form, r in places["suffix"] if (tail and tail == form) or word.endswith(form)), None)
        if role:
            found.add(role)
    # The case may stand on the force that follows ("भारतीय नौसेना को", "Azerbaycan ordusuna").
    force = _force_word(sentence, party) if not found & _CASES else None
    if force is not None:
        if "suffix" in places and not anywhere:
            word = sentence.folded[force[0] : force[1]]
            found |= {r for r in [next((r for form, r in places["suffix"] if word.endswith(form)), None)] if r}
        party = replace(party, end=force[1], word_end=force[1])
    if "after" in places:
        role = _after(sentence, party, places["after"], anywhere)
        if role is None and anywhere:
            # Korean particles are written to the name and may be part of the mention.
            name = sentence.folded[party.start : party.end]
            role = next((r for form, r in places["after"] if name.endswith(form) and len(name) > len(form) + 1), None)
        if role:
            found.add(role)
    return found


def _force_word(sentence: ReadSentence, party: PartyMention) -> tuple[int, int] | None:
    """The word for an army or navy that follows a party's name at once: where it begins and ends."""
    for hit in sentence.by_class.get("mil", ()):
        if 0 <= hit.start - party.word_end <= 2 and party.is_state:
            end = hit.end
            while end < sentence.end and in_word(sentence.folded[end]):
                end += 1
            return hit.start, end
    return None


def _before(sentence: ReadSentence, party: PartyMention, entries: list[tuple[str, str]], anywhere: bool) -> str | None:
    window = sentence.folded[max(sentence.start, party.start - 28) : party.start]
    if anywhere:
        tail = window[-6:].rstrip()
        for cut in range(4):
            near = tail[: len(tail) - cut] if cut else tail
            role = next((r for form, r in entries if near.endswith(form)), None)
            if role:
                return role
        return None
    # Clitic prepositions: written in one word with the name (Arabic and Hebrew), or an elided one (d', dell').
    joined = sentence.folded[party.word_start : party.start]
    if joined:
        role = next((r for form, r in entries if joined == form or joined == "و" + form or joined == form + "ال"), None)
        if role:
            return role
    words = window.replace("'", "' ").split()
    stop = max((i for i, w in enumerate(words) if w[-1] in ",;:()–—"), default=-1)
    words = words[stop + 1 :]
    for back in range(_REACH_WORDS + 1):
        end = len(words) - back
        if end <= 0:
            break
        for size in (3, 2, 1):
            if end - size < 0:
                continue
            phrase = " ".join(words[end - size : end])
            role = next((r for form, r in entries if form == phrase), None)
            if role:
                return role
    return None


def _after(sentence: ReadSentence, party: PartyMention, entries: list[tuple[str, str]], anywhere: bool) -> str | None:
    start = party.end if anywhere else party.word_end
    window = sentence.folded[start : min(sentence.end, start + 16)]
    if anywhere:
        near = window.lstrip(' 」』”"')
        return next((r for form, r in entries if near.startswith(form)), None)
    for candidate in (window, sentence.folded[party.end : min(sentence.end, party.end + 16)]):
        near = candidate.lstrip(" '’")
        for form, role in entries:
            if near.startswith(form.lstrip("'’")) and (
                len(near) == len(form) or not in_word(near[len(form) :][:1] or " ")
            ):
                return role
    return None


def known_markers() -> list[tuple[str, str, str]]:
    """(language, place, role) of every row: for the tests of the table."""
    return [
        (code, place, role) for code, places in _markers().items() for place, rows in places.items() for _, role in rows
    ]


def covers(language: str) -> bool:
    """Whether the language has markers."""
    info = language_info(language)
    return info is not None and info.code in _markers()
