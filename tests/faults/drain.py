"""F6: the whole platform is told to stop while people talk. None of them is dropped, and nobody new comes in."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.media.test_voice_calls import FLOW
from tests.media.voice import VoiceClient, voice

AFTER_SECONDS = 5.0
"""How long they talk on."""


async def drain(calls: int) -> dict[str, Any]:
    """`voiceera serve` with so many live calls gets a SIGTERM; they go on, and end as they would have."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VOICEERA_")}
        environment |= {"VOICEERA_VOICE_CALLS_PER_USER": str(calls)}
        environment |= {"VOICEERA_API_PORT": "0", "VOICEERA_MEDIA_PORT": "0", "VOICEERA_DATA_DIR": folder}
        serve = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "voiceera", "serve"),
            stdout=PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
        try:
            return await _drained(serve, calls)
        finally:
            if serve.returncode is None:
                serve.kill()
                await serve.wait()


async def _drained(serve: asyncio.subprocess.Process, calls: int) -> dict[str, Any]:
    api, media = await _addresses(serve)
    async with httpx.AsyncClient(base_url=api, timeout=30) as client, AsyncExitStack() as stack:
        token, agent_id = await _agent(client)
        talkers: list[VoiceClient] = []
        for _ in range(calls):
            talker = await stack.enter_async_context(voice(media))
            assert (await talker.auth(token, agent_id))["status"] == "success"
            talkers.append(talker)
        for talker in talkers:
            await talker.hear("status", status="listening")
            await talker.hear("response", is_final=True)
        serve.send_signal(signal.SIGTERM)
        refused_after = await _until_refused(media, token)
        await asyncio.sleep(AFTER_SECONDS)
        for talker in talkers:
            await talker.say("dtmf", digit="1")
        ended = await asyncio.gather(*(talker.hear("status", status="ended") for talker in talkers))
    return {
        "live": calls,
        "refused_after_seconds": round(refused_after, 3),
        "ended_as_they_would_have": sum(each["disposition"] == "pressed" for each in ended),
        "exit_status": await asyncio.wait_for(serve.wait(), 60),
    }


async def _until_refused(media: int, token: str) -> float:
    began = monotonic()
    while True:
        try:
            async with connect(f"ws://127.0.0.1:{media}/voice"):
                await asyncio.sleep(0.01)
        except InvalidStatus as refused:
            assert refused.response.status_code == 503
            return monotonic() - began


async def _addresses(serve: asyncio.subprocess.Process) -> tuple[str, int]:
    """The API's URL and the media process's port, as `serve` prints them."""
    assert serve.stdout is not None
    found: dict[str, str] = {}
    while "data" not in found:
        line = (await asyncio.wait_for(serve.stdout.readline(), 60)).decode().split()
        if len(line) >= 2:
            found[line[0]] = line[1]
    return found["API"], int(found["media"].rpartition(":")[2])


async def _agent(client: httpx.AsyncClient) -> tuple[str, str]:
    person = {"email": "a@example.com", "password": "correct horse battery"}
    (await client.post("/auth/register", json={**person, "first_name": "A", "last_name": "B"})).raise_for_status()
    token = (await client.post("/auth/login", json=person)).json()["data"]["token"]
    patient = {"reprompt_after": 60, "silence_hangup": 120}
    agent = {
        "name": "Anna",
        "flow": FLOW,
        "stt_provider": "scripted",
        "tts_provider": "scripted",
        "conversation": patient,
    }
    made = await client.post("/agents", json=agent, headers={"Authorization": f"Bearer {token}"})
    return token, json.loads(made.text)["data"]["id"]
