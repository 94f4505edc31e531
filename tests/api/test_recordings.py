import io
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest
import soundfile
import time_machine
from sqlalchemy import text

from tests.api.calls import SECONDS, CallBook, book_of, result, same_answer
from tests.api.conftest import Person, body
from tests.api.test_call_logs import make_viewer
from tests.test_transcript_files import read_srt, read_vtt
from voiceera.config import Settings
from voiceera.errors import NotFound
from voiceera.services.close import close
from voiceera.services.sound_archive import LOCAL, SoundArchive
from voiceera.store.base import Database


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


@pytest.fixture
async def call_id(book: CallBook) -> str:
    return await book.held()


@pytest.fixture
def sound(call_id: str, tmp_path: Path) -> bytes:
    return file_of(call_id, tmp_path).read_bytes()


def file_of(call_id: str, directory: Path) -> Path:
    return next(directory.rglob(f"{call_id}.wav"))


async def fetch(client: httpx.AsyncClient, call_id: str, method: str = "GET", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.request(method, f"/call-recordings/{call_id}/download", headers=named)


async def signed_path(person: Person, call_id: str) -> str:
    return str((await person.get(f"/call-recordings/{call_id}"))["download_url"])


async def test_a_recording_is_what_the_file_is(ann: Person, call_id: str, sound: bytes) -> None:
    shown = await ann.get(f"/call-recordings/{call_id}")
    assert (shown["size_bytes"], shown["sha256"]) == (len(sound), sha256(sound).hexdigest())
    read, rate = soundfile.read(io.BytesIO(sound))
    assert (shown["sample_rate"], shown["channels"], shown["duration_seconds"]) == (rate, read.shape[1], SECONDS)
    assert shown["metadata"]["speakers"] == ["caller", "agent"]
    assert shown["metadata"]["phone_number"] == "+12025550101"
    assert len(shown["transcript"]) == 3
    (listed,) = (await ann.get("/call-recordings"))["items"]
    linkless = {"transcript", "download_url", "download_url_expires_at"}
    assert {name: listed[name] for name in listed if name not in linkless} == {
        name: shown[name] for name in shown if name not in linkless
    }


async def test_recordings_are_listed_by_what_their_calls_are(ann: Person, book: CallBook, call_id: str) -> None:
    other = await book.held(number="+12025550102")
    await book.add(status="busy")
    for query, expected in (
        ({}, [other, call_id]),
        ({"sort": "created_at"}, [call_id, other]),
        ({"phone_number": "+12025550102"}, [other]),
        ({"agent_id": str(book.agent_id), "status": "completed"}, [other, call_id]),
        ({"campaign_id": str(uuid4())}, []),
        ({"search": "there — <3"}, [other, call_id]),
        ({"date_to": "2020-01-01"}, []),
    ):
        page = await ann.get("/call-recordings", **query)
        assert [item["call_id"] for item in page["items"]] == expected, query
    await ann.get("/call-recordings", 422, sort="sha256")


async def test_the_download_is_the_file_with_the_agent_on_the_right(ann: Person, call_id: str, sound: bytes) -> None:
    answer = await fetch(ann.client, call_id)
    assert (answer.status_code, answer.content) == (200, sound)
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{sha256(sound).hexdigest()}"'
    assert answer.headers["content-disposition"] == f'attachment; filename="{call_id}.wav"'
    stereo, rate = soundfile.read(io.BytesIO(answer.content))
    highest = [int(np.argmax(np.abs(np.fft.rfft(channel))) * rate / len(channel)) for channel in stereo.T]
    assert highest == [220, 880]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=44-143", 44, 144), ("bytes=-100", -100, None), ("bytes=1000-", 1000, None)],
)
async def test_a_range_is_those_bytes_and_says_where_they_lie(
    ann: Person, call_id: str, sound: bytes, asked: str, start: int, end: int | None
) -> None:
    answer = await fetch(ann.client, call_id, range=asked)
    wanted = sound[start:end]
    first = start % len(sound)
    assert (answer.status_code, answer.content) == (206, wanted)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(wanted) - 1}/{len(sound)}"
    assert answer.headers["content-length"] == str(len(wanted))


async def test_ranges_put_together_are_the_file(ann: Person, call_id: str, sound: bytes) -> None:
    parts, at = b"", 0
    while at < len(sound):
        answer = await fetch(ann.client, call_id, range=f"bytes={at}-{at + 29_999}")
        assert answer.status_code == 206
        parts += answer.content
        at += len(answer.content)
    assert parts == sound


async def test_a_range_past_the_end_is_a_416_that_tells_the_size(ann: Person, call_id: str, sound: bytes) -> None:
    answer = await fetch(ann.client, call_id, range=f"bytes={len(sound)}-")
    assert body(answer, 416)["code"] == "RECORDING_003"
    assert answer.headers["content-range"] == f"bytes */{len(sound)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=5-4", "pages=1-2"])
async def test_what_is_no_single_range_gets_the_whole_file(
    ann: Person, call_id: str, sound: bytes, asked: str
) -> None:
    answer = await fetch(ann.client, call_id, range=asked)
    assert (answer.status_code, answer.content) == (200, sound)


async def test_conditions_go_by_the_entity_tag(ann: Person, call_id: str, sound: bytes) -> None:
    tag = f'"{sha256(sound).hexdigest()}"'
    assert (await fetch(ann.client, call_id, if_none_match=f'"x", {tag}')).status_code == 304
    assert (await fetch(ann.client, call_id, if_none_match='"x"')).status_code == 200
    assert (await fetch(ann.client, call_id, range="bytes=0-0", if_range=tag)).status_code == 206
    assert (await fetch(ann.client, call_id, range="bytes=0-0", if_range='"x"')).content == sound


async def test_head_tells_the_size_and_sends_nothing(ann: Person, call_id: str, sound: bytes) -> None:
    answer = await fetch(ann.client, call_id, "HEAD", range="bytes=0-0")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(sound))
    assert answer.headers["content-type"] == "audio/wav"
    assert (await fetch(ann.client, str(uuid4()), "HEAD")).status_code == 404


async def test_a_signed_link_needs_no_token_and_opens_one_recording(
    ann: Person, anyone: httpx.AsyncClient, book: CallBook, call_id: str, sound: bytes
) -> None:
    path = await signed_path(ann, call_id)
    assert (await anyone.get(path)).content == sound
    assert (await anyone.get(path, headers={"range": "bytes=0-3"})).content == b"RIFF"
    assert (await anyone.head(path)).status_code == 200
    other = await book.held()
    answer = await anyone.get(path.replace(call_id, other))
    assert body(answer, 401)["code"] == "AUTH_003"
    assert body(await fetch(anyone, call_id), 401)["code"] == "AUTH_003", "without any"


@pytest.mark.parametrize("at", [0, 5, 33, 42, 44, -1])
async def test_a_link_with_one_character_changed_opens_nothing(
    ann: Person, anyone: httpx.AsyncClient, call_id: str, at: int
) -> None:
    path, _, token = (await signed_path(ann, call_id)).partition("?token=")
    changed = [*token]
    changed[at] = "8" if changed[at] != "8" else "9"
    answer = await anyone.get(path, params={"token": "".join(changed)})
    assert body(answer, 401)["code"] == "AUTH_003"


@pytest.mark.parametrize("token", ["", ".", "..", "nonsense", "é.1.2", "0" * 32 + ".99999999999999999999.00"])
async def test_a_made_up_link_opens_nothing_even_beside_a_good_token(ann: Person, call_id: str, token: str) -> None:
    answer = await ann.client.get(f"/call-recordings/{call_id}/download", params={"token": token})
    assert body(answer, 401)["code"] == "AUTH_003"


async def test_a_link_is_good_for_minutes_only(ann: Person, anyone: httpx.AsyncClient, call_id: str) -> None:
    shown = await ann.get(f"/call-recordings/{call_id}")
    expires_at = datetime.fromisoformat(shown["download_url_expires_at"])
    assert timedelta(minutes=9) < expires_at - datetime.now(UTC) <= timedelta(minutes=10)
    with time_machine.travel(expires_at - timedelta(seconds=2), tick=False):
        assert (await anyone.get(shown["download_url"])).status_code == 200
    with time_machine.travel(expires_at, tick=False):
        assert body(await anyone.get(shown["download_url"]), 401)["code"] == "AUTH_002"


async def test_a_deleted_recording_is_gone_and_its_call_stays(
    ann: Person, anyone: httpx.AsyncClient, call_id: str, tmp_path: Path
) -> None:
    path = await signed_path(ann, call_id)
    file = file_of(call_id, tmp_path)
    await ann.delete(f"/call-recordings/{call_id}")
    assert not file.exists()
    for gone in (f"/call-recordings/{call_id}", f"/call-recordings/{call_id}/download"):
        assert (await ann.get(gone, 404))["code"] == "RECORDING_001"
    assert (await anyone.get(path)).status_code == 404
    assert (await ann.delete(f"/call-recordings/{call_id}", 404))["code"] == "RECORDING_001"
    assert (await ann.get("/call-recordings"))["total"] == 0
    call = await ann.get(f"/call-logs/{call_id}")
    assert (call["recording_url"], len(call["transcript"])) == (None, 3)
    assert len((await ann.get(f"/call-recordings/{call_id}/transcript"))["segments"]) == 3


async def test_a_conversation_told_again_brings_no_deleted_recording_back(
    ann: Person, book: CallBook, call_id: str
) -> None:
    brief = await book.brief(UUID(call_id))
    told = result(Path(brief.recording_path))
    await ann.delete(f"/call-recordings/{call_id}")
    await close(book.database, brief, told, datetime.now(UTC))
    assert (await ann.get(f"/call-recordings/{call_id}", 404))["code"] == "RECORDING_001"


async def test_a_download_that_has_begun_outlives_the_file(book: CallBook, call_id: str, tmp_path: Path) -> None:
    path = file_of(call_id, tmp_path)
    whole = path.read_bytes()
    directory = book.settings.recordings_dir
    with await SoundArchive(directory).open(LOCAL, str(path.relative_to(directory))) as file:
        path.unlink()
        assert file.read() == whole


@pytest.mark.parametrize(
    "key", ["../keys/secret.key", "/etc/passwd", "a/../../keys/secret.key", "link/secret.key", ""]
)
async def test_no_key_leads_out_of_the_recordings(
    ann: Person, book: CallBook, call_id: str, tmp_path: Path, key: str
) -> None:
    assert (tmp_path / "keys" / "secret.key").exists()
    (book.settings.recordings_dir / "link").symlink_to(tmp_path / "keys")
    async with book.database.organization(book.organization_id) as connection:
        await connection.execute(text("UPDATE recordings SET key = :key"), {"key": key})
    assert (await ann.get(f"/call-recordings/{call_id}/download", 404))["code"] == "RECORDING_001"
    with pytest.raises(NotFound):
        await SoundArchive(book.settings.recordings_dir).open(LOCAL, key)
    await ann.delete(f"/call-recordings/{call_id}", 404)
    assert (tmp_path / "keys" / "secret.key").exists()


@pytest.mark.parametrize("name", ["..%2F..%2Fkeys%2Fsecret.key", "%2e%2e", "..", "secret.key", "%00"])
async def test_only_an_id_names_a_recording(ann: Person, name: str) -> None:
    answer = await ann.client.get(f"/call-recordings/{name}/download")
    assert answer.status_code in (404, 422)
    assert not answer.json()["success"]


async def test_a_file_that_has_been_lost_is_a_404(ann: Person, call_id: str, tmp_path: Path) -> None:
    file_of(call_id, tmp_path).unlink()
    assert (await ann.get(f"/call-recordings/{call_id}/download", 404))["code"] == "RECORDING_001"
    await ann.delete(f"/call-recordings/{call_id}")


async def test_the_transcript_is_the_call_logs(ann: Person, call_id: str) -> None:
    path = f"/call-recordings/{call_id}/transcript"
    assert await ann.get(path) == await ann.get(f"/call-logs/{call_id}/transcript")


async def test_the_transcript_comes_as_text_json_and_subtitles(ann: Person, call_id: str) -> None:
    async def file(format_: str) -> str:
        path = f"/call-recordings/{call_id}/transcript/download"
        answer = await ann.client.get(path, params={"format": format_} if format_ else None)
        assert answer.status_code == 200
        name = f"{call_id}.{format_ or 'txt'}"
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        return answer.text

    cues = read_srt(await file("srt"))
    assert cues == read_vtt(await file("vtt"))
    assert cues[1] == (2_100, 3_400, "Caller: Yes, I'll be there — <3 p.m.")
    assert json.loads(await file("json")) == await ann.get(f"/call-logs/{call_id}/transcript")
    assert await file("") == await file("txt")
    assert (await file("txt")).splitlines()[2] == "[00:04.012] Agent: Goodbye."
    path = f"/call-recordings/{call_id}/transcript/download"
    assert (await ann.get(path, 422, format="pdf"))["fields"][0]["field"] == "format"


async def test_another_tenants_recording_is_as_one_that_never_was(
    ann: Person, bob: Person, anyone: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    theirs = await (await book_of(database, settings, bob)).held()
    paths: list[tuple[str, str]] = [
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/download"),
        ("GET", "/transcript"),
        ("GET", "/transcript/download"),
    ]
    for method, tail in paths:
        assert (await same_answer(ann, method, "/call-recordings/{}" + tail, theirs))[0] == 404
    assert (await ann.get("/call-recordings"))["total"] == 0
    assert (await bob.get("/call-recordings"))["total"] == 1
    token: Any = (await signed_path(bob, theirs)).partition("?token=")[2]
    forged = f"{UUID(ann.organization_id).hex}.{token.partition('.')[2]}"
    answer = await anyone.get(f"/call-recordings/{theirs}/download", params={"token": forged})
    assert body(answer, 401)["code"] == "AUTH_003"


async def test_a_viewer_hears_recordings_and_erases_none(
    ann: Person, book: CallBook, call_id: str, sound: bytes
) -> None:
    await make_viewer(book.database, ann)
    assert (await fetch(ann.client, call_id)).content == sound
    assert (await ann.delete(f"/call-recordings/{call_id}", 403))["code"] == "AUTH_004"
    assert (await fetch(ann.client, call_id)).content == sound
