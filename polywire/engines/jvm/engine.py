"""Apache Kafka (one KRaft node) and Elasticsearch (one node, core) as child processes."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import httpx

from polywire.engines.base import EngineAddresses, Hold, Server, free_ports, listens, refuse_taken
from polywire.engines.jvm.build import build
from polywire.engines.jvm.folders import UNPRIVILEGED, claim, elastic_folder, refuse_closed, runs_as_root
from polywire.engines.jvm.java import Java, find_java
from runtime.errors import UserError
from runtime.files import private_folder
from runtime.settings import Settings
from schemas.topics import MAX_MESSAGE_BYTES

_HEAP = "512m"
_PATIENCE = 180.0
"""Seconds; a start takes 10 on an idle machine and two minutes on one with ten times the work it has cores for."""
_MESSAGE_BYTES = MAX_MESSAGE_BYTES + 1024 * 1024
_LOCALE = {"LC_ALL": "C.UTF-8"}
"""In the plain C locale Java cannot open a file whose name is not ASCII."""


class JvmEngine:
    """Durable: what was acknowledged survives kill -9 and is there on the next start from the same state folder."""

    name = "jvm"
    durable = True

    def __init__(self, settings: Settings, *, kafka_port: int = 0, elasticsearch_port: int = 0) -> None:
        """Ports of 0 mean: any free one."""
        self._settings = settings
        state = settings.state_dir.absolute()
        self._kafka_data = state / "jvm" / "kafka"
        self._elastic_state = elastic_folder(state)
        self._hold = Hold(state / "jvm")
        self.kafka = Server("Kafka", state / "logs" / "kafka.log")
        self.elasticsearch = Server("Elasticsearch", state / "logs" / "elasticsearch.log")
        self._kafka_port = kafka_port
        self._elasticsearch_port = elasticsearch_port

    def start(self) -> EngineAddresses:
        """See Engine.start. The first start builds the engines."""
        home = build(self._settings.cache_dir.absolute(), lambda what: print(f"engines: {what}", flush=True))
        java = find_java()
        if runs_as_root():
            refuse_closed(home)
        free = free_ports(4)
        kafka, elastic = self._kafka_port or free[0], self._elasticsearch_port or free[1]
        refuse_taken(kafka, elastic)
        self._hold.take()
        try:
            # Both take seconds to start: side by side.
            self._start_elasticsearch(java, home / "elasticsearch", elastic, free[3])
            self._start_kafka(java, home / "kafka", kafka, free[2])
            self.kafka.wait_until(lambda: listens(kafka), _PATIENCE)
            self.elasticsearch.wait_until(lambda: _is_ready(elastic), _PATIENCE)
        except BaseException:
            self.stop()
            raise
        return EngineAddresses(f"127.0.0.1:{kafka}", f"http://127.0.0.1:{elastic}")

    def stop(self) -> None:
        """See Engine.stop."""
        self.kafka.ask_to_end()
        self.elasticsearch.ask_to_end()
        self.kafka.stop()
        self.elasticsearch.stop()
        self._hold.release()

    def why_not_alive(self) -> str | None:
        """See Engine.why_not_alive."""
        return self.kafka.why_not_alive() or self.elasticsearch.why_not_alive()

    def _start_kafka(self, java: Java, home: Path, port: int, controller_port: int) -> None:
        private_folder(self._kafka_data)
        (self._kafka_data / "server.properties").write_text(_server_properties(port, controller_port))
        run = [str(java.java), f"-Xmx{_HEAP}", "-cp", str(home / "lib" / "*")]
        if not (self._kafka_data / "logs" / "meta.properties").exists():
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            done = subprocess.run(
                [*run, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", "server.properties"],
                cwd=self._kafka_data, env={**os.environ, **_LOCALE}, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                raise UserError(f"Kafka's storage could not be formatted: {done.stderr.strip()[-600:]}")
        self.kafka.start([*run, "kafka.Kafka", "server.properties"], cwd=self._kafka_data, environment=_LOCALE)

    def _start_elasticsearch(self, java: Java, home: Path, port: int, transport_port: int) -> None:
        claim(self._kafka_data.parent, self._elastic_state)
        user = UNPRIVILEGED if runs_as_root() else None
        folders = {name: self._elastic_state / name for name in ("config", "data", "logs", "tmp")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        for source in (home / "config").iterdir():
            if source.is_file():
                shutil.copy(source, folders["config"])
        (folders["config"] / "elasticsearch.yml").write_text(
            "cluster.name: polywire\n"
            "discovery.type: single-node\n"
            "xpack.security.enabled: false\n"
            "network.host: 127.0.0.1\n"
            f"http.port: {port}\n"
            f"transport.port: {transport_port}\n"
            # As a list: alone, it would be divided at commas.
            f"path.data: {_yaml([str(folders['data'])])}\n"
            f"path.logs: {_yaml(str(folders['logs']))}\n"
            # A developer's disk is often fuller than the watermarks like; refusing writes would look like a fault.
            "cluster.routing.allocation.disk.threshold_enabled: false\n",
            encoding="utf-8",
        )
        if user:
            for path in [self._elastic_state, *self._elastic_state.rglob("*")]:
                shutil.chown(path, user)
        self._elastic_state.chmod(0o700)
        self.elasticsearch.start(
            [str(home / "bin" / "elasticsearch")],
            cwd=self._elastic_state,
            environment={
                **_LOCALE,
                "ES_JAVA_HOME": str(java.home),
                "ES_JAVA_OPTS": f"-Xms{_HEAP} -Xmx{_HEAP}",
                "ES_TMPDIR": str(folders["tmp"]),
                "ES_PATH_CONF": str(folders["config"]),
                "HOME": str(self._elastic_state),
            },
            user=user,
        )


def _yaml(value: str | list[str]) -> str:
    # JSON is YAML that needs no care for what is in a path.
    return json.dumps(value, ensure_ascii=False)


def _server_properties(port: int, controller_port: int) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        # Against the working folder: a path here would be divided at commas and read as Latin-1.
        "log.dirs": "logs",
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "message.max.bytes": str(_MESSAGE_BYTES),
        "replica.fetch.max.bytes": str(_MESSAGE_BYTES),
        "socket.request.max.bytes": str(100 * 1024 * 1024),
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _is_ready(port: int) -> bool:
    # It answers before it can be used; its health says when.
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/_cluster/health", timeout=2, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and answer.json().get("status") in {"green", "yellow"}
