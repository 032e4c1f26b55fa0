"""The port of the web page, on each kind of address."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from polywire.supervision.prepare import web_port
from polywire.supervision.process import free_port
from runtime.addresses import listening_at
from runtime.errors import UserError
from runtime.settings import Settings

HOSTS = ("127.0.0.1", "0.0.0.0", "::1", "::", "localhost")


def there(host: str) -> bool:
    try:
        free_port(host)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("host", HOSTS)
def test_a_port_that_is_free_is_taken_and_a_taken_one_refused(tmp_path: Path, host: str) -> None:
    if not there(host):
        pytest.skip("this machine has no IPv6")
    port = free_port(host)
    settings = Settings(web_host=host, web_port=port, state_dir=tmp_path)
    assert web_port(settings, strict=True) == port
    family, address = listening_at(host, port)
    with socket.socket(family) as other:
        other.bind(address)
        other.listen()
        with pytest.raises(UserError, match="taken by another program"):
            web_port(settings, strict=True)
        assert web_port(settings, strict=False) != port


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_a_host_that_is_not_ours_is_named(tmp_path: Path, host: str) -> None:
    with pytest.raises(UserError, match=f"{host} is no address of this machine"):
        web_port(Settings(web_host=host, web_port=8080, state_dir=tmp_path), strict=True)
