"""Waits for Kibana, imports the saved objects, and fails where Kibana says that one of them did not go in.

KIBANA_URL and ELASTIC_PASSWORD come from the environment; the argument is the NDJSON file. Imported again, the objects
replace those of the same id.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import httpx

PATIENCE = 600.0
"""Seconds: on a small machine Kibana's first start prepares its own indices for minutes."""


def wait(client: httpx.Client, patience: float, pause: float = 3.0) -> None:
    """Until Kibana calls itself available.

    Raises:
        SystemExit: not in time; the message says what it answered last.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            answer = client.get("/api/status")
            level = answer.json()["status"]["overall"]["level"] if answer.is_success else f"{answer.status_code}"
        except (httpx.TransportError, ValueError, KeyError, TypeError) as error:
            level = f"{type(error).__name__}: {error}"
        if level == "available":
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"Kibana is not available after {patience:.0f} s: {level}")
        time.sleep(pause)


def load(client: httpx.Client, file: Path) -> int:
    """Import the file; returns how many objects went in.

    Raises:
        SystemExit: Kibana refused the file, or some of its objects: it says so in a 200 answer.
    """
    upload = {"file": (file.name, file.read_bytes(), "application/ndjson")}
    answer = client.post("/api/saved_objects/_import", params={"overwrite": "true"}, files=upload)
    if not answer.is_success:
        raise SystemExit(f"Kibana refuses {file.name}: {answer.status_code} {answer.text[:2000]}")
    result = answer.json()
    if result.get("success") is not True:
        raise SystemExit(f"Kibana did not take all of {file.name}: {answer.text[:2000]}")
    return int(result["successCount"])


def main(arguments: list[str]) -> None:
    login = ("elastic", os.environ["ELASTIC_PASSWORD"])
    with httpx.Client(
        base_url=os.environ["KIBANA_URL"], auth=login, headers={"kbn-xsrf": "polywire"}, timeout=60, trust_env=False
    ) as client:
        wait(client, PATIENCE)
        print(f"{load(client, Path(arguments[0]))} saved objects imported", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
