"""The tables: what there is, under which id, and what it is called."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from schemas.readings import EntityType
from streams.entities.normalization import normalize_name
from streams.entities.span import Needs

TABLES: Final = Path(__file__).parent / "tables"


@dataclass(frozen=True, slots=True)
class Entry:
    """A thing that texts name."""

    id: str
    type: EntityType
    kind: str
    country: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a thing."""

    text: str
    id: str
    language: str | None
    """None: in any language written in this script."""
    needs: Needs = ""
    """Has another meaning too, and counts only where the text names what is needed."""
    stem: bool = False
    """May go on with any ending."""


_CURATED: Final[dict[str, tuple[EntityType, str]]] = {
    "organizations.tsv": ("organization", "organization"),
    "makers.tsv": ("organization", "maker"),
    "forces.tsv": ("organization", "force"),
    "weapons.tsv": ("weapon", "system"),
    "regions.tsv": ("place", "region"),
    "persons.tsv": ("person", "person"),
    "cities.tsv": ("place", "city"),
}


_NEEDS: Final[dict[str, Needs]] = {"?": "weapons", "@": "country"}


def read_table(name: str) -> Iterator[dict[str, str]]:
    """The rows of a table. Lines that begin with # are remarks."""
    with (TABLES / name).open(encoding="utf-8", newline="") as stream:
        lines = (line for line in stream if not line.startswith("#") and line.strip())
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


def split_names(cell: str) -> Iterator[tuple[str | None, str]]:
    """`name; xx:name; …`: each name with the language it is limited to, None where it is not."""
    for part in cell.split(";"):
        text = part.strip()
        if not text:
            continue
        tag, colon, rest = text.partition(":")
        if colon and 2 <= len(tag) <= 3 and tag.islower() and tag.isascii():
            yield tag, rest.strip()
        else:
            yield None, text


@cache
def curated() -> tuple[dict[str, Entry], tuple[Name, ...]]:
    """Everything but countries: entries by id, and all their names."""
    entries: dict[str, Entry] = {}
    names: list[Name] = []
    for table, (kind_of_entity, default_kind) in _CURATED.items():
        if not (TABLES / table).exists():
            continue
        for row in read_table(table):
            entry = Entry(
                row["id"], kind_of_entity, row.get("kind") or default_kind, row.get("country") or None, row["name"]
            )
            if entry.id in entries:
                raise ValueError(f"{table}: the id {entry.id} is given twice")
            entries[entry.id] = entry
            if entry.kind == "class":  # their words are in weapon_classes.tsv, language by language
                continue
            aliases = list(split_names(row.get("aliases") or ""))
            if not {(None, f"?{entry.name}"), (None, f"@{entry.name}")} & set(aliases):
                aliases.insert(0, (None, entry.name))
            names += [Name(text.lstrip("?@"), entry.id, tag, _NEEDS.get(text[0], "")) for tag, text in aliases]
    for row in (*read_table("subdivisions.tsv"), *read_table("subdivisions_extra.tsv")):
        known = entries.setdefault(row["id"], Entry(row["id"], "place", row["kind"], row["country"], row["name"]))
        if known.name == row["name"]:
            names.append(Name(known.name, known.id, None))
        names += [Name(text, known.id, tag) for tag, text in split_names(row["aliases"] or "")]
    for row in read_table("weapon_classes.tsv"):
        for form in row["forms"].split(", "):
            names.append(Name(form.rstrip("-"), row["id"], row["language"], stem=form.endswith("-")))
    return entries, tuple(names)


@cache
def homonyms() -> dict[str, tuple[str, ...]]:
    """Towns whose English name others have too: the id to all ids of the name, larger ones first."""
    called: dict[str, list[str]] = {}
    for entry in curated()[0].values():
        if entry.kind in ("city", "capital"):
            called.setdefault(normalize_name(entry.name), []).append(entry.id)
    return {identity: tuple(ids) for ids in called.values() if len(ids) > 1 for identity in ids}


@cache
def ordinary_words() -> dict[str, dict[str, bool]]:
    """By language: normalized words that look like a name of the tables and are not one in that language, and whether
    that holds of this form alone (`word$`: with an ending it is the name).
    """
    return {
        row["language"]: {normalize_name(word): word.endswith("$") for word in row["words"].split(", ")}
        for row in read_table("ordinary_words.tsv")
    }


@cache
def countries() -> dict[str, Entry]:
    """Countries and territories by ISO 3166-1 code."""
    return {
        row["country"]: Entry(row["id"], "place", "country", row["country"], row["name"])
        for row in read_table("countries.tsv")
    }


@cache
def by_id() -> dict[str, Entry]:
    """Everything the tables know, by id."""
    return {**curated()[0], **{entry.id: entry for entry in countries().values()}}
