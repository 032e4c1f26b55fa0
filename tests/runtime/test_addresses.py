"""Where a server listens and how it is reached: IPv4, IPv6, names."""

from __future__ import annotations

import socket

import pytest

from runtime.addresses import listening_at, reached_at, web_url


@pytest.mark.parametrize(
    ("host", "asked", "url"),
    [
        ("127.0.0.1", "127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "127.0.0.1", "http://0.0.0.0:80"),
        ("", "127.0.0.1", "http://:80"),
        ("::", "::1", "http://[::]:80"),
        ("::1", "::1", "http://[::1]:80"),
        ("news.example", "news.example", "http://news.example:80"),
    ],
)
def test_all_addresses_are_asked_at_the_loopback(host: str, asked: str, url: str) -> None:
    assert (reached_at(host), web_url(host, 80)) == (asked, url)


@pytest.mark.parametrize(
    ("host", "family"),
    [("127.0.0.1", socket.AF_INET), ("0.0.0.0", socket.AF_INET), ("::1", socket.AF_INET6), ("::", socket.AF_INET6)],
)
def test_the_family_is_that_of_the_address(host: str, family: socket.AddressFamily) -> None:
    assert listening_at(host, 80) == (family, (host, 80) if family == socket.AF_INET else (host, 80, 0, 0))
