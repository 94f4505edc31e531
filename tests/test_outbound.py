"""Where user-given URLs may lead: a table of hostile forms, and a real server that must see nothing."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.far_end import far_end
from voiceera.errors import StartupError
from voiceera.providers.outbound import Allowed, TargetRefused, allow_list, may_reach, outbound_client

INSIDE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::",
    "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "5f00::1",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", INSIDE)
def test_inside_addresses_are_refused(address: str) -> None:
    assert not may_reach(ipaddress.ip_address(address), 80)


@pytest.mark.parametrize("address", OUTSIDE)
def test_outside_addresses_are_allowed(address: str) -> None:
    assert may_reach(ipaddress.ip_address(address), 80)


def test_the_allow_list_opens_one_port_of_one_network() -> None:
    allow = allow_list(" 127.0.0.1/32:8090 , [fd00::/8]:443,")
    assert may_reach(ipaddress.ip_address("127.0.0.1"), 8090, allow)
    assert may_reach(ipaddress.ip_address("::ffff:127.0.0.1"), 8090, allow)
    assert may_reach(ipaddress.ip_address("fd12::1"), 443, allow)
    assert not may_reach(ipaddress.ip_address("127.0.0.1"), 8091, allow)
    assert not may_reach(ipaddress.ip_address("127.0.0.2"), 8090, allow)


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.1/32", "lab:8090", "127.0.0.1/32:0", "127.0.0.1/8:80x"])
def test_a_broken_allow_list_is_named(entry: str) -> None:
    with pytest.raises(StartupError, match=r"VOICEERA_OUTBOUND_ALLOW"):
        allow_list(f"10.0.0.0/8:80,{entry}")


Answer = Callable[[asyncio.StreamWriter], object]


@asynccontextmanager
async def serving(*pieces: bytes, hold: bool = False) -> AsyncIterator[tuple[int, list[str]]]:
    """A server that writes the pieces to whoever sends a request; yields its port and the requests it saw."""
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).decode())
        for piece in pieces:
            writer.write(piece)
        if hold:
            await asyncio.Event().wait()

    async with far_end(serve) as port:
        yield port, seen


def loopback(port: int) -> tuple[Allowed, ...]:
    return allow_list(f"127.0.0.1/32:{port}")


@pytest.mark.parametrize(
    "form",
    ["http://127.0.0.1:{port}/", "http://127.1:{port}/", "http://2130706433:{port}/", "http://0x7f.0.0.1:{port}/",
     "http://0177.0.0.1:{port}/", "http://localhost:{port}/", "http://0:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
     "http://user:pass@127.0.0.1:{port}/", "http://127.0.0.1.:{port}/", "http://LOCALHOST:{port}/",
     "http://%31%32%37.0.0.1:{port}/"],
)  # fmt: skip
async def test_no_spelling_of_loopback_gets_in(form: str) -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, seen), outbound_client() as client:
        with pytest.raises((TargetRefused, httpx.HTTPError, httpx.InvalidURL)):
            await client.get(form.format(port=port))
        assert seen == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "file:///etc/passwd", "unix:///run/x", "gopher://127.0.0.1/"])
async def test_other_schemes_are_refused(url: str) -> None:
    async with outbound_client() as client:
        with pytest.raises((TargetRefused, httpx.UnsupportedProtocol)):
            await client.get(url)


async def test_an_allowed_target_is_reached_under_its_own_name() -> None:
    async with (
        serving(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as (port, seen),
        outbound_client(loopback(port) + allow_list(f"[::1/128]:{port}")) as client,
    ):
        response = await client.get(f"http://localhost:{port}/x")
    assert (response.status_code, response.text) == (200, "hi")
    assert f"host: localhost:{port}" in seen[0].lower()


async def test_a_redirect_is_not_followed() -> None:
    async with (
        serving(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n") as (port, _),
        outbound_client(loopback(port)) as client,
    ):
        assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 302


async def test_a_large_answer_is_cut() -> None:
    async with (
        serving(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x" * 100_000) as (port, _),
        outbound_client(loopback(port), maximum_bytes=1000) as client,
    ):
        with pytest.raises(httpx.ReadError, match="larger than 1000"):
            await client.get(f"http://127.0.0.1:{port}/")


async def test_a_compressed_answer_is_refused() -> None:
    async with (
        serving(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx") as (port, _),
        outbound_client(loopback(port)) as client,
    ):
        with pytest.raises(httpx.DecodingError, match="not asked for"):
            await client.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("pieces", [(), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"x")])
async def test_an_answer_that_never_ends_is_given_up(pieces: tuple[bytes, ...]) -> None:
    async with (
        serving(*pieces, hold=True) as (port, _),
        outbound_client(loopback(port), total_seconds=0.05) as client,
    ):
        with pytest.raises(httpx.ReadTimeout):
            await client.get(f"http://127.0.0.1:{port}/")
