"""Articles out of JSON Lines and folders of text. Pure: what cannot be an article comes back with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple
from urllib.parse import urlsplit

import orjson
from pydantic import ValidationError

from schemas.articles import MAX_META, RawArticle, fitting_meta
from schemas.base import without_user
from schemas.codec import explain
from schemas.ids import article_id

MAX_LINE = 16 * 1024 * 1024
"""Bytes. Well above what the longest valid article encodes to; the rest of a longer line is skipped."""

DOCUMENTS = "documents.jsonl"
"""In a folder of text files: a line a file, named in `file` or `meta.file`, with what the file itself does not say."""

_FIELDS = ("title", "text", "url", "source", "published", "language")
_KNOWN = frozenset({*_FIELDS, "id", "external_id", "meta", "file", "collected", "schema_version"})


class InvalidArticle(ValueError):
    """What was read cannot be an article; the message says why, in one line."""


class Line(NamedTuple):
    """One line of the input, or one file of a folder: an article, or the reason why it is none."""

    number: int
    """Counts from 1, blank lines included; files of a folder in the order of their names."""
    original_id: str | int | None
    """The `id` as the input has it."""
    article: RawArticle | None
    reason: str | None
    raw: bytes
    """The line as it came, cut at `MAX_LINE`."""
    name: str | None = None
    """The file within a folder."""
    unknown: tuple[str, ...] = ()
    """Names of fields that mean nothing here, such as a misspelled one."""


def read_jsonl(stream: BinaryIO, *, default_source: str, collected: datetime) -> Iterator[Line]:
    """The lines of a JSON Lines stream, blank ones left out.

    Args:
        default_source: the source of lines that name neither a source nor a URL.
        collected: when the articles were fetched, for all of them.
    """
    number = 0
    while raw := stream.readline(MAX_LINE + 1):
        number += 1
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        whole = len(raw) <= MAX_LINE
        while not raw.endswith(b"\n") and not whole:
            rest = stream.readline(MAX_LINE + 1)
            if not rest or rest.endswith(b"\n"):
                break
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
        if not whole:
            yield Line(number, None, None, f"longer than {MAX_LINE} bytes", raw[:MAX_LINE])
        elif raw.strip():
            yield _read_line(number, raw, default_source, collected)


def _read_line(number: int, raw: bytes, default_source: str, collected: datetime) -> Line:
    original_id: str | int | None = None
    try:
        fields = parse_json(raw)
        if isinstance(fields, dict) and isinstance(fields.get("id"), str | int):
            original_id = fields["id"]
        article = article_from_fields(fields, default_source=default_source, collected=collected)
    except InvalidArticle as error:
        return Line(number, original_id, None, str(error), raw)
    return Line(number, original_id, article, None, raw, unknown=unknown_fields(fields))


def read_folder(folder: Path, *, collected: datetime) -> Iterator[Line]:
    """The `*.txt` files of a folder, by name; `documents.jsonl` beside them may say what the texts do not.

    A file's text is taken as it is, to the last byte, unless its line in `documents.jsonl` has a text; its name is its
    external id, the folder's its source. A title is only what `documents.jsonl` gives: a first line may as well be a
    sentence.

    Raises:
        InvalidArticle: `documents.jsonl` itself cannot be read.
    """
    known = _documents(folder / DOCUMENTS)
    source = folder.resolve().name or "files"
    for number, path in enumerate(sorted(folder.glob("*.txt")), 1):
        raw = path.read_bytes()
        fields = {"id": path.name, "source": source, **known.pop(path.name, {})}
        original_id = fields["id"]
        try:
            fields.setdefault("text", raw.decode("utf-8-sig"))
            article = article_from_fields(fields, default_source=source, collected=collected)
        except UnicodeDecodeError as error:
            yield Line(number, original_id, None, f"not UTF-8: byte {error.start}", raw[:MAX_LINE], path.name)
        except InvalidArticle as error:
            yield Line(number, original_id, None, str(error), raw[:MAX_LINE], path.name)
        else:
            yield Line(number, original_id, article, None, raw, path.name, unknown_fields(fields))
    for number, (name, fields) in enumerate(known.items(), 1):
        if not (folder / name).is_file():
            reason = f"{DOCUMENTS} names {name}, which is not there"
            yield Line(number, fields.get("id"), None, reason, orjson.dumps(fields), name)


def _documents(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    known: dict[str, dict[str, Any]] = {}
    for number, raw in enumerate(path.read_bytes().splitlines(), 1):
        if not raw.strip():
            continue
        try:
            fields = parse_json(raw)
        except InvalidArticle as error:
            raise InvalidArticle(f"{path}, line {number}: {error}") from error
        fields = fields if isinstance(fields, dict) else {}
        meta = fields.get("meta")
        file = fields.get("file") or (meta.get("file") if isinstance(meta, dict) else None)
        if not isinstance(file, str):
            raise InvalidArticle(f"{path}, line {number}: no `file`")
        known[file] = fields
    return known


def parse_json(raw: bytes) -> Any:
    """JSON, with half characters (lone surrogates, which cut-off feeds leave behind) mended.

    Raises:
        InvalidArticle: not JSON.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if b"\\ud" in raw or b"\\uD" in raw:
            try:
                return _mend(json.loads(raw))
            except (ValueError, RecursionError):
                pass
        raise InvalidArticle(f"not JSON: {error}") from error


def _mend(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {_mend(key): _mend(item) for key, item in value.items()}
    return value


def article_from_fields(fields: object, *, default_source: str, collected: datetime) -> RawArticle:
    """The article that a JSON object describes: `title, text` and optionally `id, url, source, published, language,
    external_id, meta`. Without an `external_id`, its `id` is taken for one; unknown fields are ignored, as on the bus.

    Raises:
        InvalidArticle: wrong types, neither title nor text, a time that is none, a URL that is none.
    """
    if not isinstance(fields, dict):
        raise InvalidArticle(f"not a JSON object but {type(fields).__name__}")
    taken = {name: fields[name] for name in _FIELDS if fields.get(name) not in (None, "")}
    external_id = _own_id(fields, "external_id") or _own_id(fields, "id")
    url = taken.get("url")
    host = _host(url) if url is not None else None
    source = taken.setdefault("source", host or default_source)
    try:
        return RawArticle(
            id=article_id(
                url=url,
                source=str(source),
                external_id=external_id,
                content=f"{taken.get('title', '')}\n{taken.get('text', '')}",
            ),
            external_id=external_id,
            collected=collected,
            meta=_meta(fields.get("meta")),
            **taken,
        )
    except ValidationError as error:
        raise InvalidArticle(explain(error)) from error


def unknown_fields(fields: dict[str, Any]) -> tuple[str, ...]:
    """The names of a JSON object's fields that `article_from_fields` does not know, in order."""
    return tuple(name for name in fields if name not in _KNOWN)


def _own_id(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        raise InvalidArticle(f"{name}: a text or a whole number, not {type(value).__name__}")
    return None if value in (None, "") else str(value)


def _host(url: object) -> str:
    if not isinstance(url, str):
        raise InvalidArticle(f"url: a text, not {type(url).__name__}")
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
    except ValueError as error:
        raise InvalidArticle(f"url: {error}") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise InvalidArticle(f"url: not an http(s) address: {without_user(url)[:200]}")
    return host.removeprefix("www.")


def _meta(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidArticle(f"meta: an object, not {type(value).__name__}")
    meta = {
        str(key): item if isinstance(item, str) else orjson.dumps(item).decode()
        for key, item in value.items()
        if item is not None
    }
    if len(fitting_meta(meta)) < len(meta):
        raise InvalidArticle(f"meta: more than {MAX_META} bytes as JSON")
    return meta


@dataclass
class RejectedLines:
    """The file that takes what was rejected: a JSON object a line, with `line`, `reason` and `input` (as it came).

    The file is made when the first line needs it; one that an earlier run left behind is removed.
    """

    path: Path
    count: int = 0
    _file: IO[bytes] | None = None

    def __post_init__(self) -> None:
        self.path.unlink(missing_ok=True)

    def add(self, line: Line) -> None:
        """Write down a line that is no article."""
        if self._file is None:
            self._file = self.path.open("wb")
        self.count += 1
        record: dict[str, Any] = {"line": line.number, "reason": line.reason}
        if line.name is not None:
            record["file"] = line.name
        record["input"] = line.raw.decode("utf-8", "backslashreplace")
        self._file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
        self._file.flush()

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None
