"""The real engines on this machine's JDK: Apache Kafka and the core of Elasticsearch, fetched and built by Maven."""

from polywire.engines.jvm.build import build, installed
from polywire.engines.jvm.engine import JvmEngine

__all__ = ["JvmEngine", "build", "installed"]
