"""The voice WebSocket on the whole media role and the real database: a call like any other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any, cast

import pytest
from fastapi import FastAPI

from tests.api.conftest import Hire, Person, _quiet, ann, anyone, app, body, bus, hire, join, root, settings
from tests.media.test_media_role import Role as MediaRole
from tests.media.test_media_role import nodes
from tests.media.voice import VoiceClient, voice
from tests.operations.platform import eventually
from voiceera import clock
from voiceera.api.depends import Backend
from voiceera.config import Settings
from voiceera.rules.permissions import Role
from voiceera.services.live import watch
from voiceera.store.base import Database
from voiceera.worker.reaper import Reaper

__all__ = ["_quiet", "ann", "anyone", "app", "bus", "hire", "join", "root", "settings"]

FLOW = {
    "start": "ask",
    "steps": {
        "ask": {
            "kind": "ask",
            "text": "Hello {{name | there}}, press one.",
            "expect": {"type": "keypad", "digits": 1},
            "save_as": "key",
            "next": "bye",
        },
        "bye": {"kind": "end", "text": "Goodbye.", "disposition": "pressed"},
    },
}


@pytest.fixture
async def media(database: Database, settings: Settings) -> AsyncIterator[MediaRole]:
    media = MediaRole(database, settings.data_dir)
    media.settings = settings.model_copy(update={"media_port": 0, "media_capacity": 7, "drain_seconds": 30})
    yield media
    await media.end()


@pytest.fixture
async def agent(ann: Person) -> dict[str, Any]:
    spoken = {"stt_provider": "scripted", "tts_provider": "scripted"}
    made = await ann.post("/agents", name="Anna", flow=FLOW, success_dispositions=["pressed"], **spoken)
    return cast(dict[str, Any], made)


async def talk(client: VoiceClient) -> None:
    """The question is heard to its end, and answered by a key."""
    assert (await client.hear("response"))["text"] == "Hello Ada, press one."
    await client.hear("status", status="listening")
    await client.say("dtmf", digit="1")
    assert await client.hear("status", status="ended", cause="agent_ended", disposition="pressed")
    assert await client.closed_with() == 1000


async def test_a_call_over_the_voice_socket_is_a_call_like_any_other(
    media: MediaRole, ann: Person, agent: dict[str, Any]
) -> None:
    async with voice(await media.start()) as client:
        accepted = await client.auth(ann.tokens["token"], agent["id"], variables={"name": "Ada"})
        assert accepted["agent"] == {"id": agent["id"], "name": "Anna", "version": 1}
        call_id = (await client.hear("ready"))["call_id"]
        live = await ann.get(f"/call-logs/{call_id}")
        assert (live["direction"], live["status"], live["contact_name"]) == ("browser", "in_progress", "Ada")
        assert await client.hear("audio")
        await client.say("metadata", metadata={"page": "pricing"})
        await talk(client)
    call = await ann.get(f"/call-logs/{call_id}")
    assert (call["status"], call["disposition"], call["hangup_cause"]) == ("completed", "pressed", "agent_ended")
    assert call["variables"] == {"name": "Ada", "page": "pricing"}
    assert (await ann.get("/call-logs", direction="browser"))["total"] == 1
    transcript = await ann.get(f"/call-logs/{call_id}/transcript")
    assert [each["speaker"] for each in transcript["segments"]] == ["agent", "caller", "agent"]
    recording = await ann.get(f"/call-recordings/{call_id}")
    assert (recording["channels"], recording["sample_rate"]) == (2, 16000)


async def test_it_is_followed_live_like_any_other(media: MediaRole, ann: Person, agent: dict[str, Any]) -> None:
    async with voice(await media.start()) as client:
        await client.auth(ann.tokens["token"], agent["id"], variables={"name": "Ada"})
        channel = f"call:{(await client.hear('ready'))['call_id']}"
        listening, seen = asyncio.Event(), set[str]()

        async def follow() -> None:
            async with aclosing(media.bus.subscribe(channel, listening)) as messages:
                async for message in messages:
                    seen.add(str(message["kind"]))

        following = asyncio.create_task(follow())
        await listening.wait()
        await watch(media.bus, channel)
        await client.hear("response", is_final=True)
        await client.say("dtmf", digit="1")
        assert await client.hear("status", status="ended")

        async def kinds() -> set[str]:
            return seen

        await eventually(kinds, lambda found: {"floor", "turn", "call_state"} <= found)
        following.cancel()


async def test_an_api_key_opens_it_and_who_may_only_read_does_not(
    media: MediaRole, ann: Person, hire: Hire, agent: dict[str, Any]
) -> None:
    port = await media.start()
    viewer = await hire(ann, Role.VIEWER)
    writes, reads = [(await ann.post("/api-keys", name=scope, scope=scope))["key"] for scope in ("write", "read")]
    codes = {}
    for name, token in {"writes": writes, "reads": reads, "viewer": viewer.tokens["token"], "none": "x"}.items():
        async with voice(port) as client:
            answer = await client.auth(token, agent["id"])
            codes[name] = answer.get("error", {}).get("code")
    assert codes == {"writes": None, "reads": "AUTH_004", "viewer": "AUTH_004", "none": "AUTH_003"}


async def test_another_organizations_agent_is_none_and_one_that_sleeps_takes_no_calls(
    media: MediaRole, ann: Person, app: FastAPI, root: Person, agent: dict[str, Any]
) -> None:
    port = await media.start()
    theirs = await root.post("/agents", name="Theirs", flow=FLOW)
    asleep = await ann.post("/agents", name="Asleep", flow=FLOW, status="inactive")
    for agent_id, code in ((theirs["id"], "AGENT_001"), (asleep["id"], "CALL_002")):
        async with voice(port) as client:
            answer = await client.auth(ann.tokens["token"], agent_id)
            assert answer["error"]["code"] == code
            assert await client.closed_with() == 1008


async def test_one_user_holds_only_so_many_calls_at_a_time(
    media: MediaRole, ann: Person, agent: dict[str, Any]
) -> None:
    media.settings = media.settings.model_copy(update={"voice_calls_per_user": 1})
    port = await media.start()
    async with voice(port) as first:
        await first.auth(ann.tokens["token"], agent["id"])
        async with voice(port) as second:
            assert (await second.auth(ann.tokens["token"], agent["id"]))["error"]["code"] == "RATE_001"
            assert await second.closed_with() == 1008
        await first.say("control", action="end")
        assert await first.closed_with() == 1000
    async with voice(port) as third:
        assert (await third.auth(ann.tokens["token"], agent["id"]))["status"] == "success"


async def test_in_maintenance_only_administrators_call(media: MediaRole, ann: Person, root: Person) -> None:
    port = await media.start()
    hers = (await ann.post("/agents", name="Anna", flow=FLOW))["id"]
    theirs = (await root.post("/agents", name="Anna", flow=FLOW))["id"]
    await root.post("/admin/system/maintenance", 200, enabled=True)

    async def answer_to_her() -> str | None:
        async with voice(port) as client:
            answer = await client.auth(ann.tokens["token"], hers)
            code: str | None = answer.get("error", {}).get("code")
            return code

    await eventually(answer_to_her, lambda code: code == "MAINTENANCE_001")
    async with voice(port) as client:
        assert (await client.auth(root.tokens["token"], theirs))["status"] == "success"


async def test_the_api_hangs_it_up(media: MediaRole, ann: Person, agent: dict[str, Any]) -> None:
    async with voice(await media.start()) as client:
        await client.auth(ann.tokens["token"], agent["id"])
        call_id = (await client.hear("ready"))["call_id"]
        ended = asyncio.create_task(client.hear("status", status="ended"))
        await ann.post(f"/calls/{call_id}/hangup", 200)
        async with asyncio.timeout(20):
            while not ended.done():  # the command may outrun the bus: asked again, until it is over
                again = await ann.client.post(f"/calls/{call_id}/hangup")
                assert again.status_code in (200, 409)
                await asyncio.wait([ended], timeout=0.2)
        assert ended.result()["cause"] == "requested"
        assert await client.closed_with() == 1000
    assert (await ann.post(f"/calls/{call_id}/hangup", 409))["code"] == "CALL_002"


async def test_a_process_that_drains_has_no_room_and_says_what_it_still_holds(
    media: MediaRole, ann: Person, agent: dict[str, Any], database: Database
) -> None:
    async with voice(await media.start()) as client:
        await client.auth(ann.tokens["token"], agent["id"])
        assert await client.hear("ready")
        media.stop.set()
        await eventually(lambda: nodes(database), lambda found: not found)  # those with room
        async with database.platform() as connection:
            held = (await connection.exec_driver_sql("SELECT live, capacity FROM media_nodes")).all()
        assert [tuple(row) for row in held] == [(1, 0)]
        await client.say("control", action="end")
        assert await client.closed_with() == 1000


async def test_a_call_whose_process_has_gone_is_given_up_and_keeps_what_was_said(
    media: MediaRole, ann: Person, agent: dict[str, Any], app: FastAPI, database: Database
) -> None:
    backend: Backend = app.state.backend
    async with voice(await media.start()) as client:
        await client.auth(ann.tokens["token"], agent["id"], variables={"name": "Ada"})
        call_id = (await client.hear("ready"))["call_id"]
        later = clock.utc_now() + timedelta(minutes=2)
        reaper = Reaper(database, backend.bus, backend.trunks, now=lambda: later)
        await reaper.round()
        lost = await ann.get(f"/call-logs/{call_id}")
        assert (lost["status"], lost["error"]) == ("failed", "conversation_lost")
        await talk(client)
    kept = await ann.get(f"/call-logs/{call_id}")
    assert kept["status"] == "failed", "a finished call never changes again"
    segments = body(await ann.client.get(f"/call-logs/{call_id}/transcript"), 200)["segments"]
    assert len(segments) == 3
