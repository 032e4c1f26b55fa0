"""The Elasticsearch client, made from the settings."""

from __future__ import annotations

from typing import Any

from elasticsearch import Elasticsearch

from polywire.runtime.settings import Settings


def make_client(settings: Settings, **options: Any) -> Elasticsearch:
    """A client for `settings.elasticsearch_url`. Retries are the caller's: what is retried and how long differs."""
    config: dict[str, Any] = {"request_timeout": 30.0, "retry_on_timeout": False, "max_retries": 0}
    if settings.elasticsearch_api_key:
        config["api_key"] = settings.elasticsearch_api_key.get_secret_value()
    elif settings.elasticsearch_username:
        password = settings.elasticsearch_password
        config["basic_auth"] = (settings.elasticsearch_username, password.get_secret_value() if password else "")
    if settings.elasticsearch_ca_file:
        config["ca_certs"] = str(settings.elasticsearch_ca_file)
    config.update(options)
    return Elasticsearch(settings.elasticsearch_url, **config)
