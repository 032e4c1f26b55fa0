"""What kind of deal a sentence tells of, and how far it has come."""

from __future__ import annotations

from schemas.readings import DealAct, DealStatus
from streams.deals.lexicon import Hit
from streams.deals.sentence import ReadSentence

_NEAR_NEGATION = 25


def deal_act(sentence: ReadSentence) -> DealAct:
    """By the rarest word first: smuggling, then a refusal, then lease, licence, upgrade, talks, aid, sale."""
    has = sentence.has
    if has("illicit") and (has("sell", "give", "deal", "buy", "allege", "block") or has("arms")):
        return "illicit"
    if has("block") and not has("cancel", "deny"):
        return "blocked"
    if has("neg") and _negated_transfer(sentence) and not has("deny", "allege"):
        return "blocked"
    if has("lease"):
        return "lease"
    if has("licence"):
        return "licence"
    if has("upgrade") and not has("aid"):
        return "upgrade"
    if has("ask") and not has("plan") and not has("deny"):
        return "negotiation"
    if has("aid") and not has("sell", "buy", "deal"):
        return "aid"
    if has("sell", "buy"):
        return "sale"
    if has("aid"):
        return "aid"
    if has("deal"):
        return "sale"
    if has("give", "get"):
        return "aid"
    return "other"


def deal_status(sentence: ReadSentence) -> DealStatus:
    """The strongest word on how far the deal has come; reported where nothing is said."""
    has = sentence.has
    if has("deny"):
        return "denied"
    if has("cancel"):
        return "cancelled"
    if has("allege"):
        return "alleged"
    if has("ask"):
        return "negotiated"
    if has("plan"):
        return "planned"
    return "reported"


def _negated_transfer(sentence: ReadSentence) -> bool:
    verbs: list[Hit] = [h for c in ("give", "sell") for h in sentence.by_class.get(c, ())]
    return any(abs(n.start - v.start) <= _NEAR_NEGATION for n in sentence.by_class.get("neg", ()) for v in verbs)
