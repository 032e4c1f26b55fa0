"""Engines that somebody else runs: in compose, in production."""

from __future__ import annotations

import time
from collections.abc import Callable

from elasticsearch import ApiError, TransportError
from kafka.errors import KafkaError

from polywire.engines.base import EngineAddresses
from runtime.bus.clients import make_admin
from runtime.elastic import make_client
from runtime.errors import UserError
from runtime.settings import Settings

PATIENCE = 120.0
"""Seconds to wait for both: they are often started at the same time as we are."""
_ONE_TRY = 5.0
_PAUSE = 1.0


class ExternalEngine:
    """Only addresses; starting means waiting until both answer."""

    name = "external"
    durable = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def start(self) -> EngineAddresses:
        """See Engine.start. What does not answer yet is waited for, and why is told."""
        settings = self._settings
        deadline = time.monotonic() + PATIENCE
        _wait_for(f"Kafka at {settings.kafka_bootstrap}", "POLYWIRE_KAFKA_BOOTSTRAP=host:port", self._kafka, deadline)
        _wait_for(
            f"Elasticsearch at {settings.elasticsearch_url}", "POLYWIRE_ELASTICSEARCH_URL", self._elasticsearch,
            deadline,
        )  # fmt: skip
        return EngineAddresses(settings.kafka_bootstrap, settings.elasticsearch_url)

    def _kafka(self) -> str | None:
        try:
            make_admin(self._settings, patience=_ONE_TRY).close()
        except KafkaError as error:
            return str(error) or type(error).__name__
        return None

    def _elasticsearch(self) -> str | None:
        try:
            with make_client(self._settings, request_timeout=_ONE_TRY) as client:
                client.cluster.health(timeout="3s")
        except ApiError as error:
            if error.status_code in {401, 403}:  # no waiting mends that
                raise UserError(
                    f"Elasticsearch at {self._settings.elasticsearch_url} does not let us in ({error}); "
                    "set POLYWIRE_ELASTICSEARCH_USERNAME and _PASSWORD, or _API_KEY"
                ) from error
            return str(error)
        except TransportError as error:
            return str(error)
        return None

    def stop(self) -> None:
        """Not ours to stop."""

    def why_not_alive(self) -> str | None:
        """Not ours to watch: each stage tells of its own retries."""
        return None


def _wait_for(what: str, setting: str, why_not: Callable[[], str | None], deadline: float) -> None:
    """Until there is no reason why not. Raises UserError, which names the setting, when the time is over."""
    told = False
    while (reason := why_not()) is not None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise UserError(f"no {what} within {PATIENCE:.0f} s ({reason}); start it, or set {setting}")
        if not told:
            print(f"engines: waiting up to {left:.0f} s for {what}: {reason}", flush=True)
            told = True
        time.sleep(_PAUSE)
