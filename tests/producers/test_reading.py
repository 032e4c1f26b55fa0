"""Lines and folders of text become articles, or say why not."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers import reading
from producers.reading import InvalidArticle, Line, RejectedLines, read_folder, read_jsonl
from schemas.articles import MAX_META, RawArticle
from schemas.ids import article_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def read(*lines: bytes | str | dict[str, object]) -> list[Line]:
    raw = [json.dumps(x).encode() if isinstance(x, dict) else x.encode() if isinstance(x, str) else x for x in lines]
    return list(read_jsonl(io.BytesIO(b"\n".join(raw)), default_source="test", collected=NOW))


def only(*lines: bytes | str | dict[str, object]) -> RawArticle:
    (line,) = read(*lines)
    assert line.article is not None, line.reason
    return line.article


def test_every_field_arrives() -> None:
    article = only(
        {
            "id": "a1", "title": "Ⴀ title", "text": "A text.\r\nSecond line ", "url": "https://www.Paper.example/x?utm_source=z",
            "source": "The Paper", "published": "2026-02-28T23:00:00+02:00", "language": "en-GB",
            "meta": {"desk": "foreign", "page": 3, "none": None}, "future": [1],
        }
    )  # fmt: skip
    assert article.title == "Ⴀ title"
    assert article.text == "A text.\r\nSecond line "
    assert article.source == "The Paper"
    assert article.published == datetime(2026, 2, 28, 21, tzinfo=UTC)
    assert article.collected == NOW
    assert article.language == "en-GB"
    assert article.meta == {"desk": "foreign", "page": "3"}
    assert article.external_id == "a1"
    assert article.id == article_id(url="https://paper.example/x")


def test_meta_is_measured_in_bytes() -> None:
    (line,) = read({"title": "x", "meta": {"a": "ж" * (MAX_META // 2)}})
    assert line.article is None
    assert line.reason == f"meta: more than {MAX_META} bytes as JSON"
    assert only({"title": "x", "meta": {"a": "ж" * (MAX_META // 2 - 10)}}).meta


def test_id_without_url_is_by_source_and_own_id() -> None:
    article = only({"id": 7, "title": "x"})
    assert article.source == "test"
    assert article.id == article_id(source="test", external_id="7")


def test_an_external_id_counts_before_the_id() -> None:
    article = only({"id": "ours", "external_id": "theirs", "source": "s", "title": "x"})
    assert article.external_id == "theirs"
    assert article.id == article_id(source="s", external_id="theirs")


def test_source_defaults_to_the_host() -> None:
    assert only({"title": "x", "url": "https://www.paper.example/a"}).source == "paper.example"


def test_original_id_keeps_its_type() -> None:
    assert [line.original_id for line in read({"id": 7, "title": "x"}, {"id": "7", "title": "x"}, {"title": "x"})] == [
        7,
        "7",
        None,
    ]


def test_an_empty_title_or_text_is_fine_but_not_both() -> None:
    assert only({"title": None, "text": "x"}).title == ""
    assert only({"title": "x", "text": ""}).text == ""
    (line,) = read({"id": "q", "title": " ", "text": "\n"})
    assert line.article is None
    assert "both are empty" in (line.reason or "")
    assert line.original_id == "q"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object but list"),
        (b"null", "not a JSON object"),
        (b'{"title": "\xff"}', "not JSON"),
        (b'{"title": 3}', "title"),
        (b'{"title": "x", "published": 1700000000}', "ISO 8601"),
        (b'{"title": "x", "published": "yesterday"}', "published"),
        (b'{"title": "x", "url": "ftp://a/b"}', "url"),
        (b'{"title": "x", "url": "http://[::1"}', "url"),
        (b'{"title": "x", "url": 5}', "url"),
        (b'{"title": "x", "id": {}}', "id"),
        (b'{"title": "x", "id": true}', "id"),
        (b'{"title": "x", "meta": []}', "meta"),
        (b'{"title": "' + b"x" * 2001 + b'"}', "title"),
        (b"[" * 100_000, "not JSON"),
        (b'{"title": "\\ud83d' + b"[" * 5, "not JSON"),
    ],
)
def test_bad_lines_say_why_and_stop_nothing(raw: bytes, reason: str) -> None:
    before, bad, after = read({"title": "before"}, raw, {"title": "after"})
    assert bad.article is None
    assert reason in (bad.reason or "")
    assert bad.raw == raw
    assert before.article is not None
    assert after.article is not None
    assert [before.number, bad.number, after.number] == [1, 2, 3]


def test_byte_order_mark_blank_lines_and_windows_line_ends() -> None:
    lines = read(b'\xef\xbb\xbf{"title": "one"}\r', b"", b"  \r", b'{"title": "two"}')
    assert [(line.number, line.article.title) for line in lines if line.article] == [(1, "one"), (4, "two")]
    assert len(lines) == 2


def test_a_lone_surrogate_is_mended() -> None:
    assert only(b'{"title": "cut \\ud83d", "source": "s\\udc00"}').title == "cut �"


def test_an_endless_line_is_rejected_without_being_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINE", 100)
    long, after = read(b'{"title": "' + b"x" * 1_000 + b'"}', {"title": "after"})
    assert "longer than 100 bytes" in (long.reason or "")
    assert len(long.raw) == 100
    assert after.number == 2
    assert after.article is not None
    (alone,) = read(b"y" * 1_000)
    assert alone.reason
    (just_fits,) = read(b'{"title": "' + b"x" * 87 + b'"}')
    assert just_fits.article is not None


def test_folder_texts_are_taken_to_the_last_byte(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes("First line\r\n\n\nيوم \n".encode())
    (tmp_path / "a.txt").write_bytes(b"A text")
    (tmp_path / "c.txt").write_bytes(b"caf\xe9")
    (tmp_path / "d.txt").write_bytes(b"")
    (tmp_path / "notes.md").write_bytes(b"not an article")
    (tmp_path / "documents.jsonl").write_text(
        '{"file": "a.txt", "id": "own", "title": "A title", "url": "https://x.example/a", "language": "ms"}\n'
        '{"file": "gone.txt"}\n'
    )
    a, b, c, d, gone = read_folder(tmp_path, collected=NOW)
    assert a.article is not None
    assert (a.article.title, a.article.text, a.article.url) == ("A title", "A text", "https://x.example/a")
    assert (a.article.external_id, a.article.language) == ("own", "ms")
    assert b.article is not None
    assert b.article.text == "First line\r\n\n\nيوم \n"
    assert (b.article.title, b.article.external_id, b.article.source) == ("", "b.txt", tmp_path.name)
    assert "not UTF-8" in (c.reason or "")
    assert "both are empty" in (d.reason or "")
    assert "not there" in (gone.reason or "")


def test_the_seeds_are_a_folder_of_three_articles() -> None:
    """Each is the file to the last byte, whether its first line is taken as the title or not."""
    folder = Path(__file__).parents[2] / "seeds"
    lines = list(read_folder(folder, collected=NOW))
    assert [line.name for line in lines] == sorted(path.name for path in folder.glob("*.txt"))
    for line in lines:
        assert line.article is not None, line.reason
        assert line.article.id == line.original_id
        assert f"{line.article.title}\n{line.article.text}".removeprefix("\n").encode() == line.raw


def test_a_broken_documents_file_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"A text")
    (tmp_path / "documents.jsonl").write_text('{"id": "no file"}')
    with pytest.raises(InvalidArticle, match="line 1"):
        list(read_folder(tmp_path, collected=NOW))


def test_rejected_lines_are_written_as_they_came(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl.rejected"
    path.write_text("of an earlier run")
    takes = RejectedLines(path)
    assert not path.exists()
    bad, worse = read(b"{", b"\xff")
    takes.add(bad)
    takes.add(worse)
    takes.close()
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert (first["line"], first["input"]) == (1, "{")
    assert first["reason"].startswith("not JSON")
    assert second["input"] == "\\xff"
    assert takes.count == 2
