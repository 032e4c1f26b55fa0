"""Which Java there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import UserError

OLDEST = 17
HOW = "apt-get install openjdk-17-jdk-headless maven (or choose --engines embedded)"

_PROPERTY = re.compile(r"^\s*(java\.home|java\.specification\.version) = (.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Java:
    """A Java that can run the engines."""

    home: Path
    version: int

    @property
    def java(self) -> Path:
        """The program that runs classes."""
        return self.home / "bin" / "java"

    @property
    def has_compiler(self) -> bool:
        """A JDK, not only a runtime."""
        return (self.home / "bin" / "javac").exists()


def find_java() -> Java:
    """The Java of JAVA_HOME, else the one on the PATH, which is asked where it really is: it may be a shim.

    Raises:
        UserError: there is none, or it is too old; the message says what to install.
    """
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if program is None or not Path(program).exists():
        where = f"JAVA_HOME is {home}, where there is none" if home else "there is none on the PATH"
        raise UserError(f"the jvm engines need Java {OLDEST} or newer, and {where}: {HOW}")
    # Its settings go to standard error, before its version.
    told = subprocess.run(
        [program, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=False
    ).stderr
    properties = dict(_PROPERTY.findall(told))
    # Up to Java 8 the version reads 1.8.
    version = int(properties.get("java.specification.version", "0").removeprefix("1."))
    if version < OLDEST:
        raise UserError(f"the jvm engines need Java {OLDEST} or newer, and {program} is {version or 'none'}: {HOW}")
    return Java(Path(properties["java.home"]), version)
