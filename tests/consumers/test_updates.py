"""How an alert grows: what each article of its story adds, and what stays as it was first told."""

from __future__ import annotations

from consumers.alerts.updates import inherited, new_alert, update
from schemas.ids import alert_id
from schemas.readings import Evidence, Money
from tests.consumers.make import article, deal, subscription


def test_the_first_alert_says_what_its_article_says() -> None:
    first = new_alert(subscription(), article(1, url="https://daily.example/1", language="ms", source="pagi.example"))
    assert (first.kind, first.revision) == ("new", 1)
    assert first.id == alert_id("deals", "s1")
    assert first.article_url == "https://daily.example/1"
    assert (first.languages, first.sources) == (["ms"], ["pagi.example"])
    untitled = new_alert(subscription(), article(1, title="", text=f"\n{'a' * 300} b\nsecond line\nthird"))
    assert untitled.article_title == "a" * 200
    untitled = new_alert(subscription(), article(1, title="", text="\nThe first line\nsecond line\nthird"))
    assert untitled.article_title == "The first line"


def test_the_article_is_of_its_story_whether_the_story_has_counted_it_or_not() -> None:
    counted = new_alert(
        subscription(), article(1, language="ar", languages=["en", "ar"], sources=["x", "y"], source="y")
    )
    assert (counted.languages, counted.sources) == (["en", "ar"], ["x", "y"])
    missing = new_alert(subscription(), article(1, language="ar", languages=["en"], sources=["x"], source="y"))
    assert (missing.languages, missing.sources) == (["en", "ar"], ["x", "y"])


def test_an_update_adds_and_takes_nothing_away() -> None:
    first = new_alert(
        subscription(), article(1, languages=["en", "ms"], sources=["a", "daily.example"], article_count=5)
    )
    second = update(first, subscription(), article(2, language="ar", languages=["en"], source="z", article_count=2))
    assert (second.kind, second.revision, second.id) == ("update", 2, first.id)
    assert second.languages == ["en", "ms", "ar"]
    assert second.sources == ["a", "daily.example", "z"]
    assert second.article_count == 5
    assert second.article_id == article(2).id


def test_a_deal_told_again_is_the_same_deal_with_more_evidence() -> None:
    sum_ = Money(value=1e9, currency="USD", text="$1 billion")
    first = new_alert(subscription(), article(1, deals=[deal(score=0.6, quantity=4, weapons=["Q3", "Q1"])]))
    again = deal(score=0.8, quantity=9, amount=sum_, status="denied", weapons=["Q1", "Q3"])
    (told,) = update(first, subscription(), article(2, deals=[again])).deals
    assert told.id == "Q159>Q232:Q1+Q3:sale"
    assert (told.supplier, told.recipient, told.weapons) == (["Q159"], ["Q232"], ["Q3", "Q1"])
    assert (told.score, told.quantity, told.amount, told.disputed) == (0.8, 4, sum_, True)
    assert [e.article_id for e in told.evidence] == [article(1).id, article(2).id]


def test_the_first_sum_and_number_of_a_deal_stay_and_none_is_made_up() -> None:
    sums = [Money(value=value, currency="USD", text="$") for value in (1.0, 2.0)]
    first = new_alert(subscription(), article(1, deals=[deal(amount=sums[0], score=0.9)]))
    assert (first.deals[0].amount, first.deals[0].quantity) == (sums[0], None)
    (told,) = update(first, subscription(), article(2, deals=[deal(amount=sums[1], quantity=0, score=0.2)])).deals
    assert (told.amount, told.quantity, told.score, told.disputed) == (sums[0], 0, 0.9, False)


def test_the_same_sentence_is_no_new_evidence_and_other_parties_are_another_deal() -> None:
    first = new_alert(subscription(), article(1, deals=[deal()]))
    assert len(update(first, subscription(), article(1, deals=[deal()])).deals[0].evidence) == 1
    later = deal(evidence=Evidence(start=20, end=30, text="Again."))
    assert len(update(first, subscription(), article(1, deals=[later])).deals[0].evidence) == 2
    others = update(first, subscription(), article(2, deals=[deal(supplier=["Q2", "Q1"], recipient=["Q4", "Q3"])]))
    assert [told.id.split(":")[0] for told in others.deals] == ["Q159>Q232", "Q1+Q2>Q3+Q4"]


def test_what_a_story_inherits_is_told_under_its_own_id() -> None:
    first = new_alert(subscription(), article(1, story="old"))
    heir = inherited(first, subscription(), article(2, story="new"))
    assert (heir.id, heir.story_id, heir.revision) == (alert_id("deals", "new"), "new", 1)
    assert heir.article_id == article(2).id
