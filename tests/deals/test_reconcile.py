"""One deal for each transfer over the variants of a story."""

from __future__ import annotations

from itertools import permutations

from schemas.readings import Deal, DealAct, DealStatus, Evidence
from schemas.stories import StoryDeal
from streams.deals.reconcile import reconcile


def told(
    supplier: str,
    recipient: str,
    *weapons: str,
    act: DealAct = "sale",
    status: DealStatus = "reported",
    score: float = 0.9,
) -> Deal:
    return Deal(
        act=act,
        status=status,
        supplier=[supplier] if supplier else [],
        recipient=[recipient] if recipient else [],
        weapons=list(weapons),
        score=score,
        evidence=Evidence(start=0, end=4, text="said"),
    )


def test_two_languages_tell_of_one_deal() -> None:
    deals = reconcile([], "a1", "ms", [told("UA", "KZ", "S-300")])
    deals = reconcile(deals, "a2", "ar", [told("UA", "KZ", "BTR", score=0.95)])
    assert len(deals) == 1
    assert [(e.article_id, e.language) for e in deals[0].evidence] == [("a1", "ms"), ("a2", "ar")]
    assert deals[0].weapons == ["S-300", "BTR"]
    assert deals[0].score == 0.95
    assert not deals[0].disputed


def test_a_replay_changes_nothing() -> None:
    once = reconcile(reconcile([], "a1", "en", [told("UA", "KZ")]), "a2", "fr", [told("RU", "KZ"), told("UA", "KZ")])
    assert reconcile(once, "a2", "fr", [told("RU", "KZ"), told("UA", "KZ")]) == once
    again = reconcile(once, "a1", "en", [told("UA", "KZ")])
    assert [d.evidence for d in again] == [d.evidence for d in once]


def test_an_open_side_joins_where_the_weapons_agree() -> None:
    deals = reconcile([], "a1", "en", [told("UA", "KZ", "S-300")])
    assert len(reconcile(deals, "a2", "fr", [told("UA", "", "S-300")])) == 1
    assert len(reconcile(deals, "a3", "fr", [told("UA", "", "T-72")])) == 2


def test_other_parties_are_another_deal() -> None:
    deals = reconcile([], "a1", "en", [told("UA", "KZ"), told("KZ", "UA"), told("RU", "KZ")])
    assert len(deals) == 3


def test_a_denial_is_kept_beside_what_it_denies() -> None:
    deals = reconcile([], "a1", "en", [told("IR", "RU", status="alleged", score=0.9)])
    deals = reconcile(deals, "a2", "fa", [told("IR", "RU", status="denied", score=0.8)])
    assert len(deals) == 1
    assert deals[0].disputed
    assert deals[0].status == "alleged"
    assert {e.status for e in deals[0].evidence} == {"alleged", "denied"}


def test_a_revision_replaces_what_its_article_said() -> None:
    deals = reconcile([], "a1", "en", [told("UA", "KZ")])
    assert reconcile(deals, "a1", "en", []) == []


def test_existing_deals_are_not_touched() -> None:
    before = reconcile([], "a1", "en", [told("UA", "KZ")])
    copy = [deal.model_copy(deep=True) for deal in before]
    reconcile(before, "a2", "fr", [told("UA", "KZ", "S-300")])
    assert before == copy


def test_the_order_of_articles_does_not_change_what_is_told() -> None:
    articles = {
        "a1": [told("UA", "KZ", "S-300", score=0.9)],
        "a2": [told("UA", "KZ", score=0.7, status="denied")],
        "a3": [told("RU", "KZ", score=0.8)],
    }

    def summary(deals: list[StoryDeal]) -> list[tuple[object, ...]]:
        return [(d.supplier, d.recipient, d.status, d.disputed, [e.article_id for e in d.evidence]) for d in deals]

    seen = []
    for order in permutations(articles):
        deals: list[StoryDeal] = []
        for article in order:
            deals = reconcile(deals, article, "en", articles[article])
        seen.append(summary(deals))
    assert all(one == seen[0] for one in seen)
