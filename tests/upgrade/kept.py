"""What a release leaves behind on Kafka, in Elasticsearch and in its state folder: read from there, and put back.

A file of lines of JSON, packed with xz, whose window is wide enough that an article's vector, which goes over four
topics and into the index, is stored once. Bytes are UTF-8; those that are not are kept by surrogate escapes.
"""

from __future__ import annotations

import json
import lzma
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch, NotFoundError, helpers
from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.structs import OffsetAndMetadata

from runtime.bus.clients import make_admin, make_consumer
from runtime.elastic import make_client
from runtime.settings import Settings

_RUN_FILE, _FEEDS_FILE = "run.json", "feeds.sqlite"
_LARGEST = 17 * 1024 * 1024
_STATE = "{state folder}"
_COMMON = "world"
_JSON = {"accept": "application/json", "content-type": "application/json"}
Line = dict[str, Any]


def keep(settings: Settings, path: Path) -> None:
    """Write down what is there now; nobody may be writing."""
    lines = [*_topics(settings), *_commits(settings), *_indices(settings), *_state(settings)]
    text = "".join(json.dumps(line).replace(str(settings.state_dir), _STATE) + "\n" for line in lines)
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


def load(path: Path) -> list[Line]:
    """What was kept."""
    return [json.loads(line) for line in lzma.decompress(path.read_bytes()).decode().splitlines()]


def restore(settings: Settings, lines: Iterable[Line]) -> None:
    """Put it all back: every message at its offset, every document at its version. The engines must be empty."""
    by_kind: dict[str, list[Line]] = {}
    for line in lines:
        by_kind.setdefault(line["what"], []).append(line)
    _restore_topics(settings, by_kind["topic"], by_kind["record"])
    _restore_commits(settings, by_kind["commit"])
    _restore_indices(settings, by_kind["template"], by_kind["index"], by_kind["document"])
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    (settings.state_dir / _RUN_FILE).write_text(
        json.dumps(by_kind["run"][0]["content"]).replace(_STATE, str(settings.state_dir))
    )
    with sqlite3.connect(settings.state_dir / _FEEDS_FILE) as db:
        db.executescript("".join(line["sql"] for line in by_kind["feeds"]))
    db.close()


def values_of(lines: Iterable[Line], topic: str) -> list[Any]:
    """The values on a topic, decoded; those that are no JSON are left out."""
    found = []
    for line in lines:
        if line["what"] == "record" and line["topic"] == topic and line["value"]:
            try:
                found.append(json.loads(line["value"]))
            except ValueError:
                continue
    return found


def documents_of(lines: Iterable[Line], index: str) -> dict[str, Any]:
    """The documents of an index (`articles`, `stories` …), by id."""
    return {
        line["id"]: line["source"] for line in lines if line["what"] == "document" and f"-{index}-0" in line["index"]
    }


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "surrogateescape")


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else value.encode("utf-8", "surrogateescape")


def _topics(settings: Settings) -> Iterator[Line]:
    admin, consumer = make_admin(settings), make_consumer(settings, None, ())
    try:
        names = sorted(name for name in admin.list_topics() if not name.startswith("_"))
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        configs = {
            name: config for named in admin.describe_configs(resources).values() for name, config in named.items()
        }
        for name in names:
            tps = [TopicPartition(name, p) for p in sorted(consumer.partitions_for_topic(name) or ())]
            config = {key: found["value"] for key, found in configs[name].items()}
            yield {"what": "topic", "name": name, "partitions": len(tps), "config": config}
            consumer.assign(tps)
            consumer.seek_to_beginning(*tps)
            ends = consumer.end_offsets(tps)
            while any(consumer.position(tp) < ends[tp] for tp in tps):
                for record in (r for records in consumer.poll(timeout_ms=500).values() for r in records):
                    yield {
                        "what": "record", "topic": name, "partition": record.partition, "offset": record.offset,
                        "timestamp": record.timestamp, "key": _text(record.key), "value": _text(record.value),
                        "headers": [[key, _text(value)] for key, value in record.headers],
                    }  # fmt: skip
    finally:
        consumer.close()
        admin.close()


def _restore_topics(settings: Settings, topics: list[Line], records: list[Line]) -> None:
    admin = make_admin(settings)
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap, max_request_size=_LARGEST, linger_ms=5)
    try:
        admin.create_topics(
            {
                topic["name"]: {
                    "num_partitions": topic["partitions"],
                    "replication_factor": 1,
                    # However old it is when it is put back, the broker must not throw it away.
                    "configs": {**topic["config"], "retention.ms": "-1"},
                }
                for topic in topics
            }
        )
        sent = []
        for record in sorted(records, key=lambda each: (each["topic"], each["partition"], each["offset"])):
            headers = [(key, _bytes(value)) for key, value in record["headers"]]
            future = producer.send(
                record["topic"], key=_bytes(record["key"]), value=_bytes(record["value"]), headers=headers,
                partition=record["partition"], timestamp_ms=record["timestamp"],
            )  # fmt: skip
            sent.append((record, future))
        for record, future in sent:
            # The clusterer's records point at offsets.
            assert future.get(60).offset == record["offset"], f"{record['topic']} has gaps: fill them"
    finally:
        producer.close()
        admin.close()


def _commits(settings: Settings) -> Iterator[Line]:
    admin = make_admin(settings)
    try:
        groups = [group["group_id"] for group in admin.list_groups()]
        for group, offsets in admin.list_group_offsets(groups).items():
            for tp, commit in sorted(offsets.items()):
                yield {
                    "what": "commit", "group": group, "topic": tp.topic, "partition": tp.partition,
                    "offset": commit.offset, "metadata": commit.metadata,
                }  # fmt: skip
    finally:
        admin.close()


def _restore_commits(settings: Settings, commits: list[Line]) -> None:
    for group in sorted({line["group"] for line in commits}):
        consumer = make_consumer(settings, group, ())
        try:
            offsets = {
                TopicPartition(line["topic"], line["partition"]): OffsetAndMetadata(
                    line["offset"], line["metadata"], -1
                )
                for line in commits
                if line["group"] == group
            }
            consumer.assign(list(offsets))
            consumer.commit(offsets)
        finally:
            consumer.close()


def _indices(settings: Settings) -> Iterator[Line]:
    pattern = f"{settings.index_prefix}-*"
    with make_client(settings) as es:
        es.indices.refresh(index=pattern)
        for template in es.indices.get_index_template(name=pattern)["index_templates"]:
            yield {"what": "template", "name": template["name"], "body": template["index_template"]}
        for name, index in es.indices.get(index=pattern).body.items():
            own = ("creation_date", "uuid", "version", "provided_name", "routing", "history", "resize")
            settings_ = {key: value for key, value in index["settings"]["index"].items() if key not in own}
            yield {"what": "index", "name": name, "body": {**index, "settings": {"index": settings_}}}
            for hit in helpers.scan(es, index=name, version=True):
                yield {
                    "what": "document", "index": name, "id": hit["_id"], "version": hit["_version"],
                    "source": hit["_source"],
                }  # fmt: skip


def _restore_indices(settings: Settings, templates: list[Line], indices: list[Line], documents: list[Line]) -> None:
    with make_client(settings) as es:
        for template in templates:
            es.perform_request(
                "PUT", f"/_index_template/{template['name']}", body=_known(es, template["body"]), headers=_JSON
            )
        for index in indices:
            body = _known(es, index["body"])
            es.perform_request(
                "PUT",
                f"/{index['name']}",
                body={key: body[key] for key in ("aliases", "mappings", "settings")},
                headers=_JSON,
            )
        helpers.bulk(
            es,
            [
                {
                    "_op_type": "index", "_index": line["index"], "_id": line["id"], "_source": line["source"],
                    "version": line["version"], "version_type": "external",
                }
                for line in documents
            ],
        )  # fmt: skip
        for index in indices:
            es.indices.refresh(index=index["name"])


def _known(es: Elasticsearch, body: Line) -> Line:
    """With the common analyser in the place of those that an engine does not have, as polywire does there."""
    text = json.dumps(body)
    for analyser in sorted(set(re.findall(r'"analyzer": "(\w+)"', text)) - {_COMMON}):
        try:
            es.indices.analyze(analyzer=analyser, text="a")
        except (BadRequestError, NotFoundError):
            text = text.replace(f'"analyzer": "{analyser}"', f'"analyzer": "{_COMMON}"')
    return dict(json.loads(text))


def _state(settings: Settings) -> Iterator[Line]:
    db = sqlite3.connect(settings.state_dir / _FEEDS_FILE)
    yield {"what": "feeds", "sql": "\n".join(db.iterdump())}
    db.close()
    yield {"what": "run", "content": json.loads((settings.state_dir / _RUN_FILE).read_text())}
