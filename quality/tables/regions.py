"""Makes streams/entities/tables/subdivisions.tsv out of Unicode CLDR (Unicode licence): states, provinces.

Run: python -m bench.entities_regions CLDR, the folder that has `common/subdivisions` (Debian's unicode-cldr-core puts
it into /usr/share/unicode/cldr). A subdivision that is called like a city of its country only adds names to that city.
"""

from __future__ import annotations

import re
import sys
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from bench.entities_cities import LANGUAGES_OF, ordinary, slug
from wordfreq import available_languages, zipf_frequency

from streams.entities.entries import TABLES, read_table, split_names
from streams.entities.morphology import UNSPACED, script_of_name
from streams.entities.normalization import normalize_name

TAKEN = {
    "us": r"us..", "ca": r"ca..", "au": r"au.+", "in": r"in..", "gb": r"gb(eng|sct|wls|nir)", "de": r"de..",
    "at": r"at.", "ch": r"ch..", "fr": r"fr[a-z]{3}", "es": r"es(an|ar|as|cn|cb|cl|cm|ct|ex|ga|ib|mc|md|nc|pv|ri|vc)",
    "it": r"it(21|23|25|32|34|36|42|45|52|55|57|62|65|67|72|75|77|78|82|88)", "be": r"be(bru|vlg|wal)", "br": r"br..",
    "mx": r"mx...", "cn": r"cn..", "jp": r"jp..", "ru": r"ru.+", "ua": r"ua..", "id": r"id..", "pk": r"pk..",
    "ng": r"ng..", "za": r"za.+", "kr": r"kr..", "et": r"et..", "mm": r"mm..", "my": r"my..",
    "pl": r"pl..", "iq": r"iq..", "pt": r"pt(20|30)", "nl": r"nl..", "af": r"af...",
}  # fmt: skip
"""Countries whose subdivisions become entities of their own, and the codes of the level that is meant."""
_CODES = """
    usdc usas usgu usmp uspr usum usvi idpa auct cnhk cnmo cntw iqkr mxdif mxmex brdf brpa brto ruad ruci nlse
    inan idjk idml idpp idpb ngri ngde ngfc ngpl ngni ngcr ngog chju zaec zanc zafs zanw zawc phcap auact ausa
    auwa aunt plds plkp plld inpy inga camb ng07 mm05 mm06 cavi pkjk cn71 cn91 cn92 esmd esmc esnc etsn etso
    afffar auvic frmay frlre afhel afdai affra mxbcs mxbcn mxgro mxpue mxjal inch inla kr29 bram brac jp41 jp25 uswa
    usny mxcmx frcvl itcam mxsin mxdur
"""
_LEFT_OUT = frozenset(_CODES.split())
"""Not what news means by the name, or an ordinary word in some language."""
KNOWN = {"Georgia": "Q1428", "New York": "Q1384", "Washington": "Q1223", "Autonomous Republic of Crimea": "Q7835"}
_ORDINARY = 4.4
_ORDINARY_OF_STATES = 5.6
"""Zipf frequencies from which a name is taken for a word of the language; the news is full of American states."""
_GENERIC_SHARE = 0.25
_BRACKETS = re.compile(r"\s*(?:[(（,、،‎²\[]|- | [-–] ).*$")
_UNSPACED_ENDS = re.compile(
    r"(?:自由州|州|省|市|县|縣|県|府|都|道|自治区|自治區|维吾尔自治区|特別市|直轄市|공화국|주|도|州郡|連邦直轄地|邦|大区|大區|联邦主体|ပြည်နယ်|မြို့)$"
)
_UNSPACED_STARTS = re.compile(r"^(?:รัฐ|จังหวัด|มณฑล|แคว้น|เขต|นคร|ລັດ|ແຂວງ|រដ្ឋ|ខេត្ត)")
_TAGS = {"no": "nb", "fil": "tl", "zh_Hant": "zh", "yue": "zh", "yue_Hans": "zh", "sr_Latn": "sr"}
AVAILABLE = set(available_languages())
_SEGMENTED = frozenset({"zh", "ja", "ko"})
"""wordfreq needs further packages for these."""
_SKIPPED = frozenset({"root", "ccp", "de_CH", "yo_BJ", "ceb", "jv"})


def read(folder: Path) -> dict[str, dict[str, str]]:
    """By language: code and name."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((folder / "common" / "subdivisions").glob("*.xml")):
        if path.stem in _SKIPPED:
            continue
        names = found.setdefault(path.stem, {})
        for node in ElementTree.parse(path).iter("subdivision"):
            if node.get("alt") is None and node.text and node.text != "↑↑↑":
                names[node.attrib["type"]] = node.text.strip()
    return found


def without_generic_words(names: dict[str, str]) -> dict[str, str]:
    """Drop what many names of one country begin or end with: `Province of`, `-ның штаты`."""
    by_country: dict[str, list[str]] = {}
    for code in names:
        by_country.setdefault(code[:2], []).append(code)
    bare: dict[str, str] = {}
    for codes in by_country.values():
        words: Counter[str] = Counter()
        for code in codes:
            words.update({w.lower() for w in _BRACKETS.sub("", names[code]).split()})
        generic = {w for w, n in words.items() if n >= max(3, _GENERIC_SHARE * len(codes))}
        generic -= {"new", "north", "south", "west", "east", "san", "carolina", "dakota"}
        for code in codes:
            name = _BRACKETS.sub("", names[code])
            if script_of_name(name) in UNSPACED or script_of_name(name) == "hangul":
                name = _UNSPACED_STARTS.sub("", _UNSPACED_ENDS.sub("", name.strip())) or name
            left = [w for w in name.split() if w.lower() not in generic]
            bare[code] = " ".join(left if left else name.split())
    return bare


def usable(name: str, tag: str, country: str, *, city: bool) -> bool:
    letters = [c for c in name if c.isalpha()]
    script = script_of_name(name)
    if any(c in name for c in ";:\t/") or len(name) > 40 or len({script_of_name(c) for c in letters} - {"kana"}) > 1:
        return False
    least = 4
    if script in ("han", "kana"):
        least = 2 if country in ("cn", "us") and script == "han" else 3
    elif country == "us" and script != "latin":
        least = 3
    if sum(c.isalpha() or unicodedata.category(c)[0] == "M" for c in name) < least:
        return False
    if script == "latin" and not letters[0].isupper():
        return False
    if script == "arabic" and len(letters) < (4 if country == "us" else 5):  # these read as a prefix and a word
        return False
    if " " in name:
        return True
    most = _ORDINARY_OF_STATES if country == "us" and not city else _ORDINARY
    languages = {tag, *LANGUAGES_OF.get(script, ())} & AVAILABLE - _SEGMENTED
    return all(zipf_frequency(word, language) < most for language in languages for word in _readings(name, script))


def _readings(name: str, script: str) -> set[str]:
    """The words that the matcher takes for the same: in Arabic with and without article and with other endings."""
    if script != "arabic":
        return {name, name.lower()}
    spelled = normalize_name(name)
    bare = spelled.removeprefix("ال")
    stems = {bare, bare[:-1]} if bare[-1] in "اهةىي" and len(bare) > 3 else {bare}
    stems |= {"أ" + stem[1:] for stem in stems if stem[0] == "ا"}
    return {name} | {
        f"{article}{stem}{end}" for article in ("", "ال") for stem in stems for end in ("", "ة", "ات", "ا")
    }


def main() -> None:
    names = {language: without_generic_words(found) for language, found in read(Path(sys.argv[1])).items()}
    regions = {(row["country"].lower(), normalize_name(row["name"])): row for row in read_table("regions.tsv")}
    by_id = {row["id"]: row for row in read_table("regions.tsv")}
    called_cities: set[tuple[str, str]] = set()
    cities: dict[tuple[str, str], dict[str, str]] = {}
    for row in read_table("cities.tsv"):
        cities.setdefault((row["country"].lower(), normalize_name(row["name"])), row)
        called_cities |= {
            (row["country"].lower(), normalize_name(text))
            for _, text in [("", row["name"]), *split_names(row["aliases"] or "")]
        }
    out: dict[str, tuple[dict[str, str], dict[tuple[str, str], str]]] = {}
    for code, english in names["en"].items():
        country = code[:2]
        key = (country, normalize_name(english))
        city = cities.get(key)
        taken = country in TAKEN and re.fullmatch(TAKEN[country], code) and code not in _LEFT_OUT
        if english in KNOWN and taken:
            row = by_id[KNOWN[english]]
        elif key in regions:
            row = regions[key]
        elif city is not None and not (taken and country == "us"):
            row = city
        elif taken and usable(english, "en", country, city=False) and not ordinary(english, country.upper(), 0):
            row = {
                "id": f"pw:region:{slug(english)}-{country}", "kind": "region", "country": country.upper(),
                "name": english, "aliases": "",
            }  # fmt: skip
        else:
            continue
        seen = {normalize_name(part.split(":")[-1].strip()) for part in (row["aliases"] or "").split(";")}
        seen.add(normalize_name(row["name"]))
        collected = out.setdefault(row["id"], (row, {}))[1]
        for language, found in names.items():
            name = found.get(code, "")
            tag = _TAGS.get(language, language)
            if (
                not name
                or normalize_name(name) in seen
                or (row is not city and (country, normalize_name(name)) in called_cities)
            ):
                continue
            if not usable(name, tag, country, city=row is city):
                continue
            script = script_of_name(name)
            tagged = script in ("latin", "cyrillic") and language not in ("ru",)
            collected.setdefault((tag if tagged else "", normalize_name(name)), f"{tag}:{name}" if tagged else name)
    path = TABLES / "subdivisions.tsv"
    with path.open("w", encoding="utf-8") as stream:
        stream.write(
            "# Made by quality/tables/regions.py out of CLDR (cldr.unicode.org, Unicode licence): do not edit.\n"
            "# Where regions.tsv or cities.tsv has the id already, this adds names to it.\n"
            "id\tkind\tcountry\tname\taliases\n"
        )
        for identity, (row, aliases) in out.items():
            untagged = {key for tag, key in aliases if not tag}
            kept = [text for (tag, key), text in aliases.items() if not tag or key not in untagged]
            if kept or row["id"].startswith("pw:region"):
                cells = (identity, row["kind"] or "city", row["country"], row["name"], "; ".join(kept))
                stream.write("\t".join(cells) + "\n")
    print(f"{len(out)} places, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
