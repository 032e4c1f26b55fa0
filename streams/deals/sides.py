"""The sides of a transfer in its article: the parties of the sentence that tells of it, and those that it leaves out.

"The army bought twelve howitzers from France" names one side; the other stands in the headline, in the sentence before,
or is the country in whose language the text is written. All of them are candidates, and the best pair is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from streams.deals.parties import PartyMention
from streams.deals.roles import Roles, frame_of, party_chances, role_features, take_pair
from streams.deals.sentence import ReadSentence

_BEFORE = 400
_AFTER = 300
_LEAD = 350
"""Characters about the sentence in which a party is near, and at the start of the text in which it is leading."""
_OFTEN = 3
_MOST_OUTSIDE = 10


class ArticleParties:
    """Where the parties of an article are named."""

    def __init__(self, mentions: Sequence[PartyMention], title_end: int) -> None:
        self.mentions = mentions
        self._title_end = title_end
        self._starts: dict[str, list[int]] = {}
        for mention in mentions:
            self._starts.setdefault(mention.key, []).append(mention.start)
        counts = Counter(m.key for m in mentions if m.is_state)
        self._most = max(counts.values(), default=0)

    def outside(self, sentence: ReadSentence) -> list[str]:
        """Keys of possible parties that the sentence does not name: those named most first."""
        named = sorted(self._starts, key=lambda key: (-len(self._starts[key]), key))[:_MOST_OUTSIDE]
        home = [sentence.info.home] if sentence.info and sentence.info.home else []
        makers = [w.country for w in sentence.weapons if w.country]
        return [key for key in dict.fromkeys([*named, *home, *makers]) if key not in set(sentence.party_keys)]

    def features(self, sentence: ReadSentence, key: str) -> set[str]:
        """What the article tells of a party, for the transfer that `sentence` tells of."""
        features = set()
        starts = self._starts.get(key, [])
        elsewhere = [s for s in starts if not sentence.start <= s < sentence.end]
        if any(s < self._title_end for s in elsewhere):
            features.add("title")
        if any(0 <= s - self._title_end < _LEAD for s in elsewhere):
            features.add("lead")
        if any(sentence.start - _BEFORE <= s < sentence.start for s in elsewhere):
            features.add("before")
        if any(sentence.end <= s < sentence.end + _AFTER for s in elsewhere):
            features.add("after")
        if len(self.mentions) > len(sentence.parties):
            features.add(f"mentions={min(len(starts), _OFTEN)}")
            if self._most > 1 and len(starts) == self._most:
                features.add("most")
        if sentence.info and sentence.info.home == key:
            features.add("home")
            features.add(f"home:{frame_of(sentence)}")
        return features


def resolve(sentence: ReadSentence, article: ArticleParties, weights: Mapping[str, tuple[float, float]]) -> Roles:
    """The most probable supplier and recipient of the transfer that `sentence` tells of."""
    inside = {key: party_chances(f, weights) for key, f in inside_features(sentence, article)}
    outside = {key: party_chances(f, weights) for key, f in outside_features(sentence, article)}
    return take_pair(sentence, inside, outside)


def inside_features(sentence: ReadSentence, article: ArticleParties) -> Iterable[tuple[str, set[str]]]:
    """Of every party that the sentence names: what stands at it, and what the article tells of it."""
    for key in sentence.party_keys:
        yield key, role_features(sentence, key) | {f"in:{f}" for f in article.features(sentence, key)}


def outside_features(sentence: ReadSentence, article: ArticleParties) -> Iterable[tuple[str, set[str]]]:
    """Of every other party that may be a side of its transfer: what the article tells of it."""
    frame = frame_of(sentence)
    named = f"inside={min(len(sentence.party_keys), 2)}"
    for key in article.outside(sentence):
        features = {f"out:{f}" for f in article.features(sentence, key)}
        features |= {"out", f"out:{frame}", f"out:{named}"}
        if any(w.country == key for w in sentence.weapons):
            features |= {"out:maker", f"out:maker:{frame}"}
        yield key, features


def with_home(side: Sequence[str], parties: Sequence[PartyMention]) -> list[str]:
    """A side with the country of the maker that stands alone on it: makers sell with their state's leave."""
    if any(p.is_state for p in parties if p.key in side):
        return list(side)
    homes = {p.key: p.home for p in parties if p.home}
    return [*side, *dict.fromkeys(home for key in side if (home := homes.get(key)))]
