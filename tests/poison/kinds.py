"""Messages that can never work, in kinds, for every topic: each with the words that the reason in its dead letter has.

`poison(topic, n)` gives the n-th; a kind comes again with other places and sizes as n grows. All follow from a message
of `schemas/examples`, which is good until one thing is done to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from schemas.topics import ALERTS, ANALYZED, CLUSTERED, CORRECTIONS, ENRICHED, RAW, STORIES, SUBSCRIPTIONS, Topic

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
TOPICS = (RAW, ANALYZED, CLUSTERED, ENRICHED, STORIES, CORRECTIONS, SUBSCRIPTIONS, ALERTS)
ARTICLES = frozenset({RAW.name, ANALYZED.name, CLUSTERED.name, ENRICHED.name})

_KEY_FIELD = {
    RAW.name: "id", ANALYZED.name: "id", CLUSTERED.name: "story_id", ENRICHED.name: "story_id", STORIES.name: "id",
    CORRECTIONS.name: "story_id", SUBSCRIPTIONS.name: "id", ALERTS.name: "subscription_id",
}  # fmt: skip
_TIME_FIELD = {STORIES.name: "last_seen", CORRECTIONS.name: "at", SUBSCRIPTIONS.name: "created", ALERTS.name: "at"}
KEY_IS_CHECKED = frozenset({RAW.name, ANALYZED.name, CLUSTERED.name, CORRECTIONS.name, SUBSCRIPTIONS.name})

Fields = dict[str, Any]


@dataclass(frozen=True)
class Poison:
    """One bad message, and how it is put on its topic."""

    kind: str
    key: bytes | None
    value: bytes | None
    reason: str
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    timestamp: int | None = None
    """Milliseconds since 1970; None: the client's."""
    codec: str | None = None


@cache
def _example(topic: str) -> str:
    return next(iter(sorted((EXAMPLES / topic).glob("*.json")))).read_text("utf-8")


def good(topic: Topic, n: int) -> tuple[bytes, Fields]:
    """The n-th valid message of a topic, with its key."""
    fields: Fields = json.loads(_example(topic.name))
    fields["id"] = f"poison-{topic.name.replace('.', '-')}-{n:05d}"
    moment = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    if topic.name in ARTICLES:
        fields |= {
            "collected": moment,
            "title": f"Report {n} of its kind",
            "text": f"What happened in case {n * 7919}.",
        }
        fields |= {"published": None, "url": f"https://poison.example/{topic.name}/{n}"}
    if topic.name in {ANALYZED.name, CLUSTERED.name, ENRICHED.name}:
        # A direction of its own: each is a story of its own to the clusterer.
        vector = [0.0] * 384
        vector[n % 384] = vector[(n * 7 + 191) % 384] = 0.70711
        fields |= {"embedding": vector, "entities": [], "deals": [], "arms_deal": False}
        fields |= {"arms_deal_score": 0.1}
    if topic.name in {CLUSTERED.name, ENRICHED.name, ALERTS.name}:
        fields |= {"story_id": f"s-poison-{topic.name.replace('.', '-')}-{n:05d}"}
    if topic is CORRECTIONS:
        fields |= {"story_id": f"s-nobody-{n:05d}", "other_story_id": f"s-no-one-{n:05d}"}
    if topic is SUBSCRIPTIONS:
        fields |= {"query": "title:nothingofthekind", "channels": [{"kind": "terminal"}], "created": moment}
    return str(fields[_KEY_FIELD[topic.name]]).encode(), fields


def as_bytes(fields: Fields) -> bytes:
    return json.dumps(fields).encode()


def _raw(text: bytes, reason: str = "not JSON") -> Callable[[Topic, int], Poison]:
    return lambda topic, n: Poison("", good(topic, n)[0], text, reason)


def _with(reason: str, change: Callable[[Fields, Topic, int], object]) -> Callable[[Topic, int], Poison]:
    """A good message with one thing done to it; where `change` returns bytes, they are the value."""

    def make(topic: Topic, n: int) -> Poison:
        key, fields = good(topic, n)
        done = change(fields, topic, n)
        return Poison("", key, done if isinstance(done, bytes) else as_bytes(fields), reason)

    return make


def _inserted(text: bytes) -> Callable[[Fields, Topic, int], bytes]:
    """One more member at the end of the object, as raw bytes."""
    return lambda fields, topic, n: as_bytes(fields)[:-1] + b"," + text + b"}"


def _time(value: object) -> Callable[[Fields, Topic, int], None]:
    return lambda fields, topic, n: fields.update({_TIME_FIELD.get(topic.name, "collected"): value})


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Places in a message at every level, but for `schema_version` and what is null; one number of an embedding."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for step, inner in items:
        if inner is not None and step not in {"schema_version", "meta", "titles", "spellings"}:
            yield from _leaves(inner, (*path, step))


def _wrong_type(fields: Fields, topic: Topic, n: int) -> None:
    places = list(_leaves(fields))
    *way, last = places[n * 7 % len(places)]
    inner: Any = fields
    for step in way:
        inner = inner[step]
    was = inner[last]
    inner[last] = {"an": "object"} if not isinstance(was, dict) else ["an", "array"]


def _without(fields: Fields, topic: Topic, n: int) -> None:
    assert topic.model is not None
    required = [name for name, info in topic.model.model_fields.items() if info.is_required()]
    del fields[required[n % len(required)]]


def _null(fields: Fields, topic: Topic, n: int) -> None:
    assert topic.model is not None
    required = [name for name, info in topic.model.model_fields.items() if info.is_required()]
    fields[required[n % len(required)]] = None


def _id(text: str) -> Callable[[Topic, int], Poison]:
    """An id that cannot be one, under its own key, so that it is the id that is refused."""

    def make(topic: Topic, n: int) -> Poison:
        _, fields = good(topic, n)
        name = _KEY_FIELD[topic.name]
        fields[name] = text
        return Poison("", text.encode() or b"-", as_bytes(fields), f"{name}:")

    return make


def _carried(**how: Any) -> Callable[[Topic, int], Poison]:
    """Junk whose envelope is odd."""
    return lambda topic, n: Poison("", good(topic, n)[0], b"junk", "not JSON", **how)


def _deep(opening: bytes, closing: bytes) -> Callable[[Topic, int], Poison]:
    # All deep, a few very deep: what is sent over and over must not fill the engine's memory.
    def make(topic: Topic, n: int) -> Poison:
        depth = 100_000 if n % 5 == 0 else 2_000
        return Poison("", good(topic, n)[0], opening * depth + b"1" + closing * depth, "not JSON")

    return make


EVERYWHERE: dict[str, Callable[[Topic, int], Poison]] = {
    "not JSON": _raw(b"this is not JSON"),
    "cut off": _with("not JSON", lambda f, t, n: as_bytes(f)[: -20 - n % 50]),
    "not UTF-8": _raw(b'{"schema_version": 1, "title": "\xff\xfe"}'),
    "UTF-16": _with("not JSON", lambda f, t, n: json.dumps(f).encode("utf-16")),
    "a byte order mark": _with("not JSON", lambda f, t, n: b"\xef\xbb\xbf" + as_bytes(f)),
    "zeros": _raw(b"\0" * 1_000),
    "only spaces": _raw(b" \n\t" * 300),
    "a list": _raw(b"[1, 2, 3]", "not a JSON object"),
    "a number": _raw(b"42", "not a JSON object"),
    "null in words": _raw(b"null", "not a JSON object"),
    "two messages in one": _with("not JSON", lambda f, t, n: as_bytes(f) * 2),
    "a comma too many": _with("not JSON", lambda f, t, n: as_bytes(f)[:-1] + b",}"),
    "arrays without end": _deep(b"[", b"]"),
    "objects without end": _deep(b'{"a":', b"}"),
    "opened and never closed": _raw(b"[{" * 50_000),
    "half a surrogate pair": _with("not JSON", _inserted(b'"x": "\\ud83d"')),
    "NaN": _with("not JSON", _inserted(b'"x": NaN')),
    "minus infinity": _with("not JSON", _inserted(b'"x": -Infinity')),
    "10^400 in words": _with("not JSON", _inserted(b'"x": 1e400')),
    "10^400 in digits": _with("not JSON", _inserted(b'"x": 1' + b"0" * 400)),
    "the schema version twice": _with("schema_version 7", _inserted(b'"schema_version": 7')),
    "no schema version": _with("schema_version is missing", lambda f, t, n: f.pop("schema_version") and None),
    "a schema version of the future": _with("schema_version", lambda f, t, n: f.update(schema_version=2 + n)),
    "a schema version that is a list": _with("schema_version", lambda f, t, n: f.update(schema_version=[1])),
    "a schema version that is an object": _with("schema_version", lambda f, t, n: f.update(schema_version={"1": 1})),
    "a schema version in words": _with("schema_version", lambda f, t, n: f.update(schema_version="1" * (1 + n * 999))),
    "a field is missing": _with("", _without),
    "a field is null": _with("", _null),
    "a wrong type at some level": _with("", _wrong_type),
    "a time that is none": _with("datetime", _time("2026-13-45T99:00:00Z")),
    "a time in the year 0": _with("datetime", _time("0000-01-01T00:00:00Z")),
    "a time before the year 1": _with("years 1 and 9999", _time("0001-01-01T00:00:00+09:00")),
    "a time after the year 9999": _with("years 1 and 9999", _time("9999-12-31T23:59:59-05:00")),
    "a time as a number": _with("ISO 8601", _time(1_772_323_200)),
    "a time as a number in words": _with("ISO 8601", _time("1772323200")),
    "an empty id": _id(""),
    "an id with a zero byte": _id("poison\0id-0001"),
    "an id with control characters": _id("poison\x1b[31m\r\nid"),
    "an id of 100,000 characters": _id("x" * 100_000),
    "junk under a key of zeros": lambda t, n: Poison("", b"\0" * 8, b"junk", "not JSON"),
    "junk with huge headers": _carried(headers=[(f"h{i}", b"x" * 20_000) for i in range(5)]),
    "junk put back 10^5000 times": _carried(headers=[("polywire-replays", b"9" * 5_000)]),
    "junk put back minus one times": _carried(headers=[("polywire-replays", b"-1")]),
    "junk from before 1970": _carried(timestamp=0),
    "junk from the year 5000": _carried(timestamp=95_617_584_000_000),
    "junk in gzip": _carried(codec="gzip"),
    "junk in lz4": _carried(codec="lz4"),
    "junk in snappy": _carried(codec="snappy"),
    "junk in zstd": _carried(codec="zstd"),
}  # fmt: skip

_ARTICLE: dict[str, Callable[[Topic, int], Poison]] = {
    "neither title nor text": _with("title or a text", lambda f, t, n: f.update(title=" ", text="\n")),
    "a title of 3 MB": _with("title:", lambda f, t, n: f.update(title="x" * (3_000_000 if n == 0 else 3_000))),
    "a text of 5 MB": _with("text:", lambda f, t, n: f.update(text="word " * 1_000_000) if n == 0 else _text(f)),
    "meta that nests": _with("meta.a:", lambda f, t, n: f.update(meta={"a": {"b": ["c"]}})),
}  # fmt: skip


def _text(fields: Fields) -> None:
    fields["text"] = 17


_FUTURE = {
    "collected in the year 9000": _with("future", lambda f, t, n: f.update(collected="9000-01-01T00:00:00Z")),
    "collected next week": _with(
        "future", lambda f, t, n: f.update(collected=(datetime.now(UTC) + timedelta(days=7)).isoformat())
    ),
}
_DEAL: Fields = {
    "act": "sale", "status": "reported", "supplier": ["Q1"], "recipient": ["Q2"], "weapons": ["Q3"], "score": 0.5,
    "evidence": {"start": 0, "end": 5, "text": "It sold."},
}  # fmt: skip


def _deal(**fields: Any) -> Callable[[Fields, Topic, int], None]:
    return lambda f, t, n: f.update(deals=[{**_DEAL, **fields}])


_READ: dict[str, Callable[[Topic, int], Poison]] = {
    "an embedding of 3 numbers": _with("embedding:", lambda f, t, n: f.update(embedding=[1.0, 0.0, 0.0])),
    "an embedding of 385 numbers": _with("embedding:", lambda f, t, n: f["embedding"].append(0.0)),
    "an embedding of words": _with("embedding.", lambda f, t, n: f.update(embedding=["NaN"] * 384)),
    "an embedding of 1e308": _with("embedding.", lambda f, t, n: f.update(embedding=[1e308] * 384)),
    "5,000 deals": _with("deals:", lambda f, t, n: f.update(deals=[_DEAL] * (5_000 if n == 0 else 201))),
    "an act that is none": _with("deals.0.act:", _deal(act="barter")),
    "evidence before the text": _with("start:", _deal(evidence={"start": -1, "end": 5, "text": "x"})),
    "evidence after the text": _with("end:", _deal(evidence={"start": 0, "end": 10**9, "text": "x"})),
    "evidence backwards": _with("before it starts", _deal(evidence={"start": 9, "end": 5, "text": "x"})),
    "a sum of 10^308 in words": _with("amount", _deal(amount={"value": "inf", "currency": "USD", "text": "much"})),
    "10^18 pieces": _with("quantity:", _deal(quantity=10**18)),
    "a score of 2": _with("arms_deal_score:", lambda f, t, n: f.update(arms_deal_score=2.0)),
    "a language of 40,000 letters": _with("language:", lambda f, t, n: f.update(language="x" * 40_000)),
}  # fmt: skip
_DECIDED: dict[str, Callable[[Topic, int], Poison]] = {
    "a version of 10^30": _with("version:", lambda f, t, n: f.update(version=10**30)),
    "a version below 0": _with("version:", lambda f, t, n: f.update(version=-5)),
}
_ENRICHED: dict[str, Callable[[Topic, int], Poison]] = {
    "a story of 10^12 articles": _with("article_count:", lambda f, t, n: f["story"].update(article_count=10**12)),
    "an id of another article": _id("somebody else's"),
}
_STORY: dict[str, Callable[[Topic, int], Poison]] = {
    "a version of 10^30": _with("version:", lambda f, t, n: f.update(version=10**30)),
    "10^12 articles": _with("article_count:", lambda f, t, n: f.update(article_count=10**12)),
    "a language of 40,000 letters": _with("languages.0:", lambda f, t, n: f.update(languages=["x" * 40_000])),
    "a headline in a language of 40,000 letters": _with("titles", lambda f, t, n: f.update(titles={"x" * 40_000: "t"})),
    "an act that is none": _with("deals.0.act:", lambda f, t, n: f["deals"][0].update(act="barter")),
    "10^18 pieces": _with("quantity:", lambda f, t, n: f["deals"][0].update(quantity=10**18)),
    "merged into nothing": _with("merged_into:", lambda f, t, n: f.update(merged_into="")),
}


def _recall(**fields: Any) -> Callable[[Fields, Topic, int], None]:
    return lambda f, t, n: f.update(kind="recall", articles=[{**good(CLUSTERED, n)[1], **fields}])


_CORRECTION: dict[str, Callable[[Topic, int], Poison]] = {
    "a kind that is none": _with("kind:", lambda f, t, n: f.update(kind="burn")),
    "a story merged with itself": _with("two stories", lambda f, t, n: f.update(other_story_id=f["story_id"])),
    "a recall of articles without vectors": _with("articles.0.embedding", _recall(embedding=[])),
    "a recall from the future": _with("future", _recall(collected="9000-01-01T00:00:00Z")),
}  # fmt: skip
_SUBSCRIPTION: dict[str, Callable[[Topic, int], Poison]] = {
    "a query that is none": _with("cannot be used", lambda f, t, n: f.update(query="title:(unclosed")),
    "a query of parentheses": _with("cannot be used", lambda f, t, n: f.update(query="(" * 1_900 + "x" + ")" * 1_900)),
    "a query of 1 MB": _with("query:", lambda f, t, n: f.update(query="x" * 1_000_000)),
    "a channel that is none": _with("channels.0.kind:", lambda f, t, n: f.update(channels=[{"kind": "pigeon"}])),
    "a webhook to nowhere": _with("url", lambda f, t, n: f.update(channels=[{"kind": "webhook"}])),
    "another's key": lambda t, n: Poison("", b"another", as_bytes(good(t, n)[1]), "key"),
}
_ALERT: dict[str, Callable[[Topic, int], Poison]] = {
    "a kind that is none": _with("kind:", lambda f, t, n: f.update(kind="old")),
    "a revision of 10^12": _with("revision:", lambda f, t, n: f.update(revision=10**12)),
    "a language of 40,000 letters": _with("language:", lambda f, t, n: f.update(language="x" * 40_000)),
    "10^12 articles": _with("article_count:", lambda f, t, n: f.update(article_count=10**12)),
}
_NO_KEY = {"junk under no key": lambda t, n: Poison("", None, b"junk", "not JSON")}
_OTHERS_KEY = {"another's key": lambda t, n: Poison("", b"somebody-else", as_bytes(good(t, n)[1]), "key")}
_EMPTY: dict[str, Callable[[Topic, int], Poison]] = {
    "an empty value": _raw(b"", "empty value"),
    "no value": lambda t, n: Poison("", good(t, n)[0], None, "empty value"),
}

_MORE: dict[str, tuple[dict[str, Callable[[Topic, int], Poison]], ...]] = {
    RAW.name: (_EMPTY, _NO_KEY, _ARTICLE, _FUTURE, _OTHERS_KEY),
    ANALYZED.name: (_EMPTY, _NO_KEY, _ARTICLE, _FUTURE, _OTHERS_KEY, _READ),
    CLUSTERED.name: (_EMPTY, _NO_KEY, _ARTICLE, _OTHERS_KEY, _READ, _DECIDED),
    ENRICHED.name: (_EMPTY, _NO_KEY, _ARTICLE, _READ, _DECIDED, _ENRICHED),
    STORIES.name: (_EMPTY, _STORY),
    CORRECTIONS.name: (_EMPTY, _NO_KEY, _CORRECTION, _OTHERS_KEY),
    SUBSCRIPTIONS.name: (_SUBSCRIPTION,),
    ALERTS.name: (_EMPTY, _NO_KEY, _ALERT),
}


def kinds(topic: Topic) -> dict[str, Callable[[Topic, int], Poison]]:
    """Every kind for a topic, by its name."""
    found = dict(EVERYWHERE)
    for more in _MORE[topic.name]:
        found |= more
    return found


def poison(topic: Topic, n: int) -> Poison:
    """The n-th bad message of a topic."""
    names = list(kinds(topic).items())
    name, make = names[n % len(names)]
    made = make(topic, n // len(names))
    return Poison(name, made.key, made.value, made.reason, made.headers, made.timestamp, made.codec)
