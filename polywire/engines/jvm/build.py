"""Fetch Kafka and Elasticsearch, compile our two plugins for it, and put all where the engine starts them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from polywire.engines.base import die_with_parent
from polywire.engines.jvm.folders import make_enterable
from polywire.engines.jvm.java import HOW, Java, find_java
from runtime.errors import UserError

_HERE = Path(__file__).parent
_JAVA = _HERE / "src" / "main" / "java" / "polywire"
_PLUGIN = "polywire-analysis"
_ROOT_PLUGIN = "polywire-root"
_DONE = "built.json"
_NEWS_EVERY = 5.0
_KINDS = {
    "AnalyzerFactory": "org.elasticsearch.plugin.analysis.AnalyzerFactory",
    "TokenFilterFactory": "org.elasticsearch.plugin.analysis.TokenFilterFactory",
}
_COMPONENT = re.compile(
    r'@NamedComponent\("(?P<name>\w+)"\)\s+public static final class (?P<cls>\w+) implements (?P<kind>\w+)'
)

Tell = Callable[[str], None]


def installed(cache_dir: Path) -> Path:
    """The folder this version of the build is in, there or not: its name follows from what it is built from."""
    digest = hashlib.sha256()
    for path in sorted([_HERE / "pom.xml", Path(__file__), *_JAVA.glob("*.java")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return cache_dir / "engines" / f"jvm-{digest.hexdigest()[:12]}"


def is_built(cache_dir: Path) -> bool:
    """A finished build is there."""
    return (installed(cache_dir) / _DONE).exists()


def build(cache_dir: Path, tell: Tell) -> Path:
    """Build once; returns the folder. A second call finds it there and needs no network.

    Raises:
        UserError: no JDK or Maven, or Maven failed; the message says what to do.
    """
    target = installed(cache_dir)
    if (target / _DONE).exists():
        return target
    java = _tools()
    make_enterable(target.parent)
    with _alone(target.with_suffix(".lock"), tell) as lock:
        if (target / _DONE).exists():
            return target
        for left in target.parent.glob(f"{target.name}-building-*"):
            shutil.rmtree(left, ignore_errors=True)  # of a build that was killed: nobody else builds now
        # Built beside and renamed when whole: a build that was killed is never taken for done.
        work = Path(tempfile.mkdtemp(prefix=f"{target.name}-building-", dir=target.parent))
        try:
            _maven(java, work, lock, tell)
            _assemble(work, tell)
            work.chmod(0o755)
            shutil.rmtree(target, ignore_errors=True)
            work.rename(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return target


def missing(cache_dir: Path) -> str | None:
    """What keeps the engines from being started, or built where they are not yet; None when nothing does."""
    try:
        if is_built(cache_dir):
            find_java()
        else:
            _tools()
    except UserError as error:
        return str(error)
    return None


def _tools() -> Java:
    java = find_java()
    if not java.has_compiler:
        raise UserError(f"the jvm engines need a JDK, and {java.home} has no compiler: {HOW}")
    if shutil.which("mvn") is None:
        raise UserError(f"the jvm engines need Maven, and there is no mvn on the PATH: {HOW}")
    return java


@contextmanager
def _alone(lock: Path, tell: Tell) -> Iterator[int]:
    import fcntl  # not on Windows, where the jvm engines are not offered

    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            tell("another build is under way: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle.fileno()


def _maven(java: Java, work: Path, lock: int, tell: Tell) -> None:
    tell("fetching Kafka and Elasticsearch with Maven (160 MB the first time)")
    command = [
        "mvn", "--batch-mode", "--file", str(_HERE / "pom.xml"),
        f"-Dinstall.dir={work}", f"-DbuildDirectory={work / 'build'}", "package",
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        env={**os.environ, "JAVA_HOME": str(java.home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=die_with_parent,
        # Maven outlives a killed build by a moment: it keeps the lock, so that the next build starts when it is gone.
        pass_fds=(lock,),
    )
    assert process.stdout is not None
    fetched, words, next_news = 0, deque[str](maxlen=200), time.monotonic() + _NEWS_EVERY
    try:
        for line in process.stdout:
            words.append(line.strip())
            fetched += "Downloaded from" in line
            if fetched and time.monotonic() >= next_news:
                tell(f"{fetched} files fetched")
                next_news = time.monotonic() + _NEWS_EVERY
        status = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if status:
        errors = [line for line in words if line.startswith("[ERROR]")] or list(words)[-6:]
        raise UserError("Maven could not build the jvm engines:\n" + "\n".join(errors[:6]))


def _assemble(work: Path, tell: Tell) -> None:
    tell("putting the plugins together")
    (home,) = (work / "unpacked").glob("elasticsearch-*")
    version = home.name.removeprefix("elasticsearch-")
    home.rename(work / "elasticsearch")
    (work / "unpacked").rmdir()
    plugin = work / "elasticsearch" / "plugins" / _PLUGIN
    plugin.mkdir(parents=True)
    root = work / "elasticsearch" / "plugins" / _ROOT_PLUGIN
    root.mkdir()
    for target in (plugin, root):
        # One jar for both kinds of plugin: each is told by its descriptor which classes are its own.
        shutil.copy(work / "build" / f"{_PLUGIN}.jar", target)
    shutil.rmtree(work / "build")
    (root / "plugin-descriptor.properties").write_text(
        f"name={_ROOT_PLUGIN}\n"
        "description=GET / for the core distribution\n"
        "version=1\n"
        f"elasticsearch.version={version}\n"
        "java.version=17\n"
        "classname=polywire.RootPlugin\n"
    )
    (plugin / "named_components.json").write_text(json.dumps(named_components(), indent=1))
    (plugin / "stable-plugin-descriptor.properties").write_text(
        f"name={_PLUGIN}\n"
        "description=Language analysers for the core distribution\n"
        "version=1\n"
        f"elasticsearch.version={version}\n"
        "java.version=17\n"
    )
    (work / _DONE).write_text(json.dumps({"elasticsearch": version, "kafka": _kafka_version(work)}))
    for folder, _, files in os.walk(work):
        # The server runs as another user where root builds it.
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder) / name
            path.chmod(path.stat().st_mode | 0o444)


def named_components() -> dict[str, dict[str, str]]:
    """Which class stands behind which name, read off the annotations in the source."""
    components: dict[str, dict[str, str]] = {interface: {} for interface in _KINDS.values()}
    for path in sorted(_JAVA.glob("*.java")):
        for found in _COMPONENT.finditer(path.read_text(encoding="utf-8")):
            components[_KINDS[found["kind"]]][found["name"]] = f"polywire.{path.stem}${found['cls']}"
    return components


def _kafka_version(work: Path) -> str:
    (jar,) = (work / "kafka" / "lib").glob("kafka_2.13-*.jar")
    return jar.stem.removeprefix("kafka_2.13-")
