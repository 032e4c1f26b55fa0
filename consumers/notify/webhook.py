"""Delivery by webhook: a signed POST.

The body is JSON: `{"type": "alert.new" | "alert.update", "alert": {…}}`, the alert as on its topic. The headers:

- `Polywire-Timestamp`: seconds since 1970, of this try;
- `Polywire-Signature`: `v1=` and the HMAC-SHA256, in hexadecimal, of the timestamp, a full stop and the body's bytes,
  under the shared secret (`POLYWIRE_WEBHOOK_SECRET`);
- `Idempotency-Key`: the alert's id, a colon and its revision: the same for every try of the same news.

A receiver checks the signature, refuses timestamps that are minutes old, and ignores keys it has seen
(`verify` does the first two).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version

import httpx
import orjson

from consumers.notify.outbox import Delivery
from runtime.netguard import Forbidden, check_url

TIMESTAMP_HEADER, SIGNATURE_HEADER, KEY_HEADER = "Polywire-Timestamp", "Polywire-Signature", "Idempotency-Key"
TIMEOUT = 15.0
"""Seconds for a delivery. A receiver that needs longer should answer 202 and work afterwards."""
LONGEST_WISH = 3600.0
"""Seconds: a Retry-After beyond this is not followed to the letter."""
_USER_AGENT = f"polywire/{version('polywire')}"
_TRANSIENT = frozenset({404, 408, 421, 425, 429})
"""404 among them: so a receiver answers that is being deployed anew. One that is gone for good says 410."""


@dataclass(frozen=True)
class Answer:
    """What came of one try. `final`: no other try will change it."""

    ok: bool
    final: bool
    error: str = ""
    status: int | None = None
    retry_after: float = 0.0
    held: bool = False
    """It was not tried, and waits for `retry_after`; what comes after it for the same receiver does not."""
    dropped: bool = False
    """Nobody wants it any more: no failure, and nothing to be put back."""
    sent_to: str = ""
    """Where it went, where that is not where it was to go at first; as `Delivery.shown` has it."""


def body(delivery: Delivery) -> bytes:
    """What is posted."""
    return orjson.dumps({"type": f"alert.{delivery.alert.kind}", "alert": delivery.alert.model_dump(mode="json")})


def sign(secret: str, timestamp: str, content: bytes) -> str:
    """The value of the signature header."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + content, hashlib.sha256).hexdigest()
    return f"v1={digest}"


def verify(secret: str, headers: Mapping[str, str], content: bytes, *, now: float, tolerance: float = 300.0) -> bool:
    """What a receiver does: whether the signature is right and the timestamp within `tolerance` seconds of `now`.

    `headers` is looked up case-insensitively.
    """
    found = {name.lower(): value for name, value in headers.items()}
    timestamp = found.get(TIMESTAMP_HEADER.lower(), "")
    if not timestamp.isdigit() or abs(now - int(timestamp)) > tolerance:
        return False
    return hmac.compare_digest(found.get(SIGNATURE_HEADER.lower(), ""), sign(secret, timestamp, content))


async def post(client: httpx.AsyncClient, delivery: Delivery, secret: str | None) -> Answer:
    """One try. Never raises for what the receiver or the network does."""
    if not secret:  # it may be set any time: nothing is wrong with what is to be told, nor with the receiver
        return Answer(False, False, "no webhook secret is set (POLYWIRE_WEBHOOK_SECRET), so nothing can be signed")
    url = delivery.channel.url or ""
    content, timestamp = body(delivery), str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": _USER_AGENT,
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: sign(secret, timestamp, content),
        KEY_HEADER: delivery.idempotency_key,
    }
    try:
        check_url(url)
        # The client's own time-out is for each read: a receiver that drips its answer would never come to an end.
        # The body of the answer is not read: nothing in it matters, and it may have no end.
        async with asyncio.timeout(TIMEOUT), client.stream("POST", url, content=content, headers=headers) as answer:
            return _judge(answer)
    except TimeoutError:
        return Answer(False, False, f"no answer within {TIMEOUT:.0f} s")
    except (Forbidden, httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
        return Answer(False, True, str(error) or type(error).__name__)
    except (httpx.HTTPError, OSError) as error:
        return Answer(False, False, f"{type(error).__name__}: {error}".rstrip(": "))


def _judge(answer: httpx.Response) -> Answer:
    status = answer.status_code
    if answer.is_success:
        return Answer(True, True, status=status)
    transient = status >= 500 or status in _TRANSIENT
    error = f"the receiver answered {status} {answer.reason_phrase}".rstrip()
    wish = retry_after(answer.headers.get("Retry-After")) if transient else 0.0
    return Answer(False, not transient, error, status, wish)


def retry_after(value: str | None) -> float:
    """Seconds that a Retry-After header asks for, as a number or as a date; 0 where there is none."""
    if not value:
        return 0.0
    value = value.strip()
    if value.isdigit():
        return min(float(value), LONGEST_WISH)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WISH)
