"""A new version of an index beside the old one, filled while the old one is written to and searched, then put in its
place.

1. The documents are copied, and what changes meanwhile is copied again, until little is left.
2. Writing to the old version is stopped (Elasticsearch answers 403, which every consumer takes for an outage, and tries
   again); what is left is copied; the alias is switched in one step; the consumers' next try reaches the new version.
   That takes a second or so; when it takes more than `STOP_SECONDS`, writing goes on and it is tried again later.
3. The old version stays, and stays closed to writing: whoever has read a document there and wants to change it only if
   nobody else has (the alerter, the notifier) is refused, and reads again.

Killed anywhere, it is run again and goes on: how far it came is noted in the new version. While it has stopped writing
and is dead, consumers go on by themselves after `consumers.index.ready.ABANDONED_SECONDS`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from consumers.index.copying import Copier
from consumers.index.ready import compare, create_version, ensure_indices, let_go
from consumers.index.shape import Mappings
from consumers.index.templates import analysers, mapping, missing_analysers
from consumers.index.versions import Version, current, noted, versions
from runtime.errors import UserError

STOP_SECONDS = 20.0
"""The longest that writing stands still."""
_FEW = 200
"""Documents left to copy, at which writing can be stopped for the rest."""
_ROUNDS, _ATTEMPTS = 20, 5
_ALIAS_SECONDS = 10.0
_GRACE_SECONDS, _LAST_SEARCHES_SECONDS = 3.0, 30.0
"""For searches that have looked the alias up and not begun, and for those that have begun, before a version goes."""


@dataclass(frozen=True)
class Migrated:
    """What has become of one index."""

    name: str
    old: str
    new: str
    documents: int
    as_they_were: int
    """Of those copied by this run: documents that could not be made anew."""


class Migration:
    """Of one of `INDICES`. Raises what the Elasticsearch client raises; run it again then."""

    def __init__(self, es: Elasticsearch, prefix: str, name: str, on_copied: Callable[[int, int], None]) -> None:
        """`on_copied`: told of the documents copied with each page, and how many the old version has."""
        self._es = es
        self._prefix = prefix
        self._name = name
        self._alias = f"{prefix}-{name}"
        self._on_copied = on_copied

    def run(self, *, rebuild: bool = False) -> Migrated | None:
        """Migrate if anything differs; None where nothing does. `rebuild`: also then.

        Raises:
            UserError: it cannot be done, or not now; the old version is in use as before.
        """
        ensure_indices(self._es, self._prefix)
        wanted = mapping(self._name, missing_analysers(self._es, analysers().values()))
        there = versions(self._es, self._prefix)[self._name]
        old = current(there)
        assert old is not None
        if not old.notes["done"]:
            return self._finish(old)
        if old.blocked and not old.notes["holder"]:
            raise UserError(f"somebody has stopped writing to {old.index} (index.blocks.write): lift that first")
        begun = [version for version in there if version.notes["source"] == old.index and not version.notes["done"]]
        if not rebuild and not begun and all(one.kind == "unused" for one in compare(old, wanted)):
            return None
        new = self._target(there, begun, old, wanted)
        copier = self._copier(old.index, new)
        for _ in range(_ATTEMPTS):
            for _ in range(_ROUNDS):
                if copier.catch_up() < _FEW:
                    break
            copier.drop_deleted()
            if self._switch(copier, old, new):
                copier.catch_up(overtaking=False)
                copier.note(done=True)
                return self._migrated(copier, old.index, new)
        raise UserError(f"documents come into {old.index} faster than they are copied; run it again when less comes")

    def _target(self, there: Sequence[Version], begun: Sequence[Version], old: Version, wanted: Mappings) -> Version:
        """The version that an earlier run has begun, if it is what is wanted now, or a new one."""
        for version in begun:
            if not compare(version, wanted):
                return version
            self._es.indices.delete(index=version.index)
        index = f"{self._alias}-{max(version.number for version in there) + 1:06d}"
        notes = {"source": old.index, "done": False}
        create_version(self._es, index, {**wanted, "_meta": noted(notes)})
        self._es.count(index=index)  # the embedded engine shows only what it has been searched for once
        new = self._now(index)
        assert new is not None
        return new

    def _now(self, index: str) -> Version | None:
        """A version as it is now."""
        there = versions(self._es, self._prefix)[self._name]
        return next((version for version in there if version.index == index), None)

    def _copier(self, old: str, new: Version) -> Copier:
        total = self._es.count(index=old)["count"]

        def check() -> None:
            if not self._es.indices.exists_alias(index=old, name=self._alias):
                raise UserError(f"another run has put a new version in the place of {old}: polywire index status")

        return Copier(
            self._es, self._name, old, new, check=check, on_copied=lambda count: self._on_copied(count, total)
        )

    def _switch(self, copier: Copier, old: Version, new: Version) -> bool:
        """Copy the rest with writing stopped, and switch the alias; False where it took too long."""
        holder, switched = uuid.uuid4().hex, False
        self._es.indices.put_mapping(index=old.index, meta=noted(old.notes, holder=holder))
        started = time.monotonic()
        try:
            # Returns when every write that had begun is done.
            self._es.indices.add_block(index=old.index, block="write")
            copier.catch_up()
            copier.drop_deleted()
            left, copied = copier.count(old.index), copier.count(new.index)
            if left != copied:
                raise UserError(f"{new.index} has {copied} documents and {old.index} {left}; {old.index} stays in use")
            if time.monotonic() - started > STOP_SECONDS or not self._holds(old, holder):
                return False
            self._es.options(request_timeout=_ALIAS_SECONDS).indices.update_aliases(
                actions=[
                    {"remove": {"index": old.index, "alias": self._alias}},
                    {"add": {"index": new.index, "alias": self._alias, "is_write_index": True}},
                ]
            )
            switched = True
            return True
        finally:
            if not switched and self._holds(old, holder):
                let_go(self._es, old)

    def _holds(self, old: Version, holder: str) -> bool:
        """Whether writing is stopped still, and by us."""
        now = self._now(old.index)
        return now is not None and now.current and now.blocked and now.notes["holder"] == holder

    def _finish(self, new: Version) -> Migrated:
        """What is left to do after the switch, by a run after the one that was killed."""
        old = str(new.notes["source"])
        copier = Copier(self._es, self._name, old, new, check=lambda: None, on_copied=lambda _: None)
        if self._es.indices.exists(index=old):
            # Only where consumers had taken the run that switched for dead, and it was not.
            self._es.indices.add_block(index=old, block="write")
            copier.catch_up(overtaking=False)
        copier.note(done=True)
        return self._migrated(copier, old, new)

    def _migrated(self, copier: Copier, old: str, new: Version) -> Migrated:
        return Migrated(self._name, old, new.index, copier.count(new.index), copier.copied_as_it_is)


def remove_old(es: Elasticsearch, prefix: str, name: str) -> list[str]:
    """Delete the versions before the present one, when nobody searches them any more; their names."""
    there = versions(es, prefix)[name]
    now = current(there)
    if now is None or not now.notes["done"]:
        return []
    old = [version.index for version in there if not version.current and version.number < now.number]
    if old:
        time.sleep(_GRACE_SECONDS)
    for index in old:
        deadline = time.monotonic() + _LAST_SEARCHES_SECONDS
        while _searched(es, index) and time.monotonic() < deadline:
            time.sleep(0.5)
        es.indices.delete(index=index)
    return old


def _searched(es: Elasticsearch, index: str) -> bool:
    found = es.indices.stats(index=index, metric="search")["indices"][index]["total"].get("search", {})
    return any(found.get(f"{phase}_current") for phase in ("query", "fetch", "scroll"))
