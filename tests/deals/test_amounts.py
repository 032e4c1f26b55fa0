"""Sums and numbers of pieces."""

from __future__ import annotations

import pytest

from streams.deals.amounts import stated_quantity, stated_sum


@pytest.mark.parametrize(
    ("language", "text", "value", "currency"),
    [
        ("en", "worth $240 million", 240e6, "USD"),
        ("en", "1.9 billion euro deal", 1.9e9, "EUR"),
        ("en", "4.1 billion dollars", 4_100_000_000, "USD"),
        ("ru", "5,4 млрд долларов", 5.4e9, "USD"),
        ("ru", "истребители Су-35 на $2 млрд", 2e9, "USD"),
        ("it", "1,2 miliardi di euro", 1.2e9, "EUR"),
        ("zh", "3亿美元", 3e8, "USD"),
        ("ko", "35억 달러", 35e8, "USD"),
        ("en", "£100 million", 100e6, "GBP"),
        ("en", "€ 1,500,000", 1.5e6, "EUR"),
        ("en", "50 tanks and 3 ships", None, None),
        ("en", "no number of dollars", None, None),
        ("es", "16 billones de pesos", None, None),  # of which state?
        ("en", "a $3.2bn deal", 3200000000, "USD"),
        ("en", "worth 500m euros", 500000000, "EUR"),
        ("en", "valued at US$1.325 billion", 1325000000, "USD"),
        ("en", "for two-and-a-half billion dollars", None, None),
        ("en", "In 2024 it won 3 billion fans", None, None),
        ("en", "Su-35 won 12 races", None, None),
        ("en", "€1.5 million", 1500000, "EUR"),
        ("en", "more than 4.1 billion dollars", 4100000000, "USD"),
        ("en", "Rs 2,400-crore", 2.4e10, "INR"),
        ("en", "1.3 trillion won", 1.3e12, "KRW"),
        ("en", "S$120 million", 120000000, "SGD"),
        ("en", "MK 45 MOD 2 for 30 ships", None, None),
        ("de", "für 1,325 Milliarden Euro", 1325000000, "EUR"),
        ("de", "1.325 Millionen Euro", 1325000000, "EUR"),
        ("de", "rund 100 Mio. Euro", 100000000, "EUR"),
        ("de", "Kosten von zwölf Millionen Schweizer Franken", 12000000, "CHF"),
        ("fr", "un contrat de 4,5 milliards d'euros", 4500000000, "EUR"),
        ("fr", "650 millions de dollars américains", 650000000, "USD"),
        ("fr", "trois cents millions d'euros", None, None),
        ("es", "más de 1.200 millones de euros", 1200000000, "EUR"),
        ("es", "3.000 millones de dólares", 3000000000, "USD"),
        ("es", "mil millones de dólares", 1000000000, "USD"),
        ("pt", "R$ 1,3 bilhão", 1300000000, "BRL"),
        ("pt", "US$ 250 milhões", 250000000, "USD"),
        ("it", "oltre 2 miliardi di euro", 2000000000, "EUR"),
        ("nl", "1,2 miljard euro", 1200000000, "EUR"),
        ("nl", "2 biljoen euro", 2e12, "EUR"),
        ("sv", "3,5 miljarder kronor", 3500000000, "SEK"),
        ("no", "8 milliarder kroner", 8000000000, "NOK"),
        ("da", "2,4 mia. kr.", 2400000000, "DKK"),
        ("fi", "1,3 miljardia euroa", 1300000000, "EUR"),
        ("pl", "4,7 mld zł", 4700000000, "PLN"),
        ("pl", "za 1,5 biliona złotych", 1.5e12, "PLN"),
        ("cs", "za 52 miliard korun", 5.2e10, "CZK"),
        ("sk", "2 miliardy eur", 2000000000, "EUR"),
        ("ru", "на сумму 2,5 миллиарда долларов США", 2500000000, "USD"),
        ("ru", "около 300 млн евро", 300000000, "EUR"),
        ("uk", "1 мільярд 300 мільйонів гривень", 1300000000, "UAH"),
        ("uk", "два мільярди доларів", 2000000000, "USD"),
        ("ja", "約1兆2000億円", 1.2e12, "JPY"),
        ("ja", "3億5000万ドル", 350000000, "USD"),
        ("zh", "价值12.5亿美元", 1250000000, "USD"),
        ("zh", "三亿美元", 300000000, "USD"),
        ("ko", "4조5000억원 규모", 4.5e12, "KRW"),
        ("ko", "10억 유로", 1000000000, "EUR"),
        ("tr", "2,3 milyar dolarlık", 2300000000, "USD"),
        ("tr", "500 milyon euroluk", 500000000, "EUR"),
        ("az", "200 milyon manat", 200000000, "AZN"),
        ("ar", "بقيمة 1.5 مليار دولار", 1500000000, "USD"),
        ("ar", "٣٫٥ مليار ريال سعودي", 3500000000, "SAR"),
        ("ar", "500 مليون يورو", 500000000, "EUR"),
        ("fa", "۲ میلیارد دلار", 2000000000, "USD"),
        ("he", "ב-1.2 מיליארד שקל", 1200000000, "ILS"),
        ("ur", "ڈیڑھ ارب ڈالر", 1500000000, "USD"),
        ("hi", "₹ 21,000 करोड़", 2.1e11, "INR"),
        ("hi", "3.5 अरब डॉलर", 3500000000, "USD"),
        ("bn", "৫০০ কোটি টাকা", 5000000000, "BDT"),
        ("id", "Rp 5,8 triliun", 5.8e12, "IDR"),
        ("id", "US$ 1,2 miliar", 1200000000, "USD"),
        ("ms", "RM1.2 bilion", 1200000000, "MYR"),
        ("vi", "500 triệu USD", 500000000, "USD"),
        ("vi", "2 tỷ đô la", 2000000000, "USD"),
        ("vi", "12 nghìn tỷ đồng", 1.2e13, "VND"),
        ("th", "3.6 หมื่นล้านบาท", 3.6e10, "THB"),
        ("th", "120 ล้านดอลลาร์", 120000000, "USD"),
        ("el", "3 δισ. ευρώ", 3000000000, "EUR"),
        ("hu", "300 milliárd forint", 3e11, "HUF"),
        ("ro", "1,5 miliarde de euro", 1500000000, "EUR"),
        ("bg", "650 млн. долара", 650000000, "USD"),
        ("sr", "2,7 milijardi evra", 2700000000, "EUR"),
        ("hr", "200 milijuna eura", 200000000, "EUR"),
        ("sw", "dola bilioni 1.3", 1300000000, "USD"),
        ("ta", "500 கோடி ரூபாய்", 5000000000, "INR"),
        ("ka", "120 მილიონი ლარი", 120000000, "GEL"),
        ("hy", "15 միլիարդ դրամ", 1.5e10, "AMD"),
        ("kk", "12 миллиард теңге", 1.2e10, "KZT"),
        ("et", "200 miljonit eurot", 200000000, "EUR"),
        ("lv", "110 miljonu eiro", 110000000, "EUR"),
        ("lt", "150 mln. eurų", 150000000, "EUR"),
        ("en", "15,000 soldiers in 2025 for NATO", None, None),
        ("en", "12 F-16s and 3 M1A1", None, None),
        ("de", "50 Panzer im Jahr 2030", None, None),
        ("ru", "30 единиц в 2024 году", None, None),
        ("ja", "F-35を105機", None, None),
        ("en", "K9 155 mm howitzers, 54 of all", None, None),
        ("it", "3 lire", None, None),
        ("en", "10 try hard", None, None),
    ],
)
def test_sums(language: str, text: str, value: float | None, currency: str | None) -> None:
    found = stated_sum(text, language)
    assert (found and found.value, found and found.currency) == (value, currency)


def test_the_number_before_the_weapon_counts() -> None:
    text = "In 2022 it sold 1,200 tanks"
    assert stated_quantity(text, 0, [(text.index("tanks"), len(text))]) == 1200
    assert stated_quantity("in 2022 tanks", 0, [(8, 13)]) is None


def test_a_sum_of_no_size_is_none() -> None:
    assert stated_sum("a contract of $" + "9" * 400) is None
