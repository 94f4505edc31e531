"""Calls that an organization of the API has had, written through the real services, each with a real sound file."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import soundfile

from tests.api.conftest import Person
from tests.api.jobs import do_due
from voiceera.config import Settings
from voiceera.ids import new_id
from voiceera.providers.outbound import allow_list
from voiceera.rules.agents import AgentConfig
from voiceera.rules.audio import ULAW_8K
from voiceera.rules.calls import (
    AnsweredBy,
    CallBrief,
    CallResult,
    Direction,
    HangupCause,
    RecordingFile,
    Speaker,
    TurnLatency,
    TurnRecord,
)
from voiceera.rules.sound_files import recording_key
from voiceera.services.close import close
from voiceera.services.connections import Connections
from voiceera.store import calls
from voiceera.store.base import Database
from voiceera.store.vault import Vault
from voiceera.worker.analysis import analysis

LATENCY = TurnLatency(total_ms=612.5, endpointing_ms=400, stt_ms=90, brain_ms=2, tts_ms=80.5, platform_ms=40)
TURNS = (
    TurnRecord(Speaker.AGENT, "Will you come on Monday?", 0, 1_800),
    TurnRecord(Speaker.CALLER, "Yes, I'll be there — <3 p.m.", 2_100, 3_400, 0.91, step="ask", result="yes"),
    TurnRecord(Speaker.AGENT, "Goodbye.", 4_012, 4_900, interrupted=True, latency=LATENCY),
)
SECONDS = 5.0


@dataclass
class CallBook:
    """Writes calls for `person`'s organization."""

    database: Database
    settings: Settings
    person: Person
    agent_id: UUID

    @property
    def organization_id(self) -> UUID:
        return UUID(self.person.organization_id)

    async def add(self, *, number: str = "+12025550101", status: str = "completed", **values: Any) -> str:
        """A call without a conversation."""
        call_id = new_id()
        row = {"organization_id": self.organization_id, "id": call_id, "agent_id": self.agent_id, "agent_version": 1}
        row |= {"direction": "outbound", "status": status, "phone_number": number, "created_at": datetime.now(UTC)}
        async with self.database.organization(self.organization_id) as connection:
            await calls.add(connection, row | values)
        return str(call_id)

    async def held(self, turns: tuple[TurnRecord, ...] = TURNS, **values: Any) -> str:
        """A call that was talked on and recorded: the caller hums low on the left, the agent high on the right."""
        call_id = UUID(await self.add(**{"direction": "browser", **values}))
        brief = await self.brief(call_id)
        await close(self.database, brief, result(Path(brief.recording_path), turns), datetime.now(UTC))
        return str(call_id)

    async def analyse(self, now: datetime | None = None, *, allow: str = "") -> int:
        """Analyze all calls that are due, as a worker does; how many there were. `allow`: inside addresses."""
        connections = Connections(self.database, Vault.load(self.settings), allow_list(allow))
        try:
            return await do_due(self.database, analysis(self.database, connections), now)
        finally:
            await connections.close()

    async def brief(self, call_id: UUID) -> CallBrief:
        async with self.database.organization(self.organization_id) as connection:
            call = await calls.get(connection, self.organization_id, call_id)
        assert call is not None
        path = self.settings.recordings_dir / recording_key(self.organization_id, call_id, call.created_at)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sound(path)
        agent = AgentConfig(name="Clara")
        ids = (self.organization_id, call_id, self.agent_id)
        return CallBrief(*ids, 1, agent, Direction(call.direction), {}, str(path))


def write_sound(path: Path) -> None:
    at = np.arange(int(SECONDS * 8_000)) / 8_000
    stereo = np.stack([np.sin(2 * np.pi * 220 * at), np.sin(2 * np.pi * 880 * at)], axis=1) / 4
    soundfile.write(path, stereo, 8_000, subtype="PCM_16")


def hum(seconds: float, rate: int = 22_050, hertz: float = 440.0, channels: int = 1, form: str = "WAV") -> bytes:
    """A sound file of one tone."""
    at = np.arange(int(seconds * rate)) / rate
    tone = np.repeat(np.sin(2 * np.pi * hertz * at)[:, None] / 3, channels, axis=1)
    written = BytesIO()
    soundfile.write(written, tone, rate, format=form)
    return written.getvalue()


def result(path: Path, turns: tuple[TurnRecord, ...] = TURNS) -> CallResult:
    ended_at = datetime.now(UTC)
    return CallResult(
        started_at=ended_at - timedelta(seconds=SECONDS),
        ended_at=ended_at,
        cause=HangupCause.AGENT_ENDED,
        answered_by=AnsweredBy.HUMAN,
        audio_format=ULAW_8K,
        disposition="confirmed",
        turns=turns,
        results={"coming": "yes"},
        recording=RecordingFile(str(path), 8_000, 2, SECONDS, path.stat().st_size),
    )


def saying(text: str) -> tuple[TurnRecord, ...]:
    return (replace(TURNS[0], text=text),)


async def book_of(database: Database, settings: Settings, person: Person) -> CallBook:
    agent = await person.post("/agents", name="Clara")
    return CallBook(database, settings, person, UUID(agent["id"]))


async def same_answer(person: Person, method: str, template: str, theirs: str, json: Any = None) -> tuple[int, Any]:
    """The answer to a path with another tenant's id, which must be that to an id that never was."""
    answers = []
    for each in (theirs, str(new_id())):
        response = await person.client.request(method, template.format(each), json=json)
        document = response.json()
        del document["timestamp"]
        answers.append((response.status_code, document))
    assert answers[0] == answers[1], (method, template)
    return answers[0]
