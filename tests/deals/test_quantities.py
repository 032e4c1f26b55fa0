"""Numbers of pieces."""

from __future__ import annotations

import pytest

from streams.deals.quantities import stated_quantity


@pytest.mark.parametrize(
    ("language", "text", "weapon", "number"),
    [
        ("en", "In 2022 it sold 1,200 tanks", "tanks", 1200),
        ("en", "twelve new Barracuda submarines", "Barracuda", 12),
        ("en", "twenty-four M109 howitzers", "M109", 24),
        ("en", "a dozen patrol boats", "patrol boats", 12),
        ("en", "in 2022 tanks", "tanks", None),
        ("en", "a tank", "tank", None),
        ("en", "155 mm howitzers", "howitzers", None),
        ("en", "a 155-mm howitzer", "howitzer", None),
        ("en", "for $300 million, Rafale jets", "Rafale", None),
        ("en", "trained 40 soldiers on Leopard tanks", "Leopard", None),
        ("de", "liefert achtzehn Haubitzen", "Haubitzen", 18),
        ("fr", "une trentaine de canons Caesar", "canons", 30),
        ("es", "ocho sistemas Sea Giraffe", "Sea Giraffe", 8),
        ("it", "due fregate Fremm", "fregate", 2),
        ("pt", "28 aeronaves Super Tucano", "Super Tucano", 28),
        ("nl", "zes nieuwe fregatten", "fregatten", 6),
        ("sv", "fyra Gripen", "Gripen", 4),
        ("pl", "dwanaście śmigłowców", "śmigłowców", 12),
        ("cs", "šest baterií NASAMS", "NASAMS", 6),
        ("ru", "двух фрегатов", "фрегатов", 2),
        ("ru", "36 истребителей Су-30", "Су-30", 36),
        ("uk", "п’ять гаубиць", "гаубиць", 5),
        ("fi", "12 000 rynnäkkökivääriä", "rynnäkkökivääriä", 12000),
        ("tr", "1059 adet Cobra II", "Cobra II", 1059),
        ("hu", "tizenkét helikopter", "helikopter", 12),
        ("ro", "54 de obuziere", "obuziere", 54),
        ("el", "είκοσι τέσσερα Rafale", "Rafale", 24),
        ("ar", "٣٤ مقاتلة", "مقاتلة", 34),
        ("fa", "۱۸ فروند جنگنده", "جنگنده", 18),
        ("he", "שלוש ספינות", "ספינות", 3),
        ("hi", "छह पनडुब्बी", "पनडुब्बी", 6),
        ("ja", "護衛艦3隻を受注", "護衛艦", 3),
        ("ja", "F-35を105機購入", "F-35", 105),
        ("ja", "「ハイマース」を15日に", "ハイマース", None),
        ("zh", "向巴基斯坦交付36架歼-10战斗机", "歼-10", 36),
        ("zh", "购买两艘潜艇", "潜艇", 2),
        ("ko", "K9 자주포 54대", "자주포", 54),
        ("ko", "14일 전차를", "전차", None),
        ("th", "เรือดำน้ำ 3 ลำ", "เรือดำน้ำ", 3),
        ("vi", "12 chiếc Su-30", "Su-30", 12),
        ("id", "42 unit Rafale", "Rafale", 42),
    ],
)
def test_the_number_of_a_weapon(language: str, text: str, weapon: str, number: int | None) -> None:
    at = text.index(weapon)
    assert stated_quantity(text, 0, [(at, at + len(weapon))], language) == number


def test_a_number_inside_a_sum_or_another_weapon_counts_nothing() -> None:
    text = "pays 900 million for RBS 70 missiles"
    spans = [(text.index("RBS"), text.index("RBS") + 6), (text.index("missiles"), len(text))]
    assert stated_quantity(text, 0, spans, "en", ["900 million"]) is None
