"""Names of headers that are not UTF-8, as any producer may write them, are read all the same, with U+FFFD in them.

kafka-python 3.0.12 and aiokafka 0.14 raise in the middle of a fetch: no message of that fetch is handed over, and the
next fetch is the same. The partition stands still for good, and nothing that a stage does with a message can help it.

It relies on: `kafka.record.default_records.DefaultRecordBatch._read_msg`, which leaves its position alone where it
raises; `aiokafka.consumer.fetcher.MemoryRecords`, and the readers in Python beside those in C.
tests/runtime/bus/test_header_names.py fails where they have gone, or are no longer needed.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy
from kafka.record.default_records import DefaultRecordBatch


class _Lenient(bytearray):
    """Bytes whose slices decode to something, whatever they are."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return _Lenient(found) if isinstance(key, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:  # noqa: ARG002
        return bytes(self).decode(encoding, "replace")


def install() -> None:
    """Once a process, before its first client."""
    DefaultRecordBatch._read_msg = _leniently(DefaultRecordBatch._read_msg)
    fetcher.MemoryRecords = _Records


def _leniently(read: Any) -> Any:
    @functools.wraps(read)
    def again(batch: Any) -> Any:
        try:
            return read(batch)
        except UnicodeDecodeError:
            strict, batch._buffer = batch._buffer, _Lenient(batch._buffer)
            try:
                return read(batch)
            finally:
                batch._buffer = strict

    return again


class _Records:
    """aiokafka's batches of a fetch, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._records = MemoryRecords(data)
        self._taken = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        self._taken += 1
        return None if batch is None else _Batch(batch, self._data, self._taken)


class _Batch:
    """One of them: the `number`th of `data`, counted from 1."""

    def __init__(self, batch: Any, data: bytes, number: int) -> None:
        self._batch = batch
        self._data = data
        self._number = number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError:
            return iter(self._in_python())

    def _in_python(self) -> list[Any]:
        slices: Any = _MemoryRecordsPy(self._data)
        for _ in range(self._number - 1):
            slices._cache_next()
        batch: Any = _DefaultRecordBatchPy(slices._next_slice)
        batch._maybe_uncompress()
        batch._buffer = _Lenient(batch._buffer)
        return list(batch)
