"""The Elasticsearch client, made from the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from elastic_transport import Transport, TransportApiResponse
from elastic_transport.client_utils import DEFAULT
from elasticsearch import Elasticsearch
from elasticsearch.serializer import JsonSerializer, NdjsonSerializer, OrjsonSerializer

from runtime.settings import Settings

_limit: ContextVar[float | None] = ContextVar("limit", default=None)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Within it, a request that this thread makes is given up after so many seconds, if not sooner."""
    token = _limit.set(seconds)
    try:
        yield
    finally:
        _limit.reset(token)


class _Transport(Transport):
    def perform_request(self, *args: Any, request_timeout: Any = DEFAULT, **options: Any) -> TransportApiResponse:
        limit = _limit.get()
        if limit is not None:
            request_timeout = min(limit, request_timeout) if isinstance(request_timeout, int | float) else limit
        return super().perform_request(*args, request_timeout=request_timeout, **options)


class _Json(OrjsonSerializer):
    """By orjson, which takes a sixth of the time: half of a document is a vector. By the slower one what it refuses:
    halves of surrogate pairs, numbers beyond 64 bits."""

    def json_dumps(self, data: Any) -> bytes:
        try:
            return super().json_dumps(data)
        except TypeError:
            return JsonSerializer.json_dumps(self, data)


class _JsonLines(NdjsonSerializer, _Json):
    pass


_SERIALIZERS = {each.mimetype: each for each in (_Json(), _JsonLines())}


def make_client(settings: Settings, **options: Any) -> Elasticsearch:
    """A client for `settings.elasticsearch_url`. Retries are the caller's: what is retried and how long differs."""
    config: dict[str, Any] = {
        "transport_class": _Transport,
        "serializers": _SERIALIZERS,
        "request_timeout": 30.0,
        "retry_on_timeout": False,
        "max_retries": 0,
    }
    if settings.elasticsearch_api_key:
        config["api_key"] = settings.elasticsearch_api_key.get_secret_value()
    elif settings.elasticsearch_username:
        password = settings.elasticsearch_password
        config["basic_auth"] = (settings.elasticsearch_username, password.get_secret_value() if password else "")
    if settings.elasticsearch_ca_file:
        config["ca_certs"] = str(settings.elasticsearch_ca_file)
    config.update(options)
    return Elasticsearch(settings.elasticsearch_url, **config)
