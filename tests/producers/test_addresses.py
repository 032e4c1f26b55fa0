"""No feed makes us reach into a private network."""

from __future__ import annotations

from collections.abc import Sequence

import httpcore
import pytest

from runtime.netguard import Forbidden, GuardedBackend, check_url, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1",
        "198.18.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
        "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "not an address",
    ],
)  # fmt: skip
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "gopher://x/", "http:///nohost", "http://user:pw@x.example/", "http://[::1", "//x", "x"],
)
def test_urls_that_are_refused_unseen(url: str) -> None:
    with pytest.raises(Forbidden):
        check_url(url)


class Connections(httpcore.AsyncNetworkBackend):
    """Writes down where a connection would have gone."""

    def __init__(self) -> None:
        self.to: list[tuple[str, int]] = []

    async def connect_tcp(self, host: str, port: int, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        self.to.append((host, port))
        raise httpcore.ConnectError("as told")


class Names:
    """A name server that gives each answer once, and the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)

    async def __call__(self, *_: object) -> Sequence[str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def connect(names: Names, *, host: str = "feed.example", allow: Sequence[str] = ()) -> list[tuple[str, int]]:
    wire = Connections()
    with pytest.raises(httpcore.ConnectError):
        await GuardedBackend(allow, resolver=names, backend=wire).connect_tcp(host, 80)
    return wire.to


async def test_the_connection_goes_to_the_addresses_that_were_checked() -> None:
    """Not to the name, which could answer differently when asked again (DNS rebinding)."""
    names = Names(["93.184.216.34", "2606:2800:220:1::1"], ["127.0.0.1"])
    assert await connect(names) == [("93.184.216.34", 80), ("2606:2800:220:1::1", 80)]


async def test_one_private_address_among_public_ones_is_enough() -> None:
    wire = Connections()
    backend = GuardedBackend(resolver=Names(["93.184.216.34", "10.0.0.1"]), backend=wire)
    with pytest.raises(Forbidden, match=r"10\.0\.0\.1"):
        await backend.connect_tcp("feed.example", 80)
    assert wire.to == []


async def test_allow_listed_hosts_may_be_private() -> None:
    private = Names(["10.0.0.1"])
    assert await connect(private, allow=["Feed.Example"]) == [("10.0.0.1", 80)]
    assert await connect(private, allow=["feed.example:80"]) == [("10.0.0.1", 80)]
    assert await connect(private, host="::1", allow=["[::1]:80"]) == [("10.0.0.1", 80)]
    for allow in (["feed.example:81"], ["other.example"], ["example"]):
        with pytest.raises(Forbidden):
            await GuardedBackend(allow, resolver=private, backend=Connections()).connect_tcp("feed.example", 80)


async def test_no_sockets_of_this_machine() -> None:
    with pytest.raises(Forbidden):
        await GuardedBackend().connect_unix_socket("/run/docker.sock")
