"""Engines that somebody else runs: in compose, in production."""

from __future__ import annotations

from elasticsearch import ApiError, TransportError
from kafka.errors import KafkaError

from polywire.engines.base import EngineAddresses
from polywire.runtime.elastic import make_client
from polywire.runtime.errors import UserError
from polywire.runtime.kafka import make_admin
from polywire.runtime.settings import Settings

_PATIENCE = 10.0


class ExternalEngine:
    """Only addresses; starting means checking that both answer."""

    name = "external"
    durable = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def start(self) -> EngineAddresses:
        """See Engine.start."""
        settings = self._settings
        try:
            make_admin(settings, patience=_PATIENCE).close()
        except KafkaError as error:
            raise UserError(
                f"no Kafka at {settings.kafka_bootstrap} ({error}); set POLYWIRE_KAFKA_BOOTSTRAP=host:port"
            ) from error
        try:
            with make_client(settings) as client:
                client.cluster.health(timeout="5s")
        except (ApiError, TransportError) as error:
            raise UserError(
                f"no Elasticsearch at {settings.elasticsearch_url} ({error}); set POLYWIRE_ELASTICSEARCH_URL"
            ) from error
        return EngineAddresses(settings.kafka_bootstrap, settings.elasticsearch_url)

    def stop(self) -> None:
        """Not ours to stop."""

    def why_not_alive(self) -> str | None:
        """Not ours to watch: each stage tells of its own retries."""
        return None
