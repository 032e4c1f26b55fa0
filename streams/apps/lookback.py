"""Messages read again from the bus, by their offsets, beside the stream that reads them in turn.

A correction moves articles that were decided long ago, and the topic still has them; and what a stream leaves out is
fetched here (see streams.apps.faust.progress). Everything here blocks: call it in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

from kafka import KafkaConsumer, TopicPartition

from runtime.bus.clients import make_consumer
from runtime.bus.marks import Mark
from runtime.bus.reading import PATIENCE, between
from runtime.bus.source import Partition, Record
from runtime.bus.topic_ids import TopicIds, made_anew, warn_made_anew
from runtime.settings import Settings

_TIMEOUT_MS = int(PATIENCE * 1000)


class Lookback:
    """Reads what is on the topics, as nobody's member."""

    def __init__(self, settings: Settings, group: str) -> None:
        self._settings = settings
        self._group = group
        self._topic_ids = TopicIds(settings)

    def topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """See TopicIds.of."""
        return self._topic_ids.of(topics)

    def left_off(self, places: Iterable[Partition]) -> dict[Partition, tuple[int, Mark]]:
        """The next offset that the group has to handle on each partition, and what its last commit said beside it.

        The offset is that of the last commit, else the first. It is the first, too, where the topic ends before the
        commit, its log cut by a broker that lost a part of it; and where somebody made it anew.
        """
        tps = [TopicPartition(*place) for place in places]
        with self._reader(tps) as reader:
            first, end = reader.beginning_offsets(tps), reader.end_offsets(tps)
            ids = self.topic_ids(tp.topic for tp in tps)
            found = {}
            for tp in tps:
                commit = reader.committed(tp, metadata=True, timeout_ms=_TIMEOUT_MS)
                offset, mark = first[tp], Mark()
                if commit is not None and made_anew(Mark.decode(commit.metadata).topic_id, ids.get(tp.topic)):
                    warn_made_anew(tp.topic, tp.partition, commit.offset)
                elif commit is not None and first[tp] <= commit.offset <= end[tp]:
                    offset, mark = commit.offset, Mark.decode(commit.metadata)
                mark = replace(mark, topic_id=ids.get(tp.topic, mark.topic_id))
                found[tp.topic, tp.partition] = offset, mark
            return found

    def between(self, place: Partition, first: int, end: int, limit: int) -> list[Record]:
        """The messages from offset `first` to before `end`, in order, the first `limit` of those that the topic has.

        Raises:
            ConnectionError: the broker did not hand over what it says it has.
        """
        tp = TopicPartition(*place)
        with self._reader([tp]) as reader:
            return _read(reader, tp, range(first, end), _bounds(reader, tp), limit)

    def at(self, place: Partition, offsets: Iterable[int]) -> dict[int, bytes]:
        """The values at `offsets`; those that the topic no longer holds are absent.

        Raises:
            ConnectionError: the broker did not hand over a message it says it has.
        """
        tp = TopicPartition(*place)
        wanted = sorted(set(offsets))
        if not wanted:
            return {}
        with self._reader([tp]) as reader:
            held = _bounds(reader, tp)
            read = (_read(reader, tp, range(offset, offset + 1), held, 1) for offset in wanted)
            return {record.offset: record.value for records in read for record in records if record.value is not None}

    @contextmanager
    def _reader(self, tps: list[TopicPartition]) -> Iterator[KafkaConsumer]:
        reader = make_consumer(self._settings, self._group, ())
        try:
            reader.assign(tps)
            yield reader
        finally:
            reader.close(autocommit=False)


def _bounds(reader: KafkaConsumer, tp: TopicPartition) -> range:
    return range(reader.beginning_offsets([tp])[tp], reader.end_offsets([tp])[tp])


def _read(reader: KafkaConsumer, tp: TopicPartition, wanted: range, held: range, limit: int) -> list[Record]:
    first, end = max(wanted.start, held.start), min(wanted.stop, held.stop)
    return [Record.of(record) for record in islice(between(reader, tp, first, end, at_once=limit), limit)]
