"""Makers as parties: whom they stand for, and which way arms go between a maker and a state.

"KNDS gets an order from Croatia": the words say that the maker receives and that it comes from the state, and the arms
go the other way. More sentences did not teach the model of the roles this in languages it had not seen; that states buy
from makers and hardly ever sell to them is known beforehand, so it is a rule.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from streams.deals.markers import markers_of
from streams.deals.parties import PartyMention
from streams.deals.sentence import ReadSentence

_BUYING = re.compile(
    "buy|bought|purchas|acquir|kauf|gekauft|erw[iao]rb|achet|achèt|rachat|compr|adquir|acquist|купи|закуп|придба|выкуп|"
    "kup|zakup|koup|kop|köp|kjøp|køb|osta|vásárol|satın|خرید|شرا|اشتر|קנ|רכש|खरीद|購入|购买|購買|구매|구입|mua|beli"
)
"""Verbs of buying, beside the words for an order in the same class of forms."""


def maker_supplies(sentence: ReadSentence, supplier: Sequence[str], recipient: Sequence[str]) -> bool:
    """Whether the sides are to be turned: makers alone are read as receiving from a state, or from nobody named.

    They do receive where the sentence says that the state sells, licenses or hands over to them, or that they buy.
    """
    makers = {p.key for p in sentence.parties if p.home}
    if not recipient or any(key not in makers for key in recipient) or any(key in makers for key in supplier):
        return False
    if sentence.has("sell", "licence"):
        return False
    ordered = sentence.has("get", "deal")
    if not ordered and any(_BUYING.match(sentence.folded, hit.start) for hit in sentence.by_class.get("buy", ())):
        return False
    given_to = sentence.has("give", "aid", "lease") and any(
        "to" in markers_of(sentence, p) for p in sentence.parties if p.key in recipient
    )
    return not given_to or ordered or sentence.has("buy")


def countries(side: Sequence[str], parties: Sequence[PartyMention]) -> list[str]:
    """ISO 3166-1 alpha-2 codes of the states on a side: its own, and those where its makers are at home."""
    homes = {p.key: p.home for p in parties if p.home}
    codes = (homes.get(key, key) for key in side)
    return list(dict.fromkeys(code for code in codes if code and len(code) == 2))
