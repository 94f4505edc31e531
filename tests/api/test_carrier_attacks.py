"""Callbacks of every carrier: forged, replayed, or altered where the vendor does not sign it. Nothing changes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.api.signing import SECRET, VENDORS, Sent, Vendor
from tests.world import NOON, World, make_world, number
from voiceera.config import Settings
from voiceera.ids import new_id
from voiceera.services import calls
from voiceera.store import integrations
from voiceera.store.base import Database
from voiceera.store.vault import Vault

PUBLIC = "https://voice.example.com"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_url": PUBLIC})


@dataclass
class Line:
    """One vendor's line into an organization, with a call that was dialled on it."""

    vendor: Vendor
    client: httpx.AsyncClient
    world: World
    attempt_id: UUID

    def url(self, kind: str, *, organization: UUID | None = None, carrier: str = "") -> str:
        path = f"{carrier or self.vendor.name}/{organization or self.world.organization_id}/{self.attempt_id}/{kind}"
        return self.vendor.told(f"{PUBLIC}/carriers/{path}")

    def signed(self, kind: str, form: Mapping[str, str], secret: str = SECRET, url: str = "") -> Sent:
        return self.vendor.sign(url or self.url(kind), form, secret)

    async def send(self, sent: Sent, *, url: str = "", form: Mapping[str, str] | None = None) -> httpx.Response:
        path = (url or sent.url).removeprefix(PUBLIC)
        body = urlencode(sent.form if form is None else form).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", **sent.headers}
        return await self.client.post(path, content=body, headers=headers)

    async def row(self) -> dict[str, Any]:
        """All that callbacks may change; not when the reaper looks again."""
        found = await self.world.rows(
            """SELECT a.state, a.ended_as, a.carrier_call_id, a.media_node_id, a.outcome, c.status, c.hangup_cause,
                      (SELECT count(*) FROM media_tokens) AS tokens
               FROM attempts a JOIN calls c ON c.organization_id = a.organization_id AND c.id = a.id
               WHERE a.organization_id = :organization_id AND a.id = :id""",
            id=self.attempt_id,
            organization_id=self.world.organization_id,
        )
        return dict(found[0]._mapping)


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name)
async def line(
    request: pytest.FixtureRequest, app: FastAPI, anyone: httpx.AsyncClient, database: Database, settings: Settings
) -> Line:
    vendor: Vendor = request.param
    return await line_of(vendor, anyone, database, settings)


async def line_of(vendor: Vendor, client: httpx.AsyncClient, database: Database, settings: Settings) -> Line:
    world = await make_world(database)
    async with database.organization(world.organization_id) as connection:
        await integrations.add(
            connection,
            Vault.load(settings),
            world.organization_id,
            new_id(),
            name="carrier",
            type_="telephony",
            provider=vendor.name,
            config={"caller_ids": [world.caller_id], "allowed_countries": ["US"], **vendor.config},
            credentials=dict(vendor.credentials),
            created_by=None,
            now=NOON,
        )
        to = number(1)
        attempt_id = await calls.place(connection, world.organization_id, agent_id=world.agent_id, to=to, now=NOON)
    await world.rows(
        "UPDATE attempts SET state = 'dialing', carrier_call_id = 'first' WHERE id = :id RETURNING id", id=attempt_id
    )
    async with database.platform() as connection:
        await connection.exec_driver_sql("UPDATE media_nodes SET seen_at = now()")
    return Line(vendor, client, world, attempt_id)


@asynccontextmanager
async def nothing_changes(line: Line) -> AsyncIterator[None]:
    before = await line.row()
    yield
    assert await line.row() == before


async def test_what_the_carrier_signed_is_taken_in(line: Line) -> None:
    assert (await line.send(line.signed("ringing", line.vendor.ringing))).status_code == 200
    assert (await line.row())["state"] == "ringing"
    answered = await line.send(line.signed("answer", line.vendor.answered))
    assert answered.status_code == 200 and f"/media/{line.vendor.name}/" in answered.text
    assert (await line.row())["tokens"] == 1


@pytest.mark.parametrize("kind", ["ringing", "answer", "hangup"])
async def test_a_forged_callback_is_refused(line: Line, kind: str) -> None:
    vendor = line.vendor
    form = {"ringing": vendor.ringing, "answer": vendor.answered, "hangup": vendor.busy}[kind]
    good = line.signed(kind, form)
    other = next(each for each in VENDORS if each.name != vendor.name)
    elsewhere = line.url(kind, organization=uuid4())
    forgeries: dict[str, tuple[Sent, dict[str, Any]]] = {
        "unsigned": (vendor.unsigned(good), {}),
        "signed with another secret": (line.signed(kind, form, secret="another"), {}),
        "signed with nothing": (line.signed(kind, form, secret=""), {}),
        "signed by another vendor's scheme": (other.sign(vendor.unsigned(good).url, form, SECRET), {}),
        "another organization's": (line.signed(kind, form, url=elsewhere), {}),
        "told as another carrier's": (line.signed(kind, form, url=line.url(kind, carrier=other.name)), {}),
        "sent to another attempt": (good, {"url": good.url.replace(str(line.attempt_id), str(uuid4()))}),
        "sent to another kind": (
            good,
            {"url": good.url.replace(f"/{kind}", "/hangup" if kind != "hangup" else "/answer")},
        ),
    }
    if vendor.signs_body:
        forgeries["with another body"] = good, {"form": {**form, "CallStatus": "completed"}}
        forgeries["with more in its body"] = good, {"form": {**form, "More": "1"}}
    async with nothing_changes(line):
        answers = {name: await line.send(sent, **changed) for name, (sent, changed) in forgeries.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(forgeries, 403)
    assert {answer.content for answer in answers.values()} == {b""}


@pytest.mark.parametrize("kind", ["ringing", "answer", "hangup"])
async def test_a_replayed_callback_is_refused(line: Line, kind: str) -> None:
    vendor = line.vendor
    sent = line.signed(kind, {"ringing": vendor.ringing, "answer": vendor.answered, "hangup": vendor.busy}[kind])
    assert (await line.send(sent)).status_code == 200
    async with nothing_changes(line):
        again = await line.send(sent)
    assert (again.status_code, again.content) == (403, b"")


async def test_an_altered_body_that_nobody_signed_is_but_a_hint(line: Line) -> None:
    """Who holds an unused signature of such a vendor may write what they like: the carrier is asked, that is all."""
    if line.vendor.signs_body:
        pytest.skip("the vendor signs it")
    name, *_ = line.vendor.busy
    altered = {
        **line.vendor.busy,
        name: "stolen",
        "CallStatus": "completed",
        "Status": "completed",
        "TotalCost": "99",
    }
    async with nothing_changes(line):
        assert (await line.send(line.signed("hangup", altered))).status_code == 200
    due = "SELECT check_at <= now() FROM attempts WHERE organization_id = :o AND id = :id"
    assert await line.world.value(due, o=line.world.organization_id, id=line.attempt_id)
