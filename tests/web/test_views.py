"""What is shown of a text and a story, without a browser."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from consumers.index.found import Variant
from consumers.index.reader import MARK_END, MARK_START
from consumers.web import views
from consumers.web.live import Hub
from consumers.web.rendering import render_event
from schemas.readings import Deal, Entity, Evidence, Mention
from tests.web.newsroom import HOWITZERS, TEXTS, stories


def variant(title: str, text: str, entities: list[Entity] | None = None, deals: list[Deal] | None = None) -> Variant:
    return Variant(
        id="a", story_id="s", title=title, text=text, language="vi", source="x", url=None,
        when=datetime(2026, 1, 1, tzinfo=UTC),
        duplicate_of=None, arms_deal=bool(deals), entities=entities or [], deals=deals or [],
    )  # fmt: skip


def told(full: str, sentence: str) -> Deal:
    start = full.index(sentence)
    evidence = Evidence(start=start, end=start + len(sentence), text=sentence)
    return Deal(act="sale", status="reported", score=0.9, evidence=evidence)


def named(full: str, word: str) -> Entity:
    start = full.index(word)
    return Entity(
        id="Q1", type="weapon", name="Name", mentions=[Mention(start=start, end=start + len(word), text=word)]
    )


def plain(paragraph: views.Paragraph) -> str:
    return "".join(piece.text for piece in paragraph)


def test_a_text_is_shown_whole_in_paragraphs() -> None:
    text = "One.\n\n\nTwo.\n  \nThree."
    body = views.body(variant("Title", text))
    assert plain(body.title) == "Title"
    assert [plain(p) for p in body.lead + body.rest] == ["One.", "Two.", "Three."]
    assert body.cut == 0


def test_mentions_within_evidence_and_across_its_edge() -> None:
    full = "T\nThey sold S-300 systems. More S-300 systems. End"
    first = "They sold S-300 systems."
    overlap = "systems. More S-300"
    body = views.body(variant("T", full[2:], [named(full, "S-300"), named(full, overlap)], [told(full, first)]))
    (paragraph,) = body.lead
    assert plain(paragraph) == full[2:]
    assert "".join(piece.text for piece in paragraph if piece.evidence) == first
    assert "".join(piece.text for piece in paragraph if piece.entity) == "S-300" + overlap
    assert plain(body.title) == "T"


def test_evidence_that_runs_over_a_line_end_is_marked_on_both_sides() -> None:
    full = "Title says\nit and goes on."
    body = views.body(variant("Title says", "it and goes on.", deals=[told(full, "says\nit")]))
    assert [piece.text for piece in body.title if piece.evidence] == ["says"]
    assert [piece.text for piece in body.lead[0] if piece.evidence] == ["it"]


def test_offsets_of_decomposed_texts_are_found_again() -> None:
    """The index holds composed characters; the offsets were counted before that."""
    original = unicodedata.normalize("NFD", "Việt Nam\nViệt Nam ký hợp đồng. Tên lửa đã đến.")
    deal, entity = told(original, unicodedata.normalize("NFD", "Tên lửa đã đến.")), named(original, "ky\u0301")
    title, _, text = unicodedata.normalize("NFC", original).partition("\n")
    (paragraph,) = views.body(variant(title, text, [entity], [deal])).lead
    assert [piece.text for piece in paragraph if piece.evidence] == ["Tên lửa đã đến."]
    assert [piece.text for piece in paragraph if piece.entity] == ["ký"]


def test_offsets_that_fit_nothing_mark_nothing() -> None:
    deal = Deal(act="sale", status="reported", score=1, evidence=Evidence(start=5, end=900, text="not in the text"))
    body = views.body(variant("T", "Some text.", deals=[deal]))
    assert [plain(p) for p in body.lead] == ["Some text."]
    assert not any(piece.evidence for p in body.lead for piece in p)


def test_long_texts_are_cut_with_a_word_of_how_much() -> None:
    body = views.body(variant("T", "x" * 50_000))
    assert body.cut == 50_002 - views.MAX_SHOWN
    assert sum(len(plain(p)) for p in [body.title, *body.lead, *body.rest]) <= views.MAX_SHOWN


def test_only_web_addresses_are_links() -> None:
    assert views.safe_url("https://x.example/a") == "https://x.example/a"
    for bad in (
        None,
        "",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        " javascript:x",
        "http://[",
        "//x",
    ):
        assert views.safe_url(bad) is None


def test_names_of_languages() -> None:
    assert (views.language_name("ms"), views.own_language_name("ms")) == ("Malay", "Melayu")
    assert (views.language_name("en"), views.own_language_name("en")) == ("English", None)
    for odd in ("und", "xx", "zz-ZZ-zz", "", "<b>"):
        assert isinstance(views.language_name(odd), str)
        assert views.own_language_name(odd) is None or views.language_name(odd)


def test_a_deal_in_words() -> None:
    story = stories()[HOWITZERS][0]
    deal = views.best_deal(story)
    assert deal is not None
    assert (deal.act, deal.supplier, deal.recipient, deal.weapons) == (
        "Sale",
        ["South Korea"],
        ["Vietnam"],
        ["K9 Thunder"],
    )
    assert (deal.amount, deal.quantity, deal.percent) == ("USD 800 million", 40, 97)
    unknown = story.model_copy(update={"entities": []})
    assert (views.best_deal(unknown) or deal).supplier == ["Q884"]
    assert views.best_deal(story.model_copy(update={"arms_deal": False})) is None


def test_other_headlines_come_in_order_of_appearance() -> None:
    story = stories()[HOWITZERS][0]
    assert views.other_titles(story, 5) == [("ar", TEXTS["ar"][0]), ("ko", TEXTS["ko"][0])]
    assert views.other_titles(story, 1) == [("ar", TEXTS["ar"][0])]


def test_what_a_search_found_is_marked() -> None:
    pieces = views.marked(f"a {MARK_START}b{MARK_END} <c> {MARK_START}d")
    assert [(piece.text, piece.evidence) for piece in pieces] == [
        ("a ", False),
        ("b", True),
        (" <c> ", False),
        ("d", False),
    ]


def test_live_cards_are_escaped_like_pages() -> None:
    hub = Hub()
    story = stories()[HOWITZERS][0].model_copy(update={"title": "<script>x</script>"})
    hub.publish("story", story)
    (event,), _ = hub._since(0)
    html = render_event(event)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
