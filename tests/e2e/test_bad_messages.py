"""Twenty kinds of bad message on the bus: each ends in the dead letters with its reason, or is valid and accepted;
the good ones around them go through."""

from __future__ import annotations

import json
from typing import Any

import pytest

from polywire.runtime.deadletters import DeadLetter
from schemas.topics import DEADLETTERS, RAW
from tests.e2e.conftest import Polywire, eventually

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]


def article(number: int, **fields: Any) -> dict[str, Any]:
    whole = {
        "schema_version": 1,
        "id": f"bad-messages-{number:04d}",
        "source": "bad.example",
        "title": f"Message {number} of its kind",
        "text": f"A text about matter {number * 7919}.",
        "collected": "2026-04-01T00:00:00Z",
        **fields,
    }
    return {k: v for k, v in whole.items() if v is not ...}


def as_bytes(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


REFUSED: dict[str, tuple[bytes | None, str]] = {
    "not JSON": (b"this is not JSON", "not JSON"),
    "cut off": (as_bytes(article(1))[:-20], "not JSON"),
    "not UTF-8": (b'{"title": "\xff\xfe"}', "not JSON"),
    "empty value": (b"", "empty value"),
    "no value": (None, "empty value"),
    "a list": (b"[1, 2, 3]", "not a JSON object"),
    "a number": (b"42", "not a JSON object"),
    "wrong type of title": (as_bytes(article(2, title=17)), "title"),
    "wrong type of text": (as_bytes(article(3, text=["a", "b"])), "text"),
    "no id": (as_bytes(article(4, id=...)), "id: Field required"),
    "no source": (as_bytes(article(5, source=...)), "source: Field required"),
    "no time": (as_bytes(article(6, collected=...)), "collected: Field required"),
    "a time that is none": (as_bytes(article(7, collected="soon")), "collected"),
    "neither title nor text": (as_bytes(article(8, title="", text=" ")), "title or a text"),
    "5 MB of text": (as_bytes(article(9, text="word " * 1_000_000)), "text"),
    "no schema version": (as_bytes(article(10, schema_version=...)), "schema_version is missing"),
    "a schema version of the future": (as_bytes(article(11, schema_version=999)), "schema_version 999"),
    "deep nesting": (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, ""),
    "half a surrogate pair": (b'{"schema_version": 1, "title": "\\ud83d"}', "not JSON"),
    "another article's key": (as_bytes(article(12)), "key"),
}
ACCEPTED = {
    "control characters": article(101, text="bell \u0007, null \u0000, escape \u001b in a text"),
    "a field of the future": article(102, mood={"of": ["the", "future"]}),
    "no key": article(103),
    "no title": article(104, title=...),
    "no text": article(105, text=...),
    "nothing but emoji": article(106, title="🚀🚀🚀", text="🔥"),
    "a language that is none": article(107, language="xx-nonsense"),
    "the longest text": article(108, text="long " * 199_000),
}


def test_each_bad_message_has_its_reason_and_good_ones_pass(polywire: Polywire) -> None:
    sent: dict[tuple[int, int], str] = {}
    expected = set()
    number = 1_000
    for name, (value, _) in REFUSED.items():
        key = b"somebody-else" if "key" in name or value is None else None
        record = polywire.producer.send(RAW.name, key=key, value=value).get(timeout=60)
        sent[(record.partition, record.offset)] = name
        number += 1
        good = article(number)
        polywire.producer.send(RAW.name, key=good["id"].encode(), value=as_bytes(good)).get(timeout=60)
        expected.add(good["id"])
    for name, good in ACCEPTED.items():
        key = None if name == "no key" else good["id"].encode()
        polywire.producer.send(RAW.name, key=key, value=as_bytes(good)).get(timeout=60)
        expected.add(good["id"])
    eventually(
        "the good messages in the index",
        lambda: polywire.article_documents(expected).keys() == expected,
    )

    def buried() -> dict[str, DeadLetter] | None:
        letters = {}
        for record in polywire.read(DEADLETTERS):
            letter = DeadLetter.parse(record.headers, record.value)
            name = sent.get((letter.partition, letter.offset)) if letter.topic == RAW.name else None
            if name:
                letters[name] = letter
        return letters if letters.keys() == REFUSED.keys() else None

    letters = eventually("every bad message among the dead letters", buried)
    for name, (value, reason) in REFUSED.items():
        letter = letters[name]
        assert reason in letter.reason, f"{name}: {letter.reason}"
        assert letter.reason
        assert letter.stage == "analyze"
        assert letter.value == value or (not letter.value and not value), f"{name}: the bytes are not those that came"
