"""A TCP proxy before a Kafka broker: clients that begin here stay here, and it swallows or cuts what a test says."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading


class KafkaProxy:
    """`bootstrap` leads to the broker at `target` (host:port), whose address in answers is replaced by the proxy's.

    `swallow`: what clients send goes nowhere and nothing is answered, as on a line that is cut without a word.
    `refuse`: who connects is taken and put out at once, as by a proxy with nothing behind it.
    `delay`: seconds that each answer is held back.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.partition(":")
        self._target = host, int(port)
        self.swallow = self.refuse = False
        self.delay = 0.0
        self.connections = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        own = self._listener.getsockname()[1]
        self.bootstrap = f"127.0.0.1:{own}"
        self._told, self._tell = host.encode() + struct.pack(">i", int(port)), b"127.0.0.1" + struct.pack(">i", own)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                if self.refuse:
                    client.close()
                    continue
                try:
                    broker = socket.create_connection(self._target)
                except OSError:
                    client.close()
                    continue
                self._pairs.append((client, broker))
                threading.Thread(target=self._requests, args=(client, broker), daemon=True).start()
                threading.Thread(target=self._answers, args=(broker, client), daemon=True).start()

    def _requests(self, client: socket.socket, broker: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := client.recv(65_536):
                if not self.swallow:
                    broker.sendall(content)
        _end(client, broker)

    def _answers(self, broker: socket.socket, client: socket.socket) -> None:
        # Whole answers, in which the address is replaced by one of the same length.
        stream = broker.makefile("rb")
        with contextlib.suppress(OSError, ValueError):
            while len(size := stream.read(4)) == 4:
                answer = stream.read(struct.unpack(">i", size)[0])
                threading.Event().wait(self.delay)
                if not self.swallow:
                    client.sendall(size + answer.replace(self._told, self._tell))
        _end(client, broker)

    def cut(self) -> None:
        """Reset every connection there is; new ones are taken."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for one in pair:
                with contextlib.suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            _end(*pair)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
