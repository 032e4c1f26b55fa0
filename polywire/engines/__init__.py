"""Engines: a Kafka and an Elasticsearch to run on. `embedded` to try it, `jvm` for the real ones, `external`."""

from __future__ import annotations

from polywire.engines.base import Engine, EngineAddresses
from runtime.settings import Settings

__all__ = ["Engine", "EngineAddresses", "make_engine"]


def make_engine(name: str, settings: Settings) -> Engine:
    """The engine of that name: embedded, jvm or external."""
    if name == "embedded":
        from polywire.engines.embedded import EmbeddedEngine

        return EmbeddedEngine(settings)
    if name == "jvm":
        from polywire.engines.jvm import JvmEngine

        return JvmEngine(settings)
    if name == "external":
        from polywire.engines.external import ExternalEngine

        return ExternalEngine(settings)
    raise ValueError(f"no engine {name!r}")
