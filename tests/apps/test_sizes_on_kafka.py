"""Messages as large as can be, by the real processes over a real broker: nothing stands still, nothing is remembered
that is not told."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from kafka import KafkaProducer

from polywire.supervision.process import StageProcess
from polywire.supervision.stages import ALERTER, ANALYZE, CLUSTER, ENRICH, INDEXER
from runtime.bus.clients import REQUEST_BYTES, create_topics
from runtime.bus.deadletters import DeadLetter
from runtime.settings import Settings
from schemas.articles import MAX_META, AnalyzedArticle, ClusteredArticle
from schemas.codec import encode
from schemas.topics import ANALYZED, CLUSTERED, DEADLETTERS, ENRICHED, RAW, STORIES, Topic
from streams.apps.faust.app import changelog
from streams.embedding import build_model
from tests.bus import records_of

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]
T = TypeVar("T")
HUGE = 40_000_000


@pytest.fixture(scope="module")
def stages(fresh_engine: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[StageProcess]]:
    base = Settings()
    build_model(base.cache_dir, None)
    create_topics(fresh_engine)
    folder = tmp_path_factory.mktemp("stages")
    environment = {
        "POLYWIRE_ENGINES": fresh_engine.engines,
        "POLYWIRE_KAFKA_BOOTSTRAP": fresh_engine.kafka_bootstrap,
        "POLYWIRE_ELASTICSEARCH_URL": str(fresh_engine.elasticsearch_url),
        "POLYWIRE_STATE_DIR": str(folder),
        "POLYWIRE_CACHE_DIR": str(base.cache_dir),
    }
    specs = (ANALYZE, CLUSTER, ENRICH, INDEXER, ALERTER)
    running = [StageProcess(spec, spec.name, environment, Path(folder) / f"{spec.name}.log") for spec in specs]
    for process in running:
        process.start()
    try:
        yield running
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20)


@pytest.fixture
def producer(fresh_engine: Settings) -> Iterator[KafkaProducer]:
    """Somebody else's, who compresses, and so may put what none of our clients would send."""
    servers = fresh_engine.kafka_bootstrap
    one = KafkaProducer(bootstrap_servers=servers, compression_type="gzip", max_request_size=4 * HUGE)
    yield one
    one.close(timeout=5)


@pytest.fixture
def eventually(stages: list[StageProcess]) -> Callable[[str, Callable[[], T]], T]:
    def wait(what: str, look: Callable[[], T]) -> T:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if found := look():
                return found
            time.sleep(0.3)
        states = "\n".join(f"{p.name}: {p.pid} {p.health()} {p.log_file.read_text()[-300:]}" for p in stages)
        pytest.fail(f"waited in vain for: {what}\n{states}")

    return wait


def letters(settings: Settings, topic: Topic) -> dict[tuple[str, int, int], DeadLetter]:
    """The dead letters from a topic, by stage and place."""
    found = [DeadLetter.parse(record.headers, record.value) for record in records_of(settings, DEADLETTERS)]
    return {(one.stage, one.partition, one.offset): one for one in found if one.topic == topic.name}


def put(producer: KafkaProducer, topic: Topic, key: str, value: bytes) -> tuple[int, int]:
    record = producer.send(topic.name, key=key.encode(), value=value, partition=0).get(60)
    return record.partition, record.offset


def analyzed(name: str, **fields: Any) -> AnalyzedArticle:
    whole: dict[str, Any] = {
        "id": f"sizes-{name}",
        "source": "sizes.example",
        "title": f"About {name} and nothing else",
        "collected": datetime.now(UTC),
        "language": "en",
        "language_confidence": 0.9,
        "embedding": [1.0] + [0.0] * 383,
        **fields,
    }
    return AnalyzedArticle(**whole)


def clustered(name: str, **fields: Any) -> ClusteredArticle:
    decision = {"new_story": True, "candidates": 0}
    return ClusteredArticle(
        **{**dict(analyzed(name)), "story_id": f"story-{name}", "decision": decision, "version": 1, **fields}
    )


def raw(name: str, **fields: Any) -> bytes:
    return json.dumps(
        {
            "schema_version": 1,
            "id": f"sizes-{name}",
            "source": "sizes.example",
            "title": f"A word on {name}",
            "collected": datetime.now(UTC).isoformat(),
            **fields,
        }
    ).encode()


def filled(make: Callable[[str], bytes], spare: int) -> bytes:
    """What `make` makes of a text, so long that `spare` bytes are left of what our clients send."""
    return make("x" * (REQUEST_BYTES - spare - len(make(""))))


@pytest.mark.parametrize(("topic", "readers"), [(RAW, {"analyze"}), (ENRICHED, {"indexer", "alerter"})])
def test_forty_megabytes_that_gzip_makes_small_end_among_the_dead_letters_cut_short(
    topic: Topic, readers: set[str], fresh_engine: Settings, producer: KafkaProducer, eventually: Any
) -> None:
    huge = raw(f"huge-{topic.name}", meta={"x": "y" * HUGE})
    place = put(producer, topic, f"sizes-huge-{topic.name}", huge)
    after = put(producer, topic, "sizes-after", b"after it")
    wanted = {(stage, *where) for stage in readers for where in (place, after)}
    found = eventually(
        "both letters of each reader",
        lambda: here if wanted <= (here := letters(fresh_engine, topic)).keys() else None,
    )
    for stage in readers:
        letter = found[stage, *place]
        assert str(len(huge)) in letter.reason
        assert letter.value
        assert huge.startswith(letter.value)
        assert letter.cut_from == len(huge)
        assert letter.sha256 == hashlib.sha256(huge).hexdigest()
        assert found[stage, *after].value == b"after it"


def test_an_article_full_of_meta_goes_on_without_what_is_too_much(
    fresh_engine: Settings, producer: KafkaProducer, eventually: Any
) -> None:
    put(producer, RAW, "sizes-meta", filled(lambda x: raw("meta", meta={"desk": "kept", "x": x}), 100))

    def of(topic: Topic) -> list[Any]:
        return [json.loads(r.value) for r in records_of(fresh_engine, topic) if b'"sizes-meta"' in r.value[:2000]]

    (article,) = eventually("it is enriched", lambda: of(ENRICHED))
    assert article["meta"] == {"desk": "kept"}
    assert "1 of 2 entries" in article["notes"][0]
    assert str(MAX_META) in article["notes"][0]


def test_what_is_too_large_to_tell_is_not_remembered(
    fresh_engine: Settings, producer: KafkaProducer, eventually: Any
) -> None:
    def full(make: Callable[..., Any], name: str) -> bytes:
        return filled(lambda x: encode(make(name, notes=[x])), 300)

    first = put(producer, ANALYZED, "sizes-full-a", full(analyzed, "full-a"))
    second = put(producer, CLUSTERED, "story-full-c", full(clustered, "full-c"))
    put(producer, ANALYZED, "sizes-next", encode(analyzed("next")))
    put(producer, CLUSTERED, "story-later", encode(clustered("later")))
    after = {'{"schema_version":1,"id":"sizes-next"', '{"schema_version":1,"id":"sizes-later"'}
    eventually(
        "those after them are told",
        lambda: after <= {r.value[: r.value.find(b",", 20)].decode() for r in records_of(fresh_engine, ENRICHED)},
    )
    for stage, topic, place in (("cluster", ANALYZED, first), ("enrich", CLUSTERED, second)):
        reason = letters(fresh_engine, topic)[stage, *place].reason
        assert "too large for the bus" in reason
        assert "bytes" in reason
    remembered = [
        bytes(record.key or b"") + bytes(record.value or b"")
        for table in (
            changelog("cluster", "records", ANALYZED.partitions),
            changelog("enrich", "stories", CLUSTERED.partitions),
        )
        for record in records_of(fresh_engine, table)
    ]
    assert any(b"sizes-next" in each for each in remembered)
    assert any(b"story-later" in each for each in remembered)
    assert not any(b"full-a" in each or b"full-c" in each for each in remembered)


def test_a_story_of_articles_with_thousands_of_names_each_is_told(
    fresh_engine: Settings, producer: KafkaProducer, eventually: Any
) -> None:
    """Whole, what it would have to remember is more than the changelog takes."""
    count, names = 29, 2_000
    for number in range(count):
        long = f" of {number}, {'a long name ' * 25}"
        entities = [{"id": f"Q{number}{n:05d}", "type": "place", "name": f"{n}{long}"} for n in range(names)]
        one = clustered(f"rich-{number}", story_id="story-rich", entities=entities)
        assert count * len(encode(one)) > REQUEST_BYTES
        producer.send(CLUSTERED.name, key=b"story-rich", value=encode(one), partition=0)
    producer.flush(60)

    def newest() -> Any:
        told = [json.loads(r.value) for r in records_of(fresh_engine, STORIES) if r.key == b"story-rich"]
        return told[-1] if told and told[-1]["article_count"] == count else None

    story = eventually("all articles are told", newest)
    assert story["left_out"] > count * names * 0.8
    last = [r.value for r in records_of(fresh_engine, ENRICHED) if r.key == b"story-rich"][-1]
    assert len(json.loads(last)["entities"]) == names
    assert "names and deals" in json.loads(last)["notes"][-1]
    remembered = records_of(fresh_engine, changelog("enrich", "stories", CLUSTERED.partitions))
    assert sum(len(r.value or b"") for r in remembered if b"story-rich" in r.key) < count * 40_000
