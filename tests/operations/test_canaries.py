"""Secrets and personal data as canaries through every route, while all is well and while parts of the platform are
broken; then logs, answers and the database are searched for them in the clear."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

from tests.operations.platform import Platform, eventually, platform
from tests.operations.routes import Declared, declared
from tests.world import ANY_TIME
from voiceera.ids import new_id

EMAIL = "canary.person@canary-mail.example"
NUMBER = "+12025550187"
SPEECH = "zanzibar marmalade"
PASSWORD = "Canary-Password-Qx7"
WRONG_PASSWORD = "Canary-Guess-Qx8"
CARRIER_TOKEN = "canary-carrier-token-Qx9"
RESET_TOKEN = "canaryresettoken5Qx10canaryresettoken"
MEDIA_TOKEN = f"{new_id().hex}.canarymediatoken6Qx11"

PLIVO = {
    "name": "Our line",
    "type": "telephony",
    "provider": "plivo",
    "config": {"caller_ids": [NUMBER], "allowed_countries": ["US"], "base_url": "http://127.0.0.1:1"},
    "credentials": {"auth_id": "MACANARYCANARYQX1234", "auth_token": CARRIER_TOKEN},
}
FLOW = {"start": "bye", "steps": {"bye": {"kind": "end", "text": SPEECH}}}
ALL_DAY = {day: [{"start": "00:00", "end": "24:00"}] for day in ANY_TIME}


@dataclass
class Canaries:
    """`secrets` may stand nowhere but in the answer that hands them out; `personal` data not in logs."""

    secrets: set[str] = field(default_factory=lambda: {PASSWORD, WRONG_PASSWORD, CARRIER_TOKEN, RESET_TOKEN})
    personal: set[str] = field(default_factory=lambda: {EMAIL, NUMBER, NUMBER[1:], "zanzibar", "marmalade"})
    answers: list[tuple[str, str]] = field(default_factory=list)

    def found_in(self, text: str, *, personal: bool = True) -> set[str]:
        return {each for each in self.secrets | (self.personal if personal else set()) if each in text}

    def told(self, answer: httpx.Response) -> httpx.Response:
        self.answers.append((f"{answer.request.method} {answer.request.url.path} {answer.status_code}", answer.text))
        return answer


class Speaker:
    """Sends canaries, and keeps what is answered."""

    def __init__(self, client: httpx.AsyncClient, canaries: Canaries) -> None:
        self.client, self.canaries = client, canaries

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.canaries.told(await self.client.request(method, path, **options))

    async def make(self, path: str, **body: Any) -> Any:
        """What a POST makes: its answer hands out what it hands out."""
        answer = await self.client.post(path, json=body)
        assert answer.status_code < 300, (path, answer.text)
        return answer.json()["data"]

    async def through(self, route: Declared, place: str) -> None:
        query = dict.fromkeys(route.queries, SPEECH)
        for path in (route.filled(str(new_id())), route.filled(place)):
            if route.body == "form":
                files = {"file": (f"{SPEECH}.csv", f"phone,name\n{NUMBER},{SPEECH}\n{SPEECH},\n", "text/csv")}
                await self.send(route.method, path, files=files, data={"mapping": SPEECH})
            elif route.body == "json":
                await self.send(route.method, path, json=BODY)
                await self.send(route.method, path, content=json.dumps(BODY)[:-5], headers=JSON)
            else:
                await self.send(route.method, path, params=query)
                await self.send(route.method, path)


JSON = {"Content-Type": "application/json"}
BODY: dict[str, Any] = {
    "email": EMAIL,
    "password": PASSWORD,
    "new_password": PASSWORD,
    "current_password": WRONG_PASSWORD,
    "token": RESET_TOKEN,
    "refresh_token": RESET_TOKEN,
    "credentials": PLIVO["credentials"],
    "to": NUMBER,
    "phone_numbers": [NUMBER],
    "contacts": [{"phone_number": NUMBER, "name": SPEECH}],
    "phone_number": NUMBER,
    "name": SPEECH,
    "first_name": SPEECH,
    "notes": SPEECH,
    "greeting_message": SPEECH,
    "message": SPEECH,
    "variables": {"name": SPEECH},
    "flow": FLOW,
    "system_prompt": SPEECH,
}


def swept(app: FastAPI) -> Iterator[Declared]:
    """Every route but those that end what the sweep needs: its own session, its own user, the open door."""
    for route in declared(app):
        ends = route.path in ("/auth/logout", "/admin/system/maintenance") or route.path.endswith("/events")
        if not ends:
            yield route


@pytest.mark.slow
async def test_no_secret_and_nobodys_words_stand_in_the_clear(app: FastAPI, open_directory: Path) -> None:
    settings = {"log_level": "DEBUG", "login_tries_per_minute": "1000", "outbound_allow": "127.0.0.1/32:1"}
    async with platform(open_directory, "worker", "media", **settings) as running:
        media = running.addresses["media"]
        canaries = Canaries()
        speaker = await _signed_in(running, canaries)
        await _a_story(speaker)
        for route in swept(app):
            await speaker.through(route, NUMBER.replace("+", "%2B"))
        await _knock(media)
        await _break_tables(running)
        for route in swept(app):
            await speaker.through(route, str(new_id()))
        await _story_that_fails(speaker)
        os.kill(running.postgres.pid, signal.SIGKILL)
        await running.postgres.exited()
        await _knock(media)
        for route in swept(app):
            if route.body is not None:
                await speaker.through(route, str(new_id()))
        await running.postgres.launch()
        await eventually(lambda: _error_lines(running), lambda lines: lines > 20)
        await _search(running, canaries)


async def _signed_in(running: Platform, canaries: Canaries) -> Speaker:
    """The operator, who may call every route, under a canary's name; all that is handed out are canaries too."""
    person = await running.operator(EMAIL, PASSWORD)
    speaker = Speaker(person.client, canaries)
    key = await speaker.make("/api-keys", name="a key", scope="write")
    canaries.secrets |= {person.tokens["token"], person.tokens["refresh_token"].split(".")[1]}
    canaries.secrets |= {
        value.rpartition(".")[2] for name, value in key.items() if name in ("key", "secret", "token")
    }
    return speaker


async def _a_story(speaker: Speaker) -> None:
    """Everything that a user does, well formed: a dial that the carrier does not answer among it."""
    await speaker.send("POST", "/auth/login", json={"email": EMAIL, "password": WRONG_PASSWORD})
    await speaker.send("POST", "/auth/forgot-password", json={"email": EMAIL})
    await speaker.send("POST", "/auth/reset-password", json={"token": RESET_TOKEN, "new_password": PASSWORD})
    integration = await speaker.make("/integrations", **PLIVO)
    await speaker.send("GET", f"/integrations/{integration['id']}")
    await speaker.send("POST", f"/integrations/{integration['id']}/test")
    agent = await speaker.make("/agents", name=SPEECH, greeting_message=SPEECH, flow=FLOW)
    hours = {"calling_windows": ALL_DAY, "category": "transactional"}
    campaign = await speaker.make("/campaigns", name=SPEECH, agent_id=agent["id"], phone_numbers=[NUMBER], **hours)
    await speaker.send("POST", f"/campaigns/{campaign['id']}/launch")
    await speaker.send("POST", "/calls", json={"agent_id": agent["id"], "to": NUMBER, "variables": {"name": SPEECH}})
    await speaker.send("POST", "/calls", json={"agent_id": agent["id"], "to": f"{NUMBER}5"})

    async def dialled() -> str:
        return str((await speaker.client.get("/call-logs")).json()["data"]["items"])

    await eventually(dialled, lambda said: "dialing" in said or "failed" in said or "ended" in said)


async def _story_that_fails(speaker: Speaker) -> None:
    """The database refuses the rows themselves, and quotes them in its error."""
    answers = [
        await speaker.send("POST", "/agents", json={"name": f"{SPEECH} two", "greeting_message": SPEECH}),
        await speaker.send("POST", "/integrations", json={**PLIVO, "name": SPEECH}),
        await speaker.send("POST", "/auth/login", json={"email": EMAIL, "password": PASSWORD}),
    ]
    assert {answer.status_code for answer in answers} == {500}, [answer.text for answer in answers]
    assert all(answer.json()["error"]["details"].startswith("request id ") for answer in answers)


REFUSE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'row refused' USING DETAIL = NEW::text; END $$
"""


async def _break_tables(running: Platform) -> None:
    """No new row fits any more, and PostgreSQL's errors quote each."""
    connection = await asyncpg.connect(running.postgres.url)
    await connection.execute("SELECT set_config('voiceera.platform', 'on', false)")
    await connection.execute(REFUSE)
    for table in ("agents", "contacts", "integrations", "sessions", "attempts", "call_turns"):
        await connection.execute(
            f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    await connection.close()


async def _knock(media: str) -> None:
    """A media socket whose token opens nothing."""
    try:
        async with connect(f"{media}/media/plivo/{MEDIA_TOKEN}"):
            raise AssertionError("it opened")
    except (InvalidHandshake, OSError):
        return


async def _error_lines(running: Platform) -> int:
    connection = await asyncpg.connect(running.postgres.url)
    await connection.execute("SELECT set_config('voiceera.platform', 'on', false)")
    lines = int(await connection.fetchval("SELECT count(*) FROM system_logs WHERE level = 'error'"))
    await connection.close()
    return lines


async def _search(running: Platform, canaries: Canaries) -> None:
    media_secret = MEDIA_TOKEN.partition(".")[2]
    said = running.stderr.read_text()
    assert '"role": "api"' in said and '"role": "media"' in said and '"role": "worker"' in said
    assert "request_failed" in said and "token_refused" in said
    assert not canaries.found_in(said) and media_secret not in said, _lines_with(canaries, said)
    journal = (running.directory / "postgres" / "postgres.log").read_text(errors="replace")
    assert "row refused" in journal, "it did fail"
    assert not canaries.found_in(journal), _lines_with(canaries, journal)
    for what, text in canaries.answers:
        assert not canaries.found_in(text, personal=False), (
            what,
            canaries.found_in(text, personal=False),
            text[:500],
        )
    connection = await asyncpg.connect(running.postgres.url)
    await connection.execute("SELECT set_config('voiceera.platform', 'on', false)")
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (table,) in tables:
        rows = "\n".join(each[0] for each in await connection.fetch(f'SELECT t::text FROM "{table}" t'))
        logs = table.startswith("system_logs") or table == "audit"
        assert not canaries.found_in(rows, personal=logs), (table, _lines_with(canaries, rows))
        assert not {each for each in canaries.secrets if each.encode().hex() in rows}, table
    await connection.close()


def _lines_with(canaries: Canaries, text: str) -> list[str]:
    return [line[:1_500] for line in text.splitlines() if canaries.found_in(line)][:3]
