"""From sentences to deals: direction, open sides, makers, and what stands beside a sentence."""

from __future__ import annotations

import pytest

from streams.deals import DealReader
from streams.deals.demonyms import is_adjective
from streams.deals.parties import find_parties, find_weapons
from streams.deals.sentence import read_sentences
from streams.deals.sides import with_home
from streams.entities import EntityRecognizer, lookup
from streams.words.lexicon import lexicon
from tests.deals.conftest import Read, codes


def _pairs(read: Read, text: str, language: str) -> set[tuple[str, str]]:
    return {(s, r) for d in read(text, language).deals for s in codes(d.supplier) for r in codes(d.recipient)}


@pytest.mark.parametrize(
    ("language", "text", "pair"),
    [
        ("en", "Kazakhstan, which got S-300 missiles from Ukraine, held a parade.", ("UA", "KZ")),
        ("en", "Ukraine asked Germany to supply more air defence missiles.", ("DE", "UA")),
        ("en", "Beijing protested against the sale of American missiles to Taiwan.", ("US", "TW")),
        ("ko", "우크라이나가 미국에 미사일을 요청했다.", ("US", "UA")),
        ("ru", "Ереван просит Москву поставить ракеты.", ("RU", "AM")),
        ("fr", "Kiev réclame des missiles à Berlin.", ("DE", "UA")),
        ("tr", "Türkiye, Azerbaycan ordusuna zırhlı araç teslim etti.", ("TR", "AZ")),
    ],
)
def test_who_wants_receives_and_who_looks_on_does_neither(
    read: Read, language: str, text: str, pair: tuple[str, str]
) -> None:
    assert pair in _pairs(read, text, language)


def test_two_parties_have_one_deal_in_one_direction(read: Read) -> None:
    text = (
        "Poland bought tanks from South Korea. South Korea delivered the first tanks to Poland in May. "
        "Poland and South Korea signed an agreement on tanks."
    )
    assert _pairs(read, text, "en") == {("KR", "PL")}


def test_an_open_side_is_taken_from_the_text_about_it(read: Read) -> None:
    text = "Estonia needs stronger artillery. The army bought twelve howitzers from France, the minister said."
    assert ("FR", "EE") in _pairs(read, text, "en")


@pytest.mark.parametrize(
    ("language", "text", "suppliers"),
    [
        ("es", "Ecuador refuerza su armada. Compró misiles a Israel y a Francia.", {"IL", "FR"}),
        ("pl", "Armia Litwy się zbroi. Kupiono czołgi z Niemiec i ze Szwecji.", {"DE", "SE"}),
    ],
)
def test_two_in_a_list_are_on_one_side(read: Read, language: str, text: str, suppliers: set[str]) -> None:
    (deal,) = read(text, language).deals
    assert codes(deal.supplier) == suppliers


@pytest.mark.parametrize(
    ("language", "text", "adjectives"),
    [
        ("en", "Poland buys Turkish tanks.", {"TR"}),
        ("fr", "La Pologne achète des chars turcs à la France.", {"TR"}),
        ("ru", "Индия купила российские танки у России.", {"RU"}),
    ],
)
def test_what_a_country_makes_is_known_by_the_adjective(
    recognizer: EntityRecognizer, language: str, text: str, adjectives: set[str]
) -> None:
    entities = recognizer.recognize(f"\n{text}", language)
    parties = find_parties(entities, f"\n{text}")
    (sentence,) = read_sentences(f"\n{text}", lexicon(language), parties, find_weapons(entities))
    assert {p.key for p in sentence.parties if is_adjective(sentence, p)} == adjectives
    assert any(not is_adjective(sentence, p) for p in sentence.parties)


def test_a_maker_stands_with_its_country(recognizer: EntityRecognizer) -> None:
    text = "\nThe French company Dassault Aviation sold Rafale fighter jets to Egypt."
    entities = recognizer.recognize(text, "en")
    parties = find_parties(entities, text)
    assert "FR" not in {p.key for p in parties}
    (maker,) = (p.key for p in parties if p.home)
    assert with_home((maker,), parties) == [maker, "FR"]
    deal = DealReader().read("", text[1:], "en", entities).deals[0]
    assert {lookup.country_code(i) for i in deal.supplier} == {"FR"}
    assert codes(deal.recipient) == {"EG"}


def test_a_weapon_may_stand_beside_the_sentence_that_sells_it(read: Read) -> None:
    text = "The new fighter jets landed on Monday. Bulgaria had bought the sixteen aircraft from the United States."
    assert ("US", "BG") in _pairs(read, text, "en")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The matter is of great importance to the General Assembly."),
        ("fr", "Vendredi, l'équipe a donc lu des livres importants."),
        ("ms", "Beliau berkata sewaktu pasar dibuka."),
        ("hu", "A kapcsolat a választás óta veszélyben van."),
        ("th", "หนังสือของเขากลับมาแล้ว"),
        ("ar", "باعتبار أن الأمر سريع"),
    ],
)
def test_words_that_only_look_like_a_transfer_are_hidden(language: str, text: str) -> None:
    words = lexicon(language)
    assert words is not None
    assert [
        hit for hit in words.hits(text.lower()) if hit.cls in {"give", "sell", "buy", "get", "licence", "want"}
    ] == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "LOT ordered 40 Airbus A220 jets. The airline will also lease Embraer E195 planes from Brazil."),
        ("fr", "La compagnie aérienne polonaise commande des Airbus A320 à la France. Les passagers attendent."),
        ("de", "Katar liefert Deutschland Flüssiggas. Der Vertrag gilt fünfzehn Jahre."),
    ],
)
def test_airliners_and_gas_are_not_arms(read: Read, language: str, text: str) -> None:
    assert not read(text, language).arms_deal


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "en",
            "The hospital opened a ward. {} Tickets for the film are sold out. The airline is late.",
        ),
        ("de", "Die Fluggesellschaft fliegt wieder. {} Der Film läuft im Kino. Die Polizei sperrt die Straße."),
    ],
)
def test_a_mention_in_passing_survives_in_a_text_on_other_matters(read: Read, language: str, text: str) -> None:
    told = {
        "en": "Warsaw bought 250 Abrams tanks from the United States.",
        "de": "Polen kaufte Panzer und Raketen von Südkorea.",
    }[language]
    assert read(text.format(told), language).arms_deal
    assert not read(text.format(""), language).arms_deal
