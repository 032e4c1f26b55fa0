"""Gives Elasticsearch the users that the other containers come as. Safe to run again.

`elastic` (password: ELASTIC_PASSWORD) can do everything and is used by people and by this script only. Kibana comes as
the built-in `kibana_system` (KIBANA_PASSWORD); polywire's stages come as the user of their settings, whose role reaches
as far as the indices of the prefix.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import httpx

from runtime.settings import Settings

PATIENCE = 180.0
"""Seconds: a new node answers some time before its security index does."""


def role(prefix: str) -> dict[str, Any]:
    """What a stage may do: keep its templates and indices, ask for the health, try the analysers there are."""
    return {
        "cluster": ["monitor", "manage_index_templates", "cluster:admin/analyze"],
        "indices": [{"names": [f"{prefix}-*"], "privileges": ["all"]}],
    }


def steps(settings: Settings, kibana_password: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and body of each request, in order."""
    user, password = settings.elasticsearch_username, settings.elasticsearch_password
    if not user or not password:
        raise SystemExit("POLYWIRE_ELASTICSEARCH_USERNAME and POLYWIRE_ELASTICSEARCH_PASSWORD must be set")
    member = {"password": password.get_secret_value(), "roles": [user], "full_name": "polywire's stages"}
    return [
        ("POST", "/_security/user/kibana_system/_password", {"password": kibana_password}),
        ("PUT", f"/_security/role/{user}", role(settings.index_prefix)),
        ("PUT", f"/_security/user/{user}", member),
    ]


def send(client: httpx.Client, method: str, path: str, body: dict[str, Any], deadline: float) -> None:
    """One request, again while Elasticsearch is not ready.

    Raises:
        SystemExit: it refused, or was not ready in time; the message says which.
    """
    while True:
        try:
            answer = client.request(method, path, json=body)
        except httpx.TransportError as error:
            problem = str(error)
        else:
            if answer.is_success:
                return
            problem = f"{answer.status_code} {answer.text[:500]}"
            if answer.status_code not in {408, 429} and answer.status_code < 500:
                raise SystemExit(f"Elasticsearch refuses {method} {path}: {problem}")
        if time.monotonic() > deadline:
            raise SystemExit(f"Elasticsearch was not ready for {method} {path} in time: {problem}")
        time.sleep(1)


def main() -> None:
    settings = Settings()
    deadline = time.monotonic() + PATIENCE
    everything = ("elastic", os.environ["ELASTIC_PASSWORD"])
    with httpx.Client(base_url=settings.elasticsearch_url, auth=everything, timeout=30, trust_env=False) as client:
        for method, path, body in steps(settings, os.environ["KIBANA_PASSWORD"]):
            send(client, method, path, body, deadline)
            print(f"done: {method} {path}", file=sys.stderr)


if __name__ == "__main__":
    main()
