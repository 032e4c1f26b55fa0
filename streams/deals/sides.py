"""The side of a transfer that its own sentence leaves open, and the country a maker is at home in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from streams.deals.parties import PartyMention
from streams.deals.sentence import ReadSentence

_BEFORE = 400
_AFTER = 300
"""Characters about the sentence in which a party is near."""
_NEAR_BEFORE = 2.0
_NEAR_AFTER = 1.2
_IN_TITLE = 2.0
_EACH = 0.25
_MOST = 1.5
_MAKER = 2.4
_HOME = 1.6
_ENOUGH = 1.2
"""What speaks for a party: named shortly before, shortly after, in the title, for each mention, as the maker of the
weapon, as the country whose language the text is in; and what it takes."""


def open_side(
    sentence: ReadSentence, taken: Sequence[str], parties: Sequence[PartyMention], title_end: int, *, supplier: bool
) -> str | None:
    """The key of the state that most likely is the open side; None where the text says too little.

    `taken` are the keys of the other side. Parties of the sentence itself are out: they were found to be neither.
    """
    out = {*taken, *sentence.party_keys}
    weight: dict[str, float] = defaultdict(float)
    for key in {p.key for p in parties if p.is_state} - out:
        mentions = [p for p in parties if p.key == key]
        weight[key] += min(_EACH * len(mentions), _MOST)
        if any(sentence.start - _BEFORE <= p.start < sentence.start for p in mentions):
            weight[key] += _NEAR_BEFORE
        if any(sentence.end <= p.start < sentence.end + _AFTER for p in mentions):
            weight[key] += _NEAR_AFTER
        if any(p.start < title_end for p in mentions):
            weight[key] += _IN_TITLE
    if supplier:
        for country in {w.country for w in sentence.weapons if w.country} - out:
            weight[country] += _MAKER
    home = sentence.info.home if sentence.info else None
    if home and home not in out:
        weight[home] += _HOME
    best = max(sorted(weight), key=lambda key: weight[key], default=None)
    return best if best is not None and weight[best] >= _ENOUGH else None


def with_home(side: Sequence[str], parties: Sequence[PartyMention]) -> list[str]:
    """A side with the country of the maker that stands alone on it: makers sell with their state's leave."""
    if any(p.is_state for p in parties if p.key in side):
        return list(side)
    homes = {p.key: p.home for p in parties if p.home}
    return [*side, *dict.fromkeys(home for key in side if (home := homes.get(key)))]
