"""Passwords and webhooks in addresses: refused where they are put in, and shown nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consumers.web.views import safe_url
from polywire.supervision.supervisor import Supervisor
from producers.reading import InvalidArticle, article_from_fields
from runtime.elastic import make_client
from runtime.netguard import Forbidden, check_url, host_of
from runtime.settings import Settings
from schemas.alerts import Alert
from schemas.articles import RawArticle
from schemas.base import without_user
from schemas.codec import decode, encode
from tests.consumers.make import alert
from tests.producers.conftest import site
from tests.producers.sites import Answer, Site

__all__ = ["site"]
SECRET = "sesame"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://u:sesame@h.example:81/a?b=c@d#e", "https://h.example:81/a?b=c@d#e"),
        ("https://sesame@h.example", "https://h.example"),
        ("https://u:ses@ame@h.example/x", "https://h.example/x"),
        ("https://h.example/@someone?x=a@b", "https://h.example/@someone?x=a@b"),
        ("https://h.example?x=a@b", "https://h.example?x=a@b"),
        ("http://u:sesame@[::1", "http://[::1"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("", ""),
    ],
)
def test_an_address_without_its_user_is_else_the_same(url: str, expected: str) -> None:
    assert without_user(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hooks.example:81/services/sesame?t=sesame", "https://hooks.example:81"),
        ("https://hooks.example?t=sesame", "https://hooks.example"),
        ("https://u:sesame@hooks.example/x", "https://hooks.example"),
        ("sesame", "an address"),
    ],
)
def test_of_a_webhook_the_host_is_shown(url: str, expected: str) -> None:
    assert host_of(url) == expected


@pytest.mark.parametrize(
    "url", ["http://u:sesame@h.example/sesame", "ftp://h.example/sesame", "http:///sesame", "http://h.example:x/sesame"]
)
def test_a_refused_address_is_not_repeated(url: str) -> None:
    with pytest.raises(Forbidden) as refused:
        check_url(url)
    assert SECRET not in str(refused.value)


def polywire(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("POLYWIRE_")}
    return subprocess.run(
        [sys.executable, "-m", "polywire", *arguments],
        env=clean | environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_feed_with_a_password_is_refused_without_repeating_it(tmp_path: Path) -> None:
    address = "https://u:sesame@feeds.example/rss"
    named = polywire(tmp_path, "produce", "feeds", address, "--once")
    in_settings = polywire(tmp_path, "produce", "feeds", "--once", POLYWIRE_FEEDS=f'["{address}"]')
    for ended in (named, in_settings):
        assert ended.returncode == 2
        assert "no user name and no password" in " ".join(ended.stderr.split())
        assert SECRET not in ended.stdout + ended.stderr


def test_no_error_repeats_the_password_of_elasticsearch(tmp_path: Path) -> None:
    ended = polywire(tmp_path, "alerts", "list", POLYWIRE_ELASTICSEARCH_URL="http://u:sesame@127.0.0.1:9")
    said = ended.stdout + ended.stderr
    assert "127.0.0.1:9" in said
    assert SECRET not in said


def test_a_password_in_the_address_of_elasticsearch_still_opens_it(site: Site) -> None:
    site.routes["/_cluster/health"] = Answer(
        b"{}", headers={"Content-Type": "application/json", "X-Elastic-Product": "Elasticsearch"}
    )
    settings = Settings(elasticsearch_url=f"http://us%40er:sesame@{site.address}")
    assert settings.elasticsearch_url == f"http://{site.address}"
    assert SECRET not in repr(settings)
    with make_client(settings) as client:
        client.cluster.health()
    assert site.requests[0][1]["authorization"] == "Basic dXNAZXI6c2VzYW1l"
    stage = Supervisor(settings, (), lambda *_: None)._environment()
    assert stage["POLYWIRE_ELASTICSEARCH_URL"] == f"http://{site.address}"
    assert (stage["POLYWIRE_ELASTICSEARCH_USERNAME"], stage["POLYWIRE_ELASTICSEARCH_PASSWORD"]) == ("us@er", SECRET)


def test_articles_are_taken_without_the_password_in_their_address() -> None:
    url = "https://u:sesame@paper.example/a"
    article = article_from_fields({"title": "t", "url": url}, default_source="s", collected=datetime.now(UTC))
    assert article.url == "https://paper.example/a"
    assert article.source == "paper.example"
    with pytest.raises(InvalidArticle) as refused:
        article_from_fields({"title": "t", "url": "ftp://u:sesame@h/"}, default_source="s", collected=datetime.now(UTC))
    assert SECRET not in str(refused.value)


def test_what_older_code_left_on_topics_and_in_the_index_is_shown_without_the_password() -> None:
    url = "https://u:sesame@paper.example/a"
    raw = article_from_fields({"title": "t"}, default_source="s", collected=datetime.now(UTC))
    assert decode(RawArticle, encode(raw.model_copy(update={"url": url}))).url == "https://paper.example/a"
    told = alert().model_copy(update={"article_url": url})
    assert decode(Alert, encode(told)).article_url == "https://paper.example/a"
    assert safe_url(url) == "https://paper.example/a"
