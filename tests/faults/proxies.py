"""A line to a server that hangs, breaks, delays, or answers in the server's place that it has no time."""

from __future__ import annotations

import asyncio
import re
import threading
from contextlib import suppress

_DELAY = 0.15
"""Seconds, for each piece of either way."""
_PIECE = 64 * 1024


class Line:
    """A TCP proxy on loopback. `port`: where it listens.

    Its ways: `pass`; `hang`: takes everything, hands on nothing until it passes again; `reset`: every connection, also
    a new one, is broken off; `delay`; `429` and `503`: every HTTP request is answered so, and does not arrive.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._way = "pass"
        self._connections: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        opened = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = opened.result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def goes(self, way: str) -> None:
        """From now on."""
        asyncio.run_coroutine_threadsafe(self._go(way), self._loop).result(10)

    def close(self) -> None:
        self.goes("reset")
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _end(self) -> None:
        self._server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _go(self, way: str) -> None:
        self._way = way
        if way == "hang":
            self._flows.clear()
        else:
            self._flows.set()
        if way in {"reset", "429", "503"}:
            for writer in list(self._connections):
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            await self._flows.wait()
            if self._way in {"429", "503"}:
                await _refuse(reader, writer, self._way)
            elif self._way != "reset":
                await self._connect(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # either end had enough, which is what this is for
        finally:
            self._connections.discard(writer)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            ways = [asyncio.create_task(self._pump(reader, forth)), asyncio.create_task(self._pump(back, writer))]
            _, pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in pending:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            forth.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(_PIECE):
                if self._way == "delay":
                    await asyncio.sleep(_DELAY)
                await self._flows.wait()
                writer.write(piece)
                await writer.drain()


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: str) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if length:
        await reader.readexactly(int(length[1]))
    body = b'{"error":{"type":"es_rejected_execution_exception","reason":"as planned"}}'
    writer.write(
        f"HTTP/1.1 {status} As Planned\r\nContent-Type: application/json\r\nX-Elastic-Product: Elasticsearch\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
