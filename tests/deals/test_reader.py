"""What is read as a deal and what is not, and who stands on which side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from streams.deals import DealReader
from streams.deals.parties import find_parties, find_weapons
from streams.deals.reader import MAX_EMBEDDED
from streams.deals.sentence import read_sentences
from streams.entities import EntityRecognizer
from streams.words.lexicon import lexicon
from tests.deals.conftest import SEEDS, Read, codes


@pytest.mark.parametrize(
    ("language", "text", "supplier", "recipient"),
    [
        ("en", "Norway will donate air defence missiles to Ukraine, the minister said.", "NO", "UA"),
        ("en", "Drones supplied by Iran to Russia have reached the front.", "IR", "RU"),
        ("en", "Egypt has bought Rafale fighter jets from France.", "FR", "EG"),
        ("fr", "L'Allemagne livrera des chars à l'Ukraine.", "DE", "UA"),
        ("de", "Israel verkauft Raketen an Finnland.", "IL", "FI"),
        ("es", "Chile compró misiles a Israel.", "IL", "CL"),
        ("ru", "Индия закупит у России ракетные комплексы.", "RU", "IN"),
        ("uk", "Литва передала Україні бронетранспортери.", "LT", "UA"),
        ("pl", "Polska kupuje czołgi od Korei Południowej.", "KR", "PL"),
        ("tr", "Türkiye, Katar'a zırhlı araç sattı.", "TR", "QA"),
        ("ar", "باعت فرنسا مقاتلات رافال إلى مصر.", "FR", "EG"),
        ("zh", "俄罗斯向越南出售潜艇。", "RU", "VN"),
        ("ja", "日本はフィリピンに巡視船とレーダーを供与した。", "JP", "PH"),
        ("ko", "프랑스는 이집트에 미사일을 판매했다.", "FR", "EG"),
        ("hi", "फ्रांस ने भारत को लड़ाकू विमान सौंपे।", "FR", "IN"),
        ("id", "Rusia menjual rudal kepada Vietnam.", "RU", "VN"),
        ("hu", "Németország harckocsikat ad el Magyarországnak.", "DE", "HU"),
        ("fi", "Suomi toimitti Ukrainalle panssarivaunuja.", "FI", "UA"),
        ("en", "Kenya signs contract for Turkish drones", "TR", "KE"),
        ("en", "Chile signs contract for French howitzers", "FR", "CL"),
        ("en", "Sweden signs contract for Brazilian transport aircraft", "BR", "SE"),
    ],
)
def test_a_transfer_is_read_with_both_sides(
    read: Read, language: str, text: str, supplier: str, recipient: str
) -> None:
    reading = read(text, language)
    assert reading.arms_deal
    assert codes(reading.deals[0].supplier) == {supplier}
    assert codes(reading.deals[0].recipient) == {recipient}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Iranian-made drones attacked a power station near Odesa."),
        ("en", "Grandmother's missile-shaped cakes are sold to tourists from Germany and Japan."),
        ("en", "Arsenal agreed the transfer of a Brazilian striker from Lyon for 40 million euros."),
        ("en", "The film about an arms dealer who sells tanks to dictators opens in London."),
        ("en", "The Swiss bank called the sale of its French arm an arm's-length deal."),
        ("en", "The Patriot Act was renewed by the United States Congress."),
        ("en", "Ferrari will bring a new engine to the Italian Grand Prix."),
        ("en", "Qatar Airways ordered 50 Boeing passenger jets from the United States."),
        ("de", "Katar liefert Gas nach Deutschland."),
        ("ru", "Российские войска нанесли ракетный удар по Одессе."),
        ("zh", "朝鲜试射导弹，日本抗议。"),
        ("ar", "قصفت إسرائيل غزة بالصواريخ وسقط قتلى."),
        ("tr", "Polis, İstanbul'da iki tabanca ele geçirdi."),
    ],
)
def test_other_talk_of_weapons_and_sales_is_not(read: Read, language: str, text: str) -> None:
    assert not read(text, language).arms_deal


@pytest.mark.parametrize(
    ("text", "act", "status"),
    [
        ("Germany will lease submarines to Norway's navy.", "lease", "planned"),
        ("Iran denied selling drones to Russia.", "sale", "denied"),
        ("The United States blocked the sale of fighter jets to Turkey.", "blocked", "reported"),
        ("Iran is accused of smuggling missiles to the Houthis in Yemen.", "illicit", "alleged"),
        ("The Philippines cancelled a contract for Russian military helicopters.", "sale", "cancelled"),
        ("Ukraine asked Germany for cruise missiles.", "negotiation", "negotiated"),
        ("Sweden donated howitzers to Ukraine.", "aid", "reported"),
    ],
)
def test_acts_and_how_far_they_have_come(read: Read, text: str, act: str, status: str) -> None:
    (deal, *_) = read(text, "en").deals
    assert (deal.act, deal.status) == (act, status)


def test_sums_and_numbers_are_kept(read: Read) -> None:
    (deal, *_) = read("Poland will buy 250 tanks from the United States for $4.75 billion.", "en").deals
    assert deal.quantity == 250
    assert deal.amount is not None
    assert (deal.amount.value, deal.amount.currency) == (4.75e9, "USD")


def test_evidence_counts_in_title_and_text(recognizer: EntityRecognizer) -> None:
    title, text = "Weather", "Rain is expected. Finland sold howitzers to Estonia. Sun follows."
    full = f"{title}\n{text}"
    reading = DealReader().read(title, text, "en", recognizer.recognize(full, "en"))
    evidence = reading.deals[0].evidence
    assert full[evidence.start : evidence.end] == evidence.text == "Finland sold howitzers to Estonia."


@pytest.mark.parametrize(
    ("name", "language", "supplier"),
    [("000_789ba6ecdb73c829", "ms", "UA"), ("001_5ef2c9304808d7f0", "ar", "UA"), ("002_8ffcc6664766d8cb", "en", "RU")],
)
def test_the_founding_documents(read: Read, name: str, language: str, supplier: str) -> None:
    reading = read((SEEDS / f"{name}.txt").read_text("utf-8"), language)
    assert reading.arms_deal
    assert any(codes(d.supplier) == {supplier} and codes(d.recipient) == {"KZ"} for d in reading.deals)


def test_the_embedder_sees_few_sentences_and_only_undecided_ones(recognizer: EntityRecognizer) -> None:
    calls: list[Sequence[str]] = []

    def embed(texts: Sequence[str]) -> np.ndarray:
        calls.append(texts)
        return np.full((len(texts), 384), 384**-0.5, dtype=np.float32)

    reader = DealReader()
    for text in (
        "Rain in Spain.",
        "The German army showed the minister its tanks and received visitors from Poland. " * 20,
    ):
        reader.read("", text, "en", recognizer.recognize(f"\n{text}", "en"), embed)
    assert len(calls) <= 1
    assert all(len(texts) <= MAX_EMBEDDED for texts in calls)


def test_any_text_in_any_language_is_taken(read: Read) -> None:
    for language in ("en", "xx", "zh", "und"):
        for text in ("", "\n", "İİİ", "weapons " * 500, "\u0301\u0301 arms"):
            assert 0 <= read(text, language).score <= 1


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("The Polish minister met his French colleague. They ordered soup.", False),
        ("Poland bought aircraft from France. The army is glad.", True),
        ("Poland bought tanks from France.", True),
    ],
)
def test_a_text_that_never_speaks_of_weapons_is_not_split(recognizer: EntityRecognizer, text: str, split: bool) -> None:
    entities = recognizer.recognize(text, "en")
    sentences = read_sentences(text, lexicon("en"), find_parties(entities, text), find_weapons(entities))
    assert bool(sentences) == split
