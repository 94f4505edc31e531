"""Bodies that want all the memory, at a real API process whose memory is read from the kernel."""

import asyncio
import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.test_campaigns import make_campaign
from tests.operations.platform import Platform, platform
from tests.test_contact_files import workbook

MOST_GROWTH = 100 << 20
UPLOAD_LIMIT = 20_000_000
SETTINGS = {"upload_limit_bytes": str(UPLOAD_LIMIT), "upload_bytes_per_minute": str(10**12)}

SPARSE = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>phone</t></is></c></row>'
    '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
)


def packed(name: str, megabytes: int) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as entry:
        for _ in range(megabytes):
            entry.write(bytes(1 << 20))
    return written.getvalue()


def understated(archive: bytes) -> bytes:
    """The same, whose directory says that each entry unpacks to ten bytes."""
    told, place = bytearray(archive), -1
    while (place := told.find(b"PK\x01\x02", place + 1)) >= 0:
        struct.pack_into("<I", told, place + 24, 10)
    return bytes(told)


def long_sheet() -> bytes:
    rows = (f'<row r="{n}"><c r="A{n}"><v>2025550123</v></c><c r="B{n}"><v>1</v></c></row>' for n in range(1, 60_000))
    return workbook("".join(rows))


def files() -> dict[str, bytes]:
    return {
        "a sheet of billions of cells": workbook(SPARSE),
        "a bomb": packed("xl/worksheets/sheet1.xml", 420),
        "an understated bomb": understated(packed("xl/worksheets/sheet1.xml", 420)),
        "a nested bomb": packed("a.zip", 300),
        "one line": b"phone\n" + b"2" * (UPLOAD_LIMIT - 1_000),
        "commas": b"phone,name\n" + b"," * (UPLOAD_LIMIT - 1_000),
        "quotes": b'phone\n"' + b"1\n" * 20_000,
        "nothing but lines": b"phone\n" + b"\n" * 3_000_000,
        "zeros": bytes(UPLOAD_LIMIT - 1_000),
        "gzip": b"\x1f\x8b\x08\x00" + bytes(1_000_000),
    }


class Memory:
    """What the process holds now, and the most that it held since `forget`."""

    def __init__(self, pid: int) -> None:
        self._directory = Path("/proc") / str(pid)

    def read(self, name: str) -> int:
        line = next(line for line in (self._directory / "status").read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) << 10

    def forget(self) -> int:
        (self._directory / "clear_refs").write_text("5")
        return self.read("VmRSS")


@pytest.mark.slow
async def test_no_body_takes_more_than_its_share_of_memory(open_directory: Path) -> None:
    async with platform(open_directory, **SETTINGS) as running:
        person = await running.person("ann@example.com")
        path = f"/campaigns/{(await make_campaign(person))['id']}/contacts/upload"
        memory = Memory(running.processes["api"].pid)
        await _upload(person.client, path, long_sheet())  # what a long workbook takes is taken by its own process
        before = memory.forget()
        statuses: dict[str, int] = {}
        for name, content in files().items():
            statuses[name] = (await _upload(person.client, path, content)).status_code
        for name, content in bodies().items():
            statuses[name] = (await person.client.post("/agents", content=content, headers=JSON)).status_code
        statuses |= await _forms(person.client, path)
        grown = memory.read("VmHWM") - before
        taken = {name: status for name, status in statuses.items() if not 400 <= status < 500}
        assert taken.keys() <= ROWS_ARE_REPORTED and set(taken.values()) <= {201}, taken
        assert grown <= MOST_GROWTH, f"{grown >> 20} MB"
        assert (await person.client.get("/agents")).status_code == 200, "and it goes on"
        await _refused_early(running, person.client.headers["Authorization"], path)


ROWS_ARE_REPORTED = {"quotes", "one line", "commas", "nothing but lines"}
"""Files whose title says phone: they are taken, and each row that does not fit is reported."""


def bodies() -> dict[str, bytes]:
    return {
        "many fields": json.dumps({f"field{n}": n for n in range(50_000)}).encode(),
        "many lists": b'{"flow": ' + b"[" + b"[]," * 300_000 + b"[]]}",
        "many steps": json.dumps(
            {"name": "a", "flow": {"start": "a", "steps": dict.fromkeys(map(str, range(40_000)), 1)}}
        ).encode(),
        "deep": b"[" * 450_000 + b"]" * 450_000,
        "long": b'"' + b"a" * 5_000_000 + b'"',
    }


JSON = {"Content-Type": "application/json"}


async def _upload(client: httpx.AsyncClient, path: str, content: bytes) -> httpx.Response:
    return await client.post(path, files={"file": ("people.csv", content, "text/csv")}, timeout=120)


async def _forms(client: httpx.AsyncClient, path: str) -> dict[str, int]:
    """Fields, which stay in memory, instead of a file, which does not."""
    fields = {f"field{n}": "x" * 1_000 for n in range(5_000)}
    long = {"mapping": "x" * 20_000_000}
    forms: dict[str, Any] = {
        "many fields in parts": {"files": {name: (None, value) for name, value in fields.items()}},
        "a long field in parts": {"files": {"mapping": (None, long["mapping"])}},
        "many fields": {"data": fields},
        "a long field": {"data": long},
    }
    return {f"form: {name}": (await client.post(path, **form)).status_code for name, form in forms.items()}


async def _refused_early(running: Platform, authorization: str, path: str) -> None:
    """Two gigabytes are not read to be refused."""
    parts = f"Content-Type: multipart/form-data; boundary=b\r\nAuthorization: {authorization}\r\n"
    head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    announced = await _raw(
        running, f"POST {path} HTTP/1.1\r\nHost: a\r\n{parts}Content-Length: 2000000000\r\n\r\n{head}"
    )
    assert announced.startswith(b"HTTP/1.1 413"), announced[:200]
    chunked = (
        f"POST {path} HTTP/1.1\r\nHost: a\r\n{parts}Transfer-Encoding: chunked\r\n\r\n{len(head):x}\r\n{head}\r\n"
    )
    assert (await _raw(running, chunked, endless=True)).startswith(b"HTTP/1.1 413")
    nobody = parts.replace(authorization, "Bearer nobody")
    stranger = await _raw(
        running, f"POST {path} HTTP/1.1\r\nHost: a\r\n{nobody}Content-Length: 30000000\r\n\r\n{head}"
    )
    assert stranger.startswith(b"HTTP/1.1 401"), stranger[:200]
    carrier = f"/carriers/plivo/{'0' * 8}-0000-7000-8000-{'0' * 12}/{'0' * 8}-0000-7000-8000-{'0' * 12}/hangup"
    form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 2000000000\r\n\r\n"
    called = await _raw(running, f"POST {carrier} HTTP/1.1\r\nHost: a\r\n{form}a=b")
    assert called.startswith((b"HTTP/1.1 413", b"HTTP/1.1 403")), called[:200]


async def _raw(running: Platform, request: str, *, endless: bool = False) -> bytes:
    """What is answered to a request that is never finished; with `endless`, one that goes on until it is answered."""
    url = running.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    answer = asyncio.create_task(reader.read(1_000))
    writer.write(request.encode())
    chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    sent = 0
    while endless and not answer.done():
        writer.write(chunk)
        sent += 1
        assert sent < 2_000, "it reads all of it"
        try:
            await writer.drain()
        except ConnectionError:
            break
    try:
        return await asyncio.wait_for(answer, 30)
    finally:
        writer.close()
