"""What can be asked for: the fields of an article that queries may name. The index has more; those are not promised."""

from __future__ import annotations

import difflib
from types import MappingProxyType
from typing import Final, Literal

Kind = Literal["text", "keyword", "date", "number", "boolean"]

FIELDS: Final = MappingProxyType[str, Kind](
    {
        "title": "text",
        "text": "text",
        "language": "keyword",
        "source": "keyword",
        "country": "keyword",
        "entity": "keyword",
        "weapon": "keyword",
        "supplier": "keyword",
        "recipient": "keyword",
        "act": "keyword",
        "status": "keyword",
        "arms_deal": "boolean",
        "arms_deal_score": "number",
        "published": "date",
        "collected": "date",
        "when": "date",
        "story_id": "keyword",
        "id": "keyword",
        "url": "keyword",
        "duplicate_of": "keyword",
        "new_story": "boolean",
        "article_count": "number",
        "language_count": "number",
    }
)
DEFAULT_FIELDS: Final = ("title", "text")
"""Where a word without a field is looked for."""
EXACT_CASE: Final = frozenset({"story_id", "id", "url", "duplicate_of"})
"""Keyword fields that tell capitals from small letters."""


def unknown_field(name: str) -> str:
    """One line that says which fields there are."""
    near = difflib.get_close_matches(name, FIELDS, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"there is no field {name!r}.{hint} Fields: {', '.join(FIELDS)}"
