"""Copying the documents of one version of an index into another, each made anew where what it stores allows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from elasticsearch import Elasticsearch, helpers

from consumers.index import changes
from consumers.index.changes import Hit
from consumers.index.documents import renewed, vector_of
from consumers.index.shape import LEFT_OUT, known_only
from consumers.index.versions import Version, noted
from runtime.errors import UserError

_BYTES = 8 * 1024 * 1024
_TRIES = 8
"""Of one request, while the server says that it has too much to do: two minutes."""
_NOTE_EVERY = 10
"""Pages after which the place is written down."""


class Copier:
    """Copies what is in `old` into `new`, and what is changed there afterwards, as often as it is asked.

    A document keeps its version, so that nothing that is newer is ever overwritten by something older. `alerts`,
    `stories` and `articles` get today's fields; where a document cannot be made anew it is copied as it is.
    """

    def __init__(
        self,
        es: Elasticsearch,
        name: str,
        old: str,
        new: Version,
        *,
        check: Callable[[], None],
        on_copied: Callable[[int], None],
    ) -> None:
        """`new`: copying goes on where its `cursors` are. `check`: raises when the new one is in use already."""
        self._es = es
        self._name = name
        self._old = old
        self._new = new.index
        self._mappings = new.mappings
        self._notes = dict(new.notes)
        self._cursors: dict[str, int] = dict(new.notes["cursors"])
        self._check = check
        self._on_copied = on_copied
        self.copied_as_it_is = 0

    def catch_up(self, *, overtaking: bool = True) -> int:
        """Copy what was written since the last time; how many documents that were.

        `overtaking`: a document may take the place of one of the same version: so it is right while nobody else writes
        to the new one.

        Raises:
            UserError: a document is refused, or Elasticsearch takes none for minutes.
        """
        count = 0
        for shard, until in sorted(changes.checkpoints(self._es, self._old).items()):
            pages = changes.changed(self._es, self._old, shard, self._cursors.get(shard, -1), until)
            for number, (reached, hits) in enumerate(pages, 1):
                if overtaking:
                    self._check()
                self._copy(hits, "external_gte" if overtaking else "external")
                self._cursors[shard] = reached
                count += len(hits)
                self._on_copied(len(hits))
                if number % _NOTE_EVERY == 0:
                    self.note()
        self.note()
        return count

    def note(self, **notes: Any) -> None:
        """Write down how far it has come, and what else is to be noted on the new one."""
        self._notes |= notes | {"cursors": self._cursors}
        self._es.indices.put_mapping(index=self._new, meta=noted(self._notes))

    def drop_deleted(self) -> int:
        """Delete what is no longer in the old one; how many there were."""
        for index in (self._old, self._new):
            self._es.indices.refresh(index=index)
        if self.count(self._old) == self.count(self._new):
            return 0
        there = changes.ids(self._es, self._new)
        # All that was there came from the old one: so what the old one has not got now was deleted in it.
        self._check()
        gone = there.keys() - changes.ids(self._es, self._old).keys()
        # With its version: that of a plain delete would be higher, and refuse the document if it came back.
        deletes = [
            {"_op_type": "delete", "_id": id_, "version": there[id_], "version_type": "external_gte"}
            for id_ in sorted(gone)
        ]
        helpers.bulk(self._es, deletes, index=self._new)
        self._es.indices.refresh(index=self._new)
        return len(deletes)

    def count(self, index: str) -> int:
        """Documents that a search sees."""
        return int(self._es.count(index=index)["count"])

    def _copy(self, hits: Sequence[Hit], version_type: Literal["external", "external_gte"]) -> None:
        made = [renewed(self._name, hit["_source"], vector_of(hit)) for hit in hits]
        self.copied_as_it_is += sum(document is None for document in made)
        whole = zip(hits, made, strict=True)
        first = [(hit, self._as_it_is(hit) if document is None else document) for hit, document in whole]
        refused = self._write(first, version_type)
        self.copied_as_it_is += len(refused)
        # What today's document has and the old one had not may be what is refused.
        refused = self._write([(hit, self._as_it_is(hit)) for hit, _ in refused], version_type)
        if refused:
            hit, reason = refused[0]
            raise UserError(
                f"{self._new} refuses {len(refused)} documents of {self._old}, the first is {hit['_id']}: {reason}. "
                f"Nothing has changed: {self._old} stays in use"
            )

    def _as_it_is(self, hit: Hit) -> dict[str, Any]:
        source = dict(hit["_source"])
        if isinstance(source.get("reading"), dict):
            source |= source["reading"].get(LEFT_OUT, {})
        vector = vector_of(hit)
        return known_only(source | ({"embedding": vector} if vector else {}), self._mappings)

    def _write(self, documents: Iterable[tuple[Hit, dict[str, Any]]], version_type: str) -> list[tuple[Hit, str]]:
        """Those that were refused, and why. One that is newer in its place is none."""
        hits, actions = [], []
        for hit, source in documents:
            hits.append(hit)
            actions.append(
                {"_id": hit["_id"], "version": hit["_version"], "version_type": version_type, "_source": source}
            )
        results = helpers.streaming_bulk(
            self._es,
            actions,
            index=self._new,
            max_chunk_bytes=_BYTES,
            max_retries=_TRIES,
            initial_backoff=0.5,
            max_backoff=30,
            raise_on_error=False,
        )
        refused = []
        for hit, (ok, result) in zip(hits, results, strict=True):
            item = result["index"]
            if ok or item["status"] == 409:
                continue
            if item["status"] == 429 or item["status"] >= 500:
                raise UserError(
                    f"Elasticsearch takes no documents for {self._new} ({item['status']}: {item['error']}). "
                    "Run it again when it does: it goes on from here"
                )
            refused.append((hit, str(item["error"])))
        return refused
