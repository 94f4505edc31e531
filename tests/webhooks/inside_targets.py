"""Ways to write the address of an inside server, `{port}` being its port; and a canary that must see none of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HOSTS = (
    # loopback, as resolvers and inet_aton read it: parts left out, octal, hexadecimal, one number
    *("127.0.0.1", "127.1", "127.0.1", "127.000.000.001", "127.255.255.254", "2130706433", "0x7f000001"),
    *("0x7f.0x0.0x0.0x1", "0X7F.1", "0x7f.0.0.1", "0177.0.0.1", "0177.1", "017700000001", "0177.0x0.0.1"),
    *("127.0.0.1.", "127.0.0.1..", "0", "0.0.0.0", "00.00.00.00", "0x0"),
    # names
    *("localhost", "LOCALHOST", "LocalHost.", "localhost.localdomain", "ip6-localhost", "ip6-loopback"),
    # IPv6, and IPv4 inside it: mapped, compatible, translated (NAT64), 6to4, Teredo, site- and link-local, multicast
    *("[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]", "[::7f00:1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]"),
    *("[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[2001:db8::1]"),
    *("[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[100::1]"),
    # the clouds' metadata services, and other networks that are not the internet
    *("169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "[::ffff:169.254.169.254]"),
    *("100.100.100.200", "192.0.0.192", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "198.18.0.1"),
    *("192.0.2.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    # letters that some parsers fold into digits and dots
    *("①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "%31%32%37.0.0.1", "127.0.0.1%2f", "127.0.0.1%00"),
)  # fmt: skip

URLS = (
    *(f"http://{host}:{{port}}/x" for host in HOSTS),
    # what stands before the @ is no host, whatever it looks like
    *("http://example.com@127.0.0.1:{port}/", "http://example.com:80@127.0.0.1:{port}/"),
    *("http://user:password@localhost:{port}/", "http://example.com%40127.0.0.1:{port}/"),
    # URLs that parsers disagree about
    *("http://127.0.0.1:{port}#@example.com/", "http://127.0.0.1:{port}?@example.com/", "http:127.0.0.1:{port}/"),
    *("http:///127.0.0.1:{port}/", "http:\\\\127.0.0.1:{port}\\", "//127.0.0.1:{port}/", "127.0.0.1:{port}"),
    *("http://127.0.0.1:{port}\\@example.com/", "http://127.0.0.1\t:{port}/", " http://127.0.0.1:{port}/"),
    *("http://127.0.0.1:{port}/\r\nX-Other: 1", "HTTP://127.0.0.1:{port}/", "https://127.0.0.1:{port}/"),
    # other schemes
    *("gopher://127.0.0.1:{port}/_x", "dict://127.0.0.1:{port}/x", "ftp://127.0.0.1:{port}/", "ws://127.0.0.1:{port}/"),
    *("file:///etc/passwd", "unix:///run/x.sock", "http+unix://%2Frun%2Fx.sock/", "jar:http://127.0.0.1:{port}!/"),
)  # fmt: skip


@dataclass
class Canary:
    """A server inside, on both loopback addresses. Nobody whom a user sends may come here."""

    port: int = 0
    connections: int = 0
    heard: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.heard.append(await reader.read(1000))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
        writer.close()


@asynccontextmanager
async def canary() -> AsyncIterator[Canary]:
    bird = Canary()
    async with await asyncio.start_server(bird.serve, "127.0.0.1", 0) as server:
        bird.port = server.sockets[0].getsockname()[1]
        async with await asyncio.start_server(bird.serve, "::1", bird.port):
            yield bird
