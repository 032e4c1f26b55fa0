"""The loop is tried on the bus of the consumers."""

from tests.consumers.conftest import bus, start

__all__ = ["bus", "start"]
