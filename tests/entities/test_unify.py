"""One person in many spellings, and two persons with like names."""

from __future__ import annotations

import pytest

from schemas.readings import Entity, Mention
from streams.entities import unify_persons
from streams.entities.persons import person_id


def person(*spellings: str) -> Entity:
    mentions = [Mention(start=0, end=len(s), text=s) for s in spellings]
    return Entity(id=person_id(spellings[0]), type="person", name=spellings[0], mentions=mentions)


def one(first: str, second: str) -> bool:
    known, new = person(first), person(second)
    return unify_persons([known], [new], "und")[new.id] == known.id


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Tamás Kis", "Тамаш Киш"),
        ("Sergei Zgurets", "زغوريتس"),
        ("Oleksandr Kuzmuk", "كوزموك"),
        ("Margaret Thistlewood", "Маргарет Тислвуд"),
        ("Rod Rosenstein", "رود روزنشتاين"),
        ("Phil Mickelson", "菲尔·米克尔森"),
        ("Phil Mickelson", "필 미켈슨"),
        ("Jens Stoltenberg", "ינס סטולטנברג"),
        ("Jens Stoltenberg", "イェンス・ストルテンベルグ"),
        ("Wayde Sims", "Уэйд Симс"),
        ("Hichem Mechichi", "هشام المشيشي"),
        ("Jacek Czaputowicz", "Яцек Чапутович"),
        ("Giorgi Gakharia", "გიორგი გახარია"),
        ("Zenon Trzmiel", "Zenona Trzmiela"),
        ("Sergei Zgurets", "Zgurts"),
    ],
)
def test_one_person(first: str, second: str) -> None:
    assert one(first, second)
    assert one(second, first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Petr Fiala", "Petr Pavel"),
        ("Jan Lipavský", "Jan Lipinski"),
        ("Sergei Ivanov", "Viktor Ivanov"),
        ("Andrei Belousov", "Andrei Belyaninov"),
        ("Anna Kuznetsova", "Anton Kuznetsov"),
        ("Ahmed Hassan", "Ahmed Hussein"),
        ("محمد حسن", "محمد حسين"),
        ("Kim Jong-un", "Kim Yo-jong"),
        ("Wang Yi", "Wang Yu"),
        ("Ivan Petrov", "Ivan Petrenko"),
        ("박진", "박용진"),
        ("王毅", "王岐山"),
        ("Mohammed bin Salman", "Mohammed bin Zayed"),
    ],
)
def test_two_persons(first: str, second: str) -> None:
    assert not one(first, second)
    assert not one(second, first)
