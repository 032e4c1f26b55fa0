"""What was written to an index since some point, in the order of its sequence numbers, each document as it is now.

Elasticsearch numbers every write to a shard. A document that changes while others are read gets a higher number and is
read again later: so nothing is missed, without a point in time to hold on to, and a number is all that has to be
remembered to go on from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch

from consumers.index.documents import VECTOR_FIELDS

PAGE = 200
"""Documents at a time: an article takes 10 to 20 kB, a long one a few MB."""
_IDS = 5_000

Hit = Mapping[str, Any]
"""With `_id`, `_version`, `_seq_no`, `_source` and, for a vector, `fields`."""


def checkpoints(es: Elasticsearch, index: str) -> dict[str, int]:
    """By shard, the number up to which every write is done; a search after this call sees them all.

    -1: nothing was ever written.
    """
    shards = es.indices.stats(index=index, level="shards")["indices"][index]["shards"]
    found = {shard: max(copy["seq_no"]["global_checkpoint"] for copy in copies) for shard, copies in shards.items()}
    es.indices.refresh(index=index)
    return found


def changed(es: Elasticsearch, index: str, shard: str, after: int, until: int) -> Iterator[tuple[int, list[Hit]]]:
    """Pages of the documents of a shard whose last write is in (after, until], each with the number it reaches to."""
    while after < until:
        try:
            hits = _page(es, index, shard, after, until)
        except BadRequestError as error:
            if "_seq_no" not in str(error):
                raise
            yield from _without_order(es, index, after, until)
            return
        after = hits[-1]["_seq_no"] if len(hits) == PAGE else until
        yield after, hits


def _page(es: Elasticsearch, index: str, shard: str, after: int, until: int) -> list[Hit]:
    answer = es.search(
        index=index,
        preference=f"_shards:{shard}",
        query={"range": {"_seq_no": {"gt": after, "lte": until}}},
        sort=[{"_seq_no": "asc"}],
        size=PAGE,
        version=True,
        seq_no_primary_term=True,
        fields=VECTOR_FIELDS,
        allow_partial_search_results=False,
    )
    return list(answer["hits"]["hits"])


def _without_order(es: Elasticsearch, index: str, after: int, until: int) -> Iterator[tuple[int, list[Hit]]]:
    """For the embedded engine, which numbers its writes and cannot be asked for them: one shard, all in memory."""
    order = sorted((hit["_seq_no"], hit["_id"]) for hit in _everything(es, index))
    due = [one for one in order if after < one[0] <= until]
    for first in range(0, len(due), PAGE):
        page = due[first : first + PAGE]
        documents = es.mget(index=index, ids=[id_ for _, id_ in page])["docs"]
        yield page[-1][0], [each for each in documents if each["found"]]
    yield until, []


def ids(es: Elasticsearch, index: str) -> dict[str, int]:
    """The version of every document, by its id."""
    return {hit["_id"]: hit["_version"] for hit in _everything(es, index)}


def _everything(es: Elasticsearch, index: str) -> Iterator[Hit]:
    """Every document, without what is in it, at one point in time."""
    point = es.open_point_in_time(index=index, keep_alive="2m")["id"]
    try:
        after: list[Any] | None = None
        while True:
            answer = es.search(
                pit={"id": point, "keep_alive": "2m"},
                sort=[{"_shard_doc": "asc"}],
                size=_IDS,
                source=False,
                version=True,
                seq_no_primary_term=True,
                search_after=after,
                allow_partial_search_results=False,
            )
            point, hits = answer["pit_id"], answer["hits"]["hits"]
            yield from hits
            if len(hits) < _IDS:
                return
            after = hits[-1]["sort"]
    finally:
        es.close_point_in_time(id=point)
