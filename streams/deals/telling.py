"""From sentences that tell of deals to the deals: one for each pair of parties, in one direction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.readings import Deal, Evidence
from streams.deals.act import act_and_status
from streams.deals.amounts import stated_sum
from streams.deals.learnt import Learnt
from streams.deals.makers import countries, maker_supplies
from streams.deals.parties import PartyMention
from streams.deals.quantities import stated_quantity
from streams.deals.roles import Roles
from streams.deals.sentence import ReadSentence
from streams.deals.sides import ArticleParties, resolve, with_home
from streams.entities.lookup import country_id

MAX_DEALS = 8
_TELLS = 0.35
"""Probability of a sentence that may add to a deal, in an article that tells of one."""
_DIRECTED = ("give", "sell", "buy", "get")
_UNDIRECTED = 0.1
"""What a sentence without a word that goes one way ("military cooperation of Kazakhstan with Ukraine") says of who
supplies whom, beside one that has such a word."""
_OTHER_TRANSFERS = ("aid", "lease", "licence", "upgrade", "block", "want")
_OPEN = 0.6
_VAGUE = 0.7
"""What a sentence that leaves a side open, or has no such word, is worth as evidence beside one that does not."""
_ANOTHER = 0.5
_SIDES = 0.2
"""What a deal beside the most probable one needs: probability of its sentence, and of its reading of the sides."""


@dataclass(slots=True)
class Telling:
    """A transfer as one sentence tells it, which others may tell too; sides may be open.

    `score` is the probability of the most probable of them.
    """

    sentence: ReadSentence
    score: float
    roles: Roles
    supplier: tuple[str, ...]
    recipient: tuple[str, ...]
    weapons: list[str]

    @property
    def names_both(self) -> bool:
        """Whether the sentence itself names both sides."""
        keys = self.sentence.party_keys
        return any(k in keys for k in self.supplier) and any(k in keys for k in self.recipient)


def told_deals(
    tellings: Sequence[Telling], title_end: int, parties: Sequence[PartyMention], learnt: Learnt
) -> list[Deal]:
    """The deals that `tellings` add up to, the most probable first, each with its most probable sentence as evidence.

    `tellings` are those of an article that tells of a deal; `title_end` is where its text begins.
    """
    ranked = sorted(tellings, key=lambda t: (-t.score, t.sentence.start))
    told = [t for t in ranked if t.score >= min(_TELLS, ranked[0].score)]
    article = ArticleParties(parties, title_end)
    for one in told:
        one.roles = resolve(one.sentence, article, learnt.sides)
        one.supplier, one.recipient = one.roles.supplier, one.roles.recipient
        if maker_supplies(one.sentence, one.supplier, one.recipient):
            one.supplier, one.recipient = one.recipient, one.supplier
    _turn_one_way(told)
    kept: list[Telling] = []
    for one in sorted(told, key=lambda t: (not t.names_both, not _directed(t))):
        same = next((k for k in kept if _same_transfer(k, one)), None)
        if same is None:
            kept.append(one)
        else:
            same.score = max(same.score, one.score)
            same.weapons += [w for w in one.weapons if w not in same.weapons]
    kept = [k for k in kept if k.supplier or k.recipient] or kept[:1]
    kept.sort(key=_weight, reverse=True)
    shown: list[Telling] = []
    for one in kept:
        if not shown or (_another(one) and not any(_reversed(one, other) for other in shown)):
            shown.append(one)
    return [_deal(one, parties, learnt) for one in shown[:MAX_DEALS]]


def _turn_one_way(told: Sequence[Telling]) -> None:
    """Where sentences differ on who supplies whom, let the weightier reading stand for all."""
    weight: dict[tuple[str, str], float] = defaultdict(float)
    for one in told:
        for pair in _pairs(one):
            weight[pair] += one.score * one.roles.score * (1.0 if _directed(one) else _UNDIRECTED)
    for one in told:
        pairs = _pairs(one)
        if pairs and all(weight.get((r, s), 0.0) > weight[s, r] for s, r in pairs):
            one.supplier, one.recipient = one.recipient, one.supplier


def _pairs(one: Telling) -> list[tuple[str, str]]:
    return [(s, r) for s in one.supplier for r in one.recipient]


def _same_transfer(full: Telling, other: Telling) -> bool:
    """Whether `other` says no more of the parties than `full` does."""
    return set(other.supplier) <= set(full.supplier) and set(other.recipient) <= set(full.recipient)


def _weight(one: Telling) -> float:
    """How well it says who transfers to whom: by its own probability and by that of its reading of the sides."""
    named = 1.0 if one.names_both else _OPEN
    certainty: float = one.roles.score**0.5
    return one.score * certainty * named * (1.0 if _directed(one) else _VAGUE)


def _another(one: Telling) -> bool:
    return (
        one.names_both
        and one.roles.score >= _SIDES
        and one.score >= _ANOTHER
        and (_directed(one) or one.sentence.has(*_OTHER_TRANSFERS))
    )


def _directed(one: Telling) -> bool:
    return one.sentence.has(*_DIRECTED)


def _reversed(one: Telling, other: Telling) -> bool:
    return bool({(r, s) for s, r in _pairs(one)} & set(_pairs(other)))


def _deal(told: Telling, parties: Sequence[PartyMention], learnt: Learnt) -> Deal:
    sentence = told.sentence
    act, status = act_and_status(sentence, learnt.acts)
    language = sentence.info.code if sentence.info else "en"
    amount = stated_sum(sentence.text, language)
    return Deal(
        act=act,
        status=status,
        supplier=_ids(parties, with_home(told.supplier, parties)),
        recipient=_ids(parties, with_home(told.recipient, parties)),
        supplier_countries=countries(told.supplier, parties),
        recipient_countries=countries(told.recipient, parties),
        weapons=told.weapons,
        amount=amount,
        quantity=stated_quantity(
            sentence.text,
            sentence.start,
            sentence.weapon_spans,
            language,
            [amount.text] if amount and amount.text else [],
        ),
        score=round(told.score, 4),
        evidence=Evidence(start=sentence.start, end=sentence.end, text=sentence.text),
    )


def _ids(parties: Sequence[PartyMention], keys: Sequence[str]) -> list[str]:
    first = {p.key: p.entity_id for p in reversed(parties)}
    found = (first.get(key) or country_id(key) for key in keys)
    return [identity for identity in found if identity]
