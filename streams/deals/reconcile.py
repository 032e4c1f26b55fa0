"""One deal for each transfer, over all variants of a story and all their languages."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from schemas.readings import Deal, DealAct
from schemas.stories import DealEvidence, StoryDeal


def reconcile(existing: list[StoryDeal], article_id: str, language: str, deals: list[Deal]) -> list[StoryDeal]:
    """`existing` with what one article tells taken in. Pure; the most certain deals first.

    Two tellings are one transfer where their suppliers and their recipients agree, or where one leaves a side open and
    the other side and the weapons agree. Evidence is kept for each article; an article read again replaces its own, so
    a replay changes nothing. A deal that some tell and others deny is `disputed`: neither is dropped.
    """
    kept = [deal for deal in (_without(deal, article_id) for deal in existing) if deal is not None]
    for deal in sorted(deals, key=_certainty):
        evidence = DealEvidence(
            start=deal.evidence.start,
            end=deal.evidence.end,
            text=deal.evidence.text,
            article_id=article_id,
            language=language,
            act=deal.act,
            status=deal.status,
            score=deal.score,
        )
        match = _best_match(kept, deal)
        if match is None:
            kept.append(_new(deal, evidence))
        else:
            kept[match] = _joined(kept[match], deal, evidence)
    return sorted(kept, key=lambda d: (-d.score, d.id))


def _certainty(deal: Deal) -> tuple[float, int, str]:
    return (-deal.score, deal.evidence.start, ",".join(deal.supplier + deal.recipient))


def _without(deal: StoryDeal, article_id: str) -> StoryDeal | None:
    evidence = [e for e in deal.evidence if e.article_id != article_id]
    if len(evidence) == len(deal.evidence):
        return deal
    return _told(deal, evidence) if evidence else None


def _new(deal: Deal, evidence: DealEvidence) -> StoryDeal:
    return StoryDeal(
        id=_deal_id(evidence.article_id, deal),
        act=deal.act,
        status=deal.status,
        supplier=list(deal.supplier),
        recipient=list(deal.recipient),
        weapons=list(deal.weapons),
        amount=deal.amount,
        quantity=deal.quantity,
        score=deal.score,
        evidence=[evidence],
    )


def _deal_id(article_id: str, deal: Deal) -> str:
    told = "\x1f".join(
        [article_id, *sorted(deal.supplier), ">", *sorted(deal.recipient), ">", str(deal.evidence.start)]
    )
    return "d" + hashlib.blake2b(told.encode("utf-8"), digest_size=10).hexdigest()


def _best_match(kept: list[StoryDeal], deal: Deal) -> int | None:
    scored = [(_agreement(known, deal), -i) for i, known in enumerate(kept)]
    best = max(scored, default=(0, 0))
    return -best[1] if best[0] > 0 else None


def _agreement(known: StoryDeal, deal: Deal) -> int:
    """0 where they are two transfers, more the more they share."""
    supplier = _side(known.supplier, deal.supplier)
    recipient = _side(known.recipient, deal.recipient)
    if supplier is False or recipient is False:
        return 0
    weapons = _side(known.weapons, deal.weapons)
    if supplier and recipient:
        return 4 + (2 if weapons else 0)
    if supplier or recipient:
        # One side is open: the weapons must not speak against it.
        return 0 if weapons is False else 2 + (1 if weapons else 0)
    return 1 if weapons else 0


def _side(one: Iterable[str], two: Iterable[str]) -> bool | None:
    """Whether they agree; None where one of them is open."""
    a, b = set(one), set(two)
    if not a or not b:
        return None
    return bool(a & b)


def _joined(known: StoryDeal, deal: Deal, evidence: DealEvidence) -> StoryDeal:
    grown = known.model_copy(
        update={
            "supplier": _union(known.supplier, deal.supplier),
            "recipient": _union(known.recipient, [x for x in deal.recipient if x not in known.supplier]),
            "weapons": _union(known.weapons, deal.weapons),
            "amount": known.amount or deal.amount,
            "quantity": known.quantity if known.quantity is not None else deal.quantity,
        }
    )
    return _told(grown, [*known.evidence, evidence])


def _union(known: list[str], more: list[str]) -> list[str]:
    return known + [x for x in more if x not in known]


def _told(deal: StoryDeal, evidence: list[DealEvidence]) -> StoryDeal:
    """The deal as its evidence has it: the act most of it names, the status of the most certain, disputed or not."""
    ordered = sorted(evidence, key=lambda e: (e.article_id, e.start))
    votes: dict[DealAct, float] = defaultdict(float)
    for e in ordered:
        votes[e.act] += e.score
    surest = min(ordered, key=lambda e: (-e.score, e.article_id, e.start))
    statuses = {e.status for e in ordered}
    return deal.model_copy(
        update={
            "act": max(votes.items(), key=lambda item: (item[1], item[0]))[0],
            "status": surest.status,
            "score": surest.score,
            "disputed": "denied" in statuses and len(statuses) > 1,
            "evidence": ordered,
        }
    )
