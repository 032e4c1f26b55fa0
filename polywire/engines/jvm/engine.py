"""Apache Kafka (one KRaft node) and Elasticsearch (one node, core) as child processes."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import httpx

from polywire.engines.base import EngineAddresses, Server, free_ports, listens
from polywire.engines.jvm.build import build
from polywire.runtime.errors import UserError
from polywire.runtime.settings import Settings
from schemas.topics import MAX_MESSAGE_BYTES

_HEAP = "512m"
_UNPRIVILEGED = "nobody"
_MESSAGE_BYTES = MAX_MESSAGE_BYTES + 1024 * 1024


class JvmEngine:
    """Durable: what was acknowledged survives kill -9 and is there on the next start from the same state folder."""

    name = "jvm"
    durable = True

    def __init__(self, settings: Settings, *, kafka_port: int = 0, elasticsearch_port: int = 0) -> None:
        """Ports of 0 mean: any free one."""
        self._settings = settings
        state = settings.state_dir.absolute()
        self._kafka_data = state / "jvm" / "kafka"
        self._elastic_state = _elastic_folder(state)
        self.kafka = Server("Kafka", state / "logs" / "kafka.log")
        self.elasticsearch = Server("Elasticsearch", state / "logs" / "elasticsearch.log")
        self._kafka_port = kafka_port
        self._elasticsearch_port = elasticsearch_port

    def start(self) -> EngineAddresses:
        """See Engine.start. The first start builds the engines."""
        home = build(self._settings.cache_dir.absolute(), lambda what: print(f"engines: {what}", flush=True))
        free = free_ports(4)
        kafka, elastic = self._kafka_port or free[0], self._elasticsearch_port or free[1]
        for port in (kafka, elastic):
            if listens("127.0.0.1", port):
                raise UserError(f"port {port} is taken by another program: choose another, or 0 for any free one")
        try:
            # Both take seconds to start: side by side.
            self._start_elasticsearch(home / "elasticsearch", elastic, free[3])
            self._start_kafka(home / "kafka", kafka, free[2])
            self.kafka.wait_until(lambda: listens("127.0.0.1", kafka), 60.0)
            self.elasticsearch.wait_until(lambda: _is_ready(elastic), 120.0)
        except BaseException:
            self.stop()
            raise
        return EngineAddresses(f"127.0.0.1:{kafka}", f"http://127.0.0.1:{elastic}")

    def stop(self) -> None:
        """See Engine.stop."""
        self.kafka.stop()
        self.elasticsearch.stop()

    def why_not_alive(self) -> str | None:
        """See Engine.why_not_alive."""
        return self.kafka.why_not_alive() or self.elasticsearch.why_not_alive()

    def _start_kafka(self, home: Path, port: int, controller_port: int) -> None:
        self._kafka_data.mkdir(parents=True, exist_ok=True)
        properties = self._kafka_data / "server.properties"
        properties.write_text(_server_properties(self._kafka_data / "logs", port, controller_port))
        classpath = str(home / "lib" / "*")
        if not (self._kafka_data / "logs" / "meta.properties").exists():
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            done = subprocess.run(
                ["java", "-cp", classpath, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                raise UserError(f"Kafka's storage could not be formatted: {done.stderr.strip()[-600:]}")
        self.kafka.start(["java", f"-Xmx{_HEAP}", "-cp", classpath, "kafka.Kafka", str(properties)])

    def _start_elasticsearch(self, home: Path, port: int, transport_port: int) -> None:
        user = _UNPRIVILEGED if os.name == "posix" and os.geteuid() == 0 else None
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
            f"path.data: {folders['data']}\n"
            f"path.logs: {folders['logs']}\n"
            # A developer's disk is often fuller than the watermarks like; refusing writes would look like a fault.
            "cluster.routing.allocation.disk.threshold_enabled: false\n"
        )
        if user:
            for path in [self._elastic_state, *self._elastic_state.rglob("*")]:
                shutil.chown(path, user)
        self.elasticsearch.start(
            [str(home / "bin" / "elasticsearch")],
            cwd=self._elastic_state,
            environment={
                "ES_JAVA_HOME": str(java_home()),
                "ES_JAVA_OPTS": f"-Xms{_HEAP} -Xmx{_HEAP}",
                "ES_TMPDIR": str(folders["tmp"]),
                "ES_PATH_CONF": str(folders["config"]),
                "HOME": str(self._elastic_state),
            },
            user=user,
        )


def java_home() -> Path:
    """The folder of the JDK that `java` on the PATH belongs to."""
    java = shutil.which("java")
    if java is None:
        raise UserError("no java on the PATH: apt-get install openjdk-17-jdk-headless")
    return Path(java).resolve().parents[1]


def _elastic_folder(state: Path) -> Path:
    """Elasticsearch's own state. It refuses to run as root, and the user it then runs as may not be able to enter the
    state folder (root's home, say): then a folder under the system's temporary one, named after the state folder.
    """
    if os.name != "posix" or os.geteuid() != 0:
        return state / "jvm" / "elasticsearch"
    digest = hashlib.sha256(str(state).encode()).hexdigest()[:16]
    base = Path("/var/lib/polywire") if Path("/var/lib").is_dir() else Path(tempfile.gettempdir()) / "polywire"
    return base / f"elasticsearch-{digest}"


def _server_properties(logs: Path, port: int, controller_port: int) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(logs),
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
    # GET / is not part of the core distribution; the health of the cluster is.
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/_cluster/health", timeout=2)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and answer.json().get("status") in {"green", "yellow"}
