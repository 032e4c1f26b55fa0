"""Entities and names as `polywire process` writes them."""

from __future__ import annotations

from polywire.commands.process import UNLINKED, _entity, _unlinked
from schemas.readings import Entity, Mention, NamedOnly


def test_names_and_adjectives_are_told_apart() -> None:
    mentions = [Mention(start=0, end=5, text="ruský", indirect=True), Mention(start=9, end=14, text="Rusko")]
    written = _entity(Entity(id="Q159", type="place", name="Russia", mentions=mentions))
    assert written["mentions"] == [{"start": 9, "end": 14, "text": "Rusko"}]
    assert written["indirect"] == [{"start": 0, "end": 5, "text": "ruský"}]
    alone = _entity(Entity(id="Q159", type="place", name="Russia", mentions=mentions[:1]))
    assert alone["mentions"] == []
    assert "indirect" not in _entity(Entity(id="Q159", type="place", name="Russia", mentions=mentions[1:]))


def test_names_without_an_id_share_one() -> None:
    name = NamedOnly(type="person", name="Jan Vrzal", mentions=[Mention(start=3, end=12, text="Jan Vrzal")])
    assert _unlinked(name) == {
        "id": UNLINKED,
        "type": "person",
        "name": "Jan Vrzal",
        "mentions": [{"start": 3, "end": 12, "text": "Jan Vrzal"}],
    }
