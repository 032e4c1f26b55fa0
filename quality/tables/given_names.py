"""Write streams/entities/tables/given_names_cased.txt: given names in scripts with capitals.

    pip install faker; python quality/tables/given_names.py

The names are facts taken from the lists of first names in Faker (https://pypi.org/project/Faker, MIT).
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import faker.providers.person as lists

OUT = Path(__file__).parents[2] / "streams" / "entities" / "tables" / "given_names_cased.txt"
_LETTERS = range(0x41, 0x560)
_SHORTEST = 3
_ELSEWHERE = ("en_TH", "zh_CN", "zh_TW", "vi_VN", "ja_JP", "ko_KR", "th_TH")
"""Lists of words that are not told from surnames or written in other scripts."""


def names(locale: str) -> set[str]:
    """First names of one locale, of either sex."""
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    found: set[str] = set()
    for attribute in dir(provider):
        listed = getattr(provider, attribute)
        if attribute.startswith("first_name") and isinstance(listed, (tuple, list, dict)):
            found.update(name for name in listed if isinstance(name, str))
    return found


def main() -> None:
    everything: set[str] = set()
    for module in pkgutil.iter_modules(lists.__path__):
        if module.ispkg and module.name not in _ELSEWHERE:
            everything |= names(module.name)
    kept = {
        name
        for name in everything
        if len(name) >= _SHORTEST
        and name[:1].isupper()
        and not name.isupper()
        and all((c.isalpha() and ord(c) in _LETTERS) or c == "-" for c in name)
    }
    head = "# Made by quality/tables/given_names.py out of Faker's lists of first names (MIT): do not edit.\n"
    OUT.write_text(head + "\n".join(sorted(kept)) + "\n", encoding="utf-8")
    print(f"{len(kept)} names in {OUT}")


if __name__ == "__main__":
    main()
