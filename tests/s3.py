"""A small S3: one bucket over a real socket, which checks every request's signature and forgets nothing.

Written from AWS's "Authenticating Requests: Using the Authorization Header (Signature Version 4)" and the S3 API
reference of PutObject, GetObject, HeadObject and DeleteObjects, path style.
"""

import asyncio
import hashlib
import hmac
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import quote, unquote

from tests.far_end import far_end

BUCKET, REGION, KEY_ID, SECRET = "calls", "eu-west-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<scope>[^,]+), ?SignedHeaders=(?P<signed>[^,]+),"
    r" ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass
class Bucket:
    """`objects`: key → bytes. `refuse`: an HTTP status that every request gets. `cut`: keeps that many bytes less."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    refuse: int = 0
    cut: int = 0
    forged: int = 0

    @property
    def options(self) -> dict[str, str]:
        named = {"region": REGION, "endpoint": self.url, "access_key_id": KEY_ID, "secret_access_key": SECRET}
        return named | {"virtual_hosted_style_request": "false"}


@asynccontextmanager
async def bucket() -> AsyncIterator[Bucket]:
    kept = Bucket()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await _answer(kept, reader, writer)

    async with far_end(serve) as port:
        kept.url = f"http://127.0.0.1:{port}"
        yield kept


async def _answer(kept: Bucket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    told: dict[str, str] = {}
    if kept.refuse:
        status, content = kept.refuse, b""
    elif not _is_signed(method, target, headers, body):
        kept.forged += 1
        status, content = 403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
    else:
        status, told, content = _do(kept, method, unquote(target.partition("?")[0]), headers, body)
    length = told.pop("Content-Length", str(len(content)))
    lines = [
        f"HTTP/1.1 {status} -",
        f"Content-Length: {length}",
        *(f"{name}: {value}" for name, value in told.items()),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode() + (b"" if method == "HEAD" else content))
    await writer.drain()


def _do(
    kept: Bucket, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    key = path.removeprefix(f"/{BUCKET}/")
    if method == "PUT":
        kept.objects[key] = body[: len(body) - kept.cut]
        return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b""
    if method == "POST":  # DeleteObjects, the only one there is
        named = [html.unescape(each) for each in re.findall(r"<Key>(.*?)</Key>", body.decode())]
        for each in named:
            kept.objects.pop(each, None)
        gone = "".join(f"<Deleted><Key>{html.escape(each)}</Key></Deleted>" for each in named)
        return 200, {"Content-Type": "application/xml"}, f"<DeleteResult>{gone}</DeleteResult>".encode()
    if key not in kept.objects:
        return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
    content = kept.objects[key]
    told = {"Last-Modified": formatdate(0, usegmt=True), "ETag": f'"{hashlib.md5(content).hexdigest()}"'}
    if method == "HEAD":
        return 200, told | {"Content-Length": str(len(content))}, b""
    if (asked := re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("range", ""))) is None:
        return 200, told, content
    first, last = int(asked[1]), min(int(asked[2]), len(content) - 1)
    return 206, told | {"Content-Range": f"bytes {first}-{last}/{len(content)}"}, content[first : last + 1]


def _is_signed(method: str, target: str, headers: dict[str, str], body: bytes) -> bool:
    told = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if told is None or told["id"] != KEY_ID:
        return False
    digest = headers["x-amz-content-sha256"]
    if digest not in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()):
        return False
    path, _, query = target.partition("?")
    names = told["signed"].split(";")
    signed = [f"{name}:{' '.join(headers[name].split())}\n" for name in names]
    query = "&".join(each if "=" in each else f"{each}=" for each in query.split("&") if each)
    request = "\n".join([method, quote(unquote(path)), query, "".join(signed), told["signed"], digest])
    string = ["AWS4-HMAC-SHA256", headers["x-amz-date"], told["scope"], hashlib.sha256(request.encode()).hexdigest()]
    key = f"AWS4{SECRET}".encode()
    for part in told["scope"].split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    expected = hmac.digest(key, "\n".join(string).encode(), "sha256").hex()
    return hmac.compare_digest(expected, told["signature"])
