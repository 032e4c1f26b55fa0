"""How each index stands: its version, how much is in it, in what it is not as it should be."""

from __future__ import annotations

from dataclasses import dataclass

from elasticsearch import Elasticsearch

from consumers.index.ready import compare
from consumers.index.shape import Difference
from consumers.index.templates import analysers, mapping, missing_analysers
from consumers.index.versions import Version, current, plain_indices, versions


@dataclass(frozen=True)
class Standing:
    """One of `INDICES`."""

    name: str
    index: str | None
    """The version in use; None where there is none."""
    documents: int
    bytes: int
    differences: list[Difference]
    unfinished: str | None
    """The version that a migration has begun to fill."""
    replaced: list[str]
    """Versions before the present one."""
    blocked: str | None
    """Who has stopped writing or reading, and what to do."""
    plain: bool = False
    """A plain index lies in the alias's place."""

    @property
    def to_migrate(self) -> bool:
        """Whether only a new version can mend what differs."""
        return any(one.kind not in {"missing", "unused"} for one in self.differences)

    @property
    def state(self) -> str:
        """In a word or two."""
        if self.plain:
            return "no alias"
        if self.index is None:
            return "not there"
        if self.blocked:
            return "closed to writing"
        return "to be migrated" if self.to_migrate else "as it should be"


def standing(es: Elasticsearch, prefix: str) -> list[Standing]:
    """Of each of `INDICES`, in their order. Changes nothing. Raises what the Elasticsearch client raises."""
    missing = missing_analysers(es, analysers().values())
    found = []
    in_the_way = plain_indices(es, prefix)
    for name, there in versions(es, prefix).items():
        now = current(there)
        begun = [version.index for version in there if not version.current and not version.notes["done"]]
        if now is None:
            found.append(Standing(name, None, 0, 0, [], begun[-1] if begun else None, [], None, name in in_the_way))
            continue
        stats = es.indices.stats(index=now.index, metric="store")["indices"][now.index]
        found.append(
            Standing(
                name,
                now.index,
                es.count(index=now.index)["count"],
                stats["total"]["store"]["size_in_bytes"],
                compare(now, mapping(name, missing)),
                now.index if not now.notes["done"] else begun[-1] if begun else None,
                [version.index for version in there if not version.current and version.number < now.number],
                _why_blocked(now),
                name in in_the_way,
            )
        )
    return found


def _why_blocked(now: Version) -> str | None:
    if now.blocks == ["write"] and now.notes["holder"]:
        return "by a migration; if none is running, the next consumer that wants to write lifts it"
    if "read_only_allow_delete" in now.blocks:
        return (
            "by Elasticsearch, whose disk is nearly full (index.blocks.read_only_allow_delete): make room, and it "
            "lifts that by itself"
        )
    if now.blocks:
        return f"by an operator ({', '.join(f'index.blocks.{name}' for name in now.blocks)})"
    return None
