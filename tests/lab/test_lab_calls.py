"""Calls over the vendor's REST paths: what rings, what is called back, what the lists show."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.agent import (
    AUTH_ID,
    AUTH_TOKEN,
    CALLEE,
    REFERENCE,
    Agent,
    Lab,
    MediaEnd,
    running_lab,
    serving,
)
from voiceera.lab.ledger import Event
from voiceera.lab.main import LabOptions
from voiceera.rules.audio import ULAW_8K
from voiceera.rules.key_tones import sound_of

QUICK = {"ring_seconds": [0.05, 0.1]}
LabMaker = Callable[..., AbstractAsyncContextManager[Lab]]


@pytest.fixture
def make_lab(tmp_path: Path) -> LabMaker:
    def make(callees: dict[str, Any] | None = None, **options: Any) -> AbstractAsyncContextManager[Lab]:
        file = tmp_path / "callees.yaml"
        file.write_text(yaml.safe_dump({"default": QUICK} | (callees or {})))
        made = LabOptions(
            port=0, auth_id=AUTH_ID, auth_token=AUTH_TOKEN, callees=file, ledger=tmp_path / "ledger.jsonl"
        )
        return running_lab(replace(made, **options))

    return make


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    async with serving(Agent(xml="<Response><Hangup/></Response>")) as agent:
        yield agent


async def test_keys_that_the_agent_sounds_are_in_the_ledger(make_lab: LabMaker) -> None:
    async def talk(end: MediaEnd) -> None:
        await end.event("start")
        await end.play(sound_of("42#", ULAW_8K))
        await asyncio.sleep(2)

    answering = {"default": QUICK | {"opening": [{"pause": 3}]}}
    async with serving(Agent(ULAW_8K, talk)) as agent, make_lab(answering) as lab:
        assert (await lab.dial(agent)).status_code == 201
        [pressed] = await lab.until(Event.AGENT_PRESSED)
    assert pressed.digits == "42#"


async def test_a_call_rings_is_answered_and_hung_up_and_each_is_called_back(make_lab: LabMaker, agent: Agent) -> None:
    async with make_lab() as lab:
        placed = await lab.dial(agent)
        assert placed.status_code == 201
        [hangup] = await lab.until(Event.HANGUP)
        await lab.until(Event.CALLBACK, 3)
    assert agent.kinds() == ["ringing", "answer", "hangup"]
    uuid = placed.json()["request_uuid"]
    assert {callback.form["CallUUID"] for callback in agent.callbacks} == {uuid}
    assert [callback.form["CallStatus"] for callback in agent.callbacks] == ["ringing", "in-progress", "completed"]
    assert agent.callbacks[2].form["HangupCauseName"] == "Normal Hangup"
    assert agent.callbacks[0].form["To"] == CALLEE.lstrip("+")
    assert hangup.call_uuid == uuid and hangup.reference == REFERENCE and hangup.number == CALLEE
    assert [row.event for row in lab.rows() if row.event is not Event.CALLBACK] == [
        Event.DIAL_REQUEST,
        Event.RING,
        Event.ANSWERED,
        Event.HANGUP,
    ]
