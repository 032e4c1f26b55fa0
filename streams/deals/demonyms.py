"""Whether a party is named by an adjective: "Russian tanks" come from Russia, whoever it is that they go to."""

from __future__ import annotations

from functools import cache

from streams.deals.parties import PartyMention
from streams.deals.sentence import ReadSentence
from streams.entities.countries import country_aliases, demonyms
from streams.entities.lookup import country_id
from streams.words.folding import fold


def is_adjective(sentence: ReadSentence, mention: PartyMention) -> bool:
    """By its small letter, in languages that write names with a capital, or by the table of what countries' things are
    called."""
    if not mention.is_state or sentence.info is None:
        return False
    first = sentence.text[mention.start - sentence.start]
    if first.islower():
        return True
    word = sentence.folded[mention.start : mention.word_end]
    return any(word.startswith(stem) for stem in _stems(sentence.info.code, mention.key))


@cache
def _stems(language: str, country: str) -> tuple[str, ...]:
    """How the adjectives of a country begin, without what its name begins with too."""
    identity = country_id(country)
    names = [fold(alias.text) for alias in country_aliases(language) if alias.id == identity and not alias.stem]
    forms = (fold(form[:-1]) for code, form in demonyms().get(language, ()) if code == country and form.endswith("-"))
    return tuple(stem for stem in forms if not any(name.startswith(stem) for name in names))
