"""One real call: every role of the platform, and the lab's network, whose ledger is the evidence."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from voiceera.config import Settings
from voiceera.demo.api_client import ApiClient
from voiceera.demo.flow import APPOINTMENT
from voiceera.demo.lab_process import LabProcess, running_lab
from voiceera.demo.stage import Person, set_stage
from voiceera.lab.callees.cast import WIDEBAND_PREFIX, demo_cast
from voiceera.lab.callees.directory import dump_directory
from voiceera.lab.ledger import Event, Row, read_ledger
from voiceera.roles.serve import running_platform
from voiceera.rules.words import words_of

NEAR_SECONDS = 2.0
"""How far apart the network's clock and the recording's may put the same words."""
GREETING = {"name": "Olivia", "day": "Tuesday, June the second", "time": "eleven"}


def settings_of(directory: Path, lab: LabProcess) -> Settings:
    reach = f"127.0.0.1/32:{lab.port}"
    return Settings(data_dir=directory, api_port=0, media_port=0, outbound_allow=reach, drain_seconds=0)


async def finished_call(api: ApiClient, agent_id: str, number: str) -> Any:
    """Place it, and follow it until it is over."""
    asked = await api.post("/calls", {"agent_id": agent_id, "to": number, "variables": GREETING})
    async with asyncio.timeout(120), aclosing(api.events(f"/calls/{asked['id']}/events", lambda: None)) as events:
        async for event in events:
            if event["kind"] == "call_state" and event["outcome"] is not None:
                break
    return await api.get(f"/call-logs/{asked['id']}")


def share(heard: str, said: str) -> float:
    """How many of the words said were heard."""
    words = words_of(said)
    return sum(word in words_of(heard) for word in words) / len(words)


@pytest.mark.slow
@pytest.mark.consequence("POST /agents")
@pytest.mark.consequence("GET /call-logs/{call_id}/transcript")
async def test_an_agent_speaks_its_greeting_and_the_transcript_is_what_the_ledger_heard_and_said(
    open_directory: Path,
) -> None:
    (callee,) = demo_cast(1, seed=1)
    callees = open_directory / "callees.yaml"
    callees.write_text(dump_directory({callee.number: callee.script}), encoding="utf-8")
    async with running_lab(open_directory, callees, seed=1, scramble=False) as (lab, lab_is_up):
        async with running_platform(settings_of(open_directory, lab), output=open_directory / "log") as platform:
            await lab_is_up
            api = ApiClient(platform.api_url)
            try:
                person = Person(callee.name, callee.number, callee.role, GREETING)
                await set_stage(api, lab, [person], "correct horse battery", [WIDEBAND_PREFIX])
                agent = await api.post("/agents", {"name": "Anna", "flow": APPOINTMENT.model_dump(mode="json")})
                call = await finished_call(api, agent["id"], callee.number)
                transcript = await api.get(f"/call-logs/{call['id']}/transcript")
            finally:
                await api.close()
        rows = [row for row in read_ledger(lab.ledger) if row.number == callee.number]
    assert call["status"] == "completed"
    check_greeting(rows, transcript["segments"])
    check_callers_words(rows, transcript["segments"])


def check_greeting(rows: list[Row], segments: list[Any]) -> None:
    """What the callee heard first is the flow's first question, filled in; the transcript says so, too."""
    heard = next(row.words for row in rows if row.event is Event.HEARD)
    spoken = next(segment["text"] for segment in segments if segment["speaker"] == "agent")
    assert "Olivia" in spoken and "Riverside Dental" in spoken
    assert share(spoken, heard) > 0.6, (spoken, heard)


def check_callers_words(rows: list[Row], segments: list[Any]) -> None:
    """Whatever the callee said stands in the transcript, at its time and mostly in its words."""
    opened = next(row.at for row in rows if row.event is Event.MEDIA_OPENED)
    said = [row for row in rows if row.event is Event.SAID]
    caller = [segment for segment in segments if segment["speaker"] == "caller"]
    assert said and len(caller) == len(said)
    for row, segment in zip(said, caller, strict=True):
        assert segment["start_ms"] / 1000 == pytest.approx(row.start - opened, abs=NEAR_SECONDS)
    everything_heard = " ".join(segment["text"] for segment in caller)
    assert share(everything_heard, " ".join(row.words for row in said)) > 0.5
