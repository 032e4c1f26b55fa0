"""Makes streams/entities/tables/han_variants.txt out of Unicode CLDR (Unicode licence): traditional characters as the
simplified ones that stand for them.

Run: python -m bench.entities_han CLDR, the folder that has `common/transforms`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from streams.entities.entries import TABLES

_PAIR = re.compile(r"^(.)\s*([↔←])\s*(.)\s*;")


def main() -> None:
    rules = (Path(sys.argv[1]) / "common" / "transforms" / "Simplified-Traditional.xml").read_text(encoding="utf-8")
    simple: dict[str, str] = {}
    for line in rules.splitlines():
        match = _PAIR.match(line)
        if match and match[1] != match[3] and "㐀" <= match[3] <= "鿿" and "㐀" <= match[1] <= "鿿":
            simple.setdefault(match[3], match[1])
    groups: dict[str, str] = {}
    for traditional, simplified in sorted(simple.items()):
        if simplified not in simple:
            groups[simplified] = groups.get(simplified, simplified) + traditional
    path = TABLES / "han_variants.txt"
    with path.open("w", encoding="utf-8") as out:
        out.write("# Made by quality/tables/han_variants.py out of CLDR (Unicode licence): do not edit.\n")
        out.write("# A line each: the simplified character, then the traditional ones it stands for.\n")
        out.writelines(f"{group}\n" for group in groups.values())
    print(f"{len(groups)} characters, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
