"""Where a deal is lost: at which stage a mention is missed, and what is wrong with a side that is not the true one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from quality.evaluation.deals import Judged
from quality.training.deals_items import Document, Told
from streams.deals.reader import DealReading


def losses(read: Iterable[tuple[Document, DealReading, Judged]]) -> Counter[str]:
    """How many texts were lost where."""
    return Counter(lost for document, _, judged in read for lost in _lost(document, judged))


def _lost(document: Document, judged: Judged) -> list[str]:
    if judged.arms_deal and not judged.found:
        return [f"missed: {_missed(document)}"]
    if judged.found and not judged.arms_deal:
        return [f"false alarm: {judged.group}"]
    stated = [t for t in judged.transfers if t.supplier and t.recipient]
    read = judged.found_transfers
    if not stated or any(t.supplier & r.supplier and t.recipient & r.recipient for t in stated for r in read):
        return []
    if any(t.supplier & r.recipient and t.recipient & r.supplier for t in stated for r in read):
        return ["parties: swapped"]
    lost = []
    told = Told(document)
    named = {told.side(party) for party in document.parties}
    for part, side in enumerate(("supplier", "recipient")):
        if any(getattr(t, side) & getattr(r, side) for t in stated for r in read):
            continue
        first = getattr(read[0], side) if read else None
        why = "never named" if part not in named else "another party" if first else "left open"
        lost.append(f"parties: {side} {why}")
    return lost or ["parties: of different deals"]


def _missed(document: Document) -> str:
    if not document.parties:
        return "no party named"
    if not document.screened:
        return "no sentence passed the screen"
    told = Told(document)
    best = told.best()
    sides = {told.side(p) for p in best.sentence.parties} & {0, 1} if best is not None else set()
    return f"scored too low, {len(sides)} of its parties in the best sentence"
