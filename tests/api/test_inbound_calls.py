"""Somebody rings a number of ours: over every carrier that can, through the real application."""

from collections.abc import Mapping
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from tests.api.signing import SECRET, VENDORS, Vendor
from tests.api.test_carrier_attacks import PUBLIC, Line, line_of
from tests.world import NOON, number
from voiceera.config import Settings
from voiceera.ids import new_id
from voiceera.store import phone_numbers
from voiceera.store.base import Database
from voiceera.store.phone_numbers import MissedCall, PhoneNumber

OURS, PERSON = "+12025550000", "+12025550142"
SIGNING = [vendor for vendor in VENDORS if vendor.signs_body]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_url": PUBLIC})


@pytest.fixture(params=SIGNING, ids=lambda vendor: vendor.name)
async def line(
    request: pytest.FixtureRequest, app: FastAPI, anyone: httpx.AsyncClient, database: Database, settings: Settings
) -> Line:
    return await line_of(request.param, anyone, database, settings)


async def own(line: Line, agent_id: UUID | None) -> None:
    """The organization has `OURS`, which this agent answers."""
    async with line.world.scope() as connection:
        integration_id = await line.world.value("SELECT id FROM integrations")
        row = PhoneNumber(
            id=new_id(),
            organization_id=line.world.organization_id,
            phone_number=OURS,
            label="",
            integration_id=integration_id,
            agent_id=agent_id,
            missed_call=MissedCall.NONE,
            is_caller_id=True,
            daily_cap=None,
            is_active=True,
            created_by=None,
            created_at=NOON,
            updated_at=NOON,
        )
        await phone_numbers.add(connection, row)


def rings(vendor: Vendor, person: str = PERSON, to: str = OURS) -> dict[str, str]:
    numbers = {"From": person, "To": to}
    if not vendor.plus:
        numbers = {name: text.lstrip("+") for name, text in numbers.items()}
    return dict(vendor.rings_in) | numbers


async def tell(line: Line, kind: str, form: Mapping[str, str], secret: str = SECRET) -> httpx.Response:
    url = f"{PUBLIC}/carriers/{line.vendor.name}/{line.world.organization_id}/inbound/{kind}"
    return await line.send(line.vendor.sign(url, form, secret))


async def calls_in(line: Line) -> list[tuple[str, str | None, str | None, str | None]]:
    """(status, person, our number, why) of every call that came in."""
    found = await line.world.rows(
        "SELECT status, phone_number, caller_id, hangup_cause FROM calls WHERE direction = 'inbound' ORDER BY id"
    )
    return [tuple(row) for row in found]


async def test_the_numbers_agent_answers(line: Line) -> None:
    await own(line, line.world.agent_id)
    answer = await tell(line, "answer", rings(line.vendor))
    assert answer.status_code == 200
    assert f"/media/{line.vendor.name}/{line.world.organization_id.hex}." in answer.text
    assert await calls_in(line) == [("in_progress", PERSON, OURS, None)]
    assert (await tell(line, "hangup", rings(line.vendor) | dict(line.vendor.hung_up))).status_code == 200
    assert [status for status, *_ in await calls_in(line)] == ["failed"], "answered, but no socket ever came"


async def test_a_number_that_we_do_not_have_is_turned_away(line: Line) -> None:
    answer = await tell(line, "answer", rings(line.vendor))
    assert answer.status_code == 200 and "rejected" in answer.text
    assert await calls_in(line) == []


async def test_a_number_without_an_agent_is_turned_away(line: Line) -> None:
    await own(line, None)
    assert "rejected" in (await tell(line, "answer", rings(line.vendor))).text
    assert await calls_in(line) == []


async def test_without_room_the_line_is_busy_and_the_call_is_in_the_log(line: Line) -> None:
    await own(line, line.world.agent_id)
    async with line.world.database.platform() as connection:
        await connection.exec_driver_sql("DELETE FROM media_nodes")
    assert "busy" in (await tell(line, "answer", rings(line.vendor))).text
    assert await calls_in(line) == [("no_answer", PERSON, OURS, "no_room")]


async def test_who_is_being_rung_hears_that_the_line_is_busy(line: Line) -> None:
    await own(line, line.world.agent_id)
    assert "busy" in (await tell(line, "answer", rings(line.vendor, person=number(1)))).text
    assert await calls_in(line) == [("no_answer", number(1), OURS, "number_busy")]


async def test_whoever_withholds_a_number_is_answered_too(line: Line) -> None:
    await own(line, line.world.agent_id)
    assert "/media/" in (await tell(line, "answer", rings(line.vendor, person="anonymous"))).text
    assert await calls_in(line) == [("in_progress", None, OURS, None)]


@pytest.mark.parametrize("kind", ["answer", "hangup"])
async def test_a_forged_ring_is_refused(line: Line, kind: str) -> None:
    await own(line, line.world.agent_id)
    form = rings(line.vendor) | (dict(line.vendor.hung_up) if kind == "hangup" else {})
    assert (await tell(line, kind, form, secret="another")).status_code == 403
    url = f"{PUBLIC}/carriers/{line.vendor.name}/{line.world.organization_id}/inbound/{kind}"
    sent = line.vendor.sign(url, form, SECRET)
    assert (await line.send(sent, form=form | {"To": number(7)})).status_code == 403
    assert await calls_in(line) == []


async def test_a_replayed_ring_opens_no_second_socket(line: Line) -> None:
    await own(line, line.world.agent_id)
    url = f"{PUBLIC}/carriers/{line.vendor.name}/{line.world.organization_id}/inbound/answer"
    sent = line.vendor.sign(url, rings(line.vendor), SECRET)
    assert "/media/" in (await line.send(sent)).text
    again = await line.send(sent)
    assert (again.status_code, again.content) == (403, b"")
    assert await line.world.value("SELECT count(*) FROM media_tokens") == 1
    assert len(await calls_in(line)) == 1


@pytest.mark.parametrize("vendor", [each for each in VENDORS if not each.signs_body], ids=lambda each: each.name)
async def test_a_ring_that_only_its_url_proves_needs_the_carriers_look_up(
    vendor: Vendor, app: FastAPI, anyone: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    line = await line_of(vendor, anyone, database, settings)
    await own(line, line.world.agent_id)
    answer = await tell(line, "answer", rings(vendor))
    assert (answer.status_code, answer.content) == (403, b""), "nobody can be asked there"
    assert await calls_in(line) == []
