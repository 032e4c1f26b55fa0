"""A maker that gets an order supplies, whatever the verb says of who receives what from whom."""

from __future__ import annotations

import pytest

from tests.deals.conftest import Read


@pytest.mark.parametrize(
    ("language", "text", "supplier", "recipient"),
    [
        ("en", "Leonardo receives an order from Austria for helicopters and missiles.", "IT", "AT"),
        ("en", "Lockheed Martin secured a contract from Morocco for HIMARS rocket launchers.", "US", "MA"),
        ("es", "Airbus recibió un pedido de Brasil de aviones de combate.", "FR", "BR"),
        ("it", "Leonardo riceve un ordine dal Kuwait per cacciabombardieri.", "IT", "KW"),
        ("pl", "Rheinmetall otrzymał z Litwy zamówienie na amunicję artyleryjską.", "DE", "LT"),
        ("ru", "Rheinmetall получил от Венгрии заказ на боевые машины пехоты Lynx.", "DE", "HU"),
        ("da", "Saab har fået en ordre fra Thailand på kampfly.", "SE", "TH"),
        ("pt", "A Saab recebeu uma encomenda da Colômbia de caças Gripen.", "SE", "CO"),
        ("ro", "Rheinmetall a primit o comandă din România pentru rachete.", "DE", "RO"),
    ],
)
def test_the_maker_of_an_order_is_the_supplier(
    read: Read, language: str, text: str, supplier: str, recipient: str
) -> None:
    deal = read(text, language).deals[0]
    assert (deal.supplier_countries, deal.recipient_countries) == ([supplier], [recipient])


@pytest.mark.parametrize(
    ("language", "text", "supplier"),
    [
        ("en", "Switzerland sells 25 Leopard 2 tanks to Rheinmetall.", "CH"),
        ("de", "Belgien verkauft alte Leopard-Panzer an Rheinmetall.", "BE"),
        ("en", "Rheinmetall buys back old Leopard tanks from Switzerland.", "CH"),
    ],
)
def test_a_state_that_sells_to_a_maker_supplies(read: Read, language: str, text: str, supplier: str) -> None:
    deal = read(text, language).deals[0]
    assert (deal.supplier_countries, deal.recipient_countries) == ([supplier], ["DE"])
