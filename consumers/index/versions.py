"""The numbered versions of an index, as Elasticsearch has them.

Every name is an alias over a numbered index (`polywire-articles` over `polywire-articles-000001`), so that an index can
be rebuilt beside the old one and swapped in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch

from consumers.index.templates import INDICES

_OWN = "polywire"
"""Our place in a mapping's `_meta`."""
_BLANK: Mapping[str, Any] = {"source": None, "cursors": {}, "added": [], "holder": None, "done": True}


@dataclass(frozen=True)
class Version:
    """One numbered index."""

    index: str
    current: bool
    """What is read and written through the alias."""
    mappings: Mapping[str, Any]
    settings: Mapping[str, Any]
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What we have written on it: `source`, the version that it is or was filled from; `cursors`, by shard, how far
    that is copied; `added`, the fields that came later; `holder`, the token of the migration that has stopped writing
    to it; `done`: False while it is being filled."""

    @property
    def number(self) -> int:
        """0 for an index that has no number."""
        found = re.search(r"-(\d+)$", self.index)
        return int(found[1]) if found else 0

    @property
    def blocked(self) -> bool:
        """Whether writing to it is stopped, by a migration or an operator."""
        return "write" in self.blocks

    @property
    def blocks(self) -> list[str]:
        """What is forbidden: `write`, `read_only`, `read_only_allow_delete`, `read`, `metadata`."""
        blocks = self.settings.get("index", {}).get("blocks", {})
        return sorted(name for name, on in blocks.items() if str(on) == "true")


def versions(es: Elasticsearch, prefix: str) -> dict[str, list[Version]]:
    """All versions of each of `INDICES`, the oldest first."""
    names = [[f"{prefix}-{name}", f"{prefix}-{name}-0*"] for name in INDICES]
    found = es.indices.get(index=[one for both in names for one in both], ignore_unavailable=True).body
    there: dict[str, list[Version]] = {name: [] for name in INDICES}
    for index, body in found.items():
        for name in INDICES:
            alias = f"{prefix}-{name}"
            if alias in body.get("aliases", {}) or re.fullmatch(re.escape(alias) + r"-\d{6,}", index):
                mappings = body.get("mappings", {})
                there[name].append(
                    Version(
                        index,
                        alias in body.get("aliases", {}),
                        mappings,
                        body.get("settings", {}),
                        {**_BLANK, **(mappings.get("_meta", {}).get(_OWN) or {})},
                    )
                )
    return {name: sorted(each, key=lambda version: version.number) for name, each in there.items()}


def plain_indices(es: Elasticsearch, prefix: str) -> set[str]:
    """Those of `INDICES` in whose alias's place an index lies: an alias of its name cannot be made."""
    aliases = {f"{prefix}-{name}": name for name in INDICES}
    found = es.indices.get(index=list(aliases), ignore_unavailable=True).body
    return {aliases[index] for index in found if index in aliases}


def current(there: list[Version]) -> Version | None:
    """The one that is written to."""
    return next((version for version in reversed(there) if version.current), None)


def noted(notes: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The `_meta` with `notes` and these changes. Whole: one engine replaces what was there, the other adds to it."""
    return {_OWN: {**_BLANK, **notes, **changes}}
