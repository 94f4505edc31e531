"""Trials through the API: simulated people talk with an agent, with real sound, by a worker's hand."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from tests.api.conftest import _quiet, ann, anyone, app, bus, join, settings
from tests.api.jobs import do_due
from tests.test_talk_page import Site, site
from voiceera.clock import utc_now
from voiceera.services import trials as service
from voiceera.store.base import Database
from voiceera.worker.trial import trial

SURE = {"kind": "ask", "text": "Are you sure?", "expect": {"type": "yes_no"}}
FLOW = {
    "start": "ask",
    "steps": {
        "ask": {**SURE, "text": "Hello. Can you come tomorrow?", "branches": {"yes": "sure", "no": "later"}},
        "sure": {**SURE, "branches": {"yes": "fine", "no": "later"}},
        "fine": {"kind": "end", "text": "Wonderful, see you then.", "disposition": "coming"},
        "later": {"kind": "end", "text": "Another time, then.", "disposition": "not_coming"},
    },
}
"""Who comes says the same word twice."""

__all__ = ["_quiet", "ann", "anyone", "app", "bus", "join", "settings", "site"]


async def ended(site: Site, trial_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = await site.person.get(f"/trials/{trial_id}")
    return shown


@pytest.mark.slow
async def test_an_agents_own_callees_reach_each_of_its_endings(site: Site, database: Database) -> None:
    agent = await site.person.post("/agents", name="Anna", flow=FLOW)
    suggested = await site.person.get(f"/agents/{agent['id']}/trial-callees")
    assert [(each["name"], each["reaches"]) for each in suggested[:2]] == [
        ("No", "not_coming"),
        ("Yes → Yes", "coming"),
    ]
    wrong = {**suggested[1], "reaches": "not_coming", "max_turns": 1}
    asked = await site.person.post(f"/agents/{agent['id']}/trials", callees=[*suggested[:2], wrong])
    assert (asked["status"], asked["agent_version"], asked["outcomes"]) == ("queued", 1, [])
    assert await do_due(database, trial(database, site.url)) == 1

    shown = await ended(site, asked["id"])
    assert (shown["status"], shown["problem"]) == ("done", None)
    by_place = {each["callee"]: each for each in shown["outcomes"]}
    assert [by_place[place]["disposition"] for place in range(3)] == ["not_coming", "coming", "coming"]
    assert [by_place[place]["passed"] for place in range(3)] == [True, True, False]
    assert "it was to reach 'not_coming', and ended as 'coming'" in by_place[2]["problems"]
    assert any("turns" in problem for problem in by_place[2]["problems"])
    assert by_place[0]["latency_ms_p95"] > 0
    call = await site.person.get(f"/call-logs/{by_place[0]['call_id']}")
    assert (call["disposition"], call["agent_id"]) == ("not_coming", agent["id"])
    assert (await site.person.get("/api-keys"))["items"] == [], "the worker's key went with the trial"
    assert await do_due(database, trial(database, site.url)) == 0


@pytest.mark.slow
async def test_a_trial_is_broken_off_and_another_can_begin(site: Site, database: Database) -> None:
    agent = await site.person.post("/agents", name="Anna", flow=FLOW)
    path = f"/agents/{agent['id']}/trials"
    asked = await site.person.post(path, callees=[{"name": "Says nothing"}])
    working = asyncio.create_task(do_due(database, trial(database, site.url)))
    while (await ended(site, asked["id"]))["status"] == "queued":  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    refused = await site.person.client.post(path, json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "TRIAL_002")
    canceled = await site.person.post(f"/trials/{asked['id']}/cancel", 200)
    assert canceled["status"] == "canceled"
    began = time.monotonic()
    await asyncio.wait_for(working, 60)
    assert time.monotonic() - began < 30
    assert (await ended(site, asked["id"]))["status"] == "canceled"
    again = await site.person.client.post(f"/trials/{asked['id']}/cancel", json={})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "TRIAL_003")
    await site.person.post(path)
    assert [each["status"] for each in (await site.person.get(path))["items"]] == ["queued", "canceled"]
    assert len((await site.person.get(path, status="canceled"))["items"]) == 1


async def test_what_cannot_be_held_says_why(ann: Any, database: Database) -> None:
    agent = await ann.post("/agents", name="Anna", flow=FLOW)
    asked = await ann.post(f"/agents/{agent['id']}/trials", callees=[{"name": "Anybody"}])
    await do_due(database, trial(database, "http://127.0.0.1:1"))
    shown = await ann.get(f"/trials/{asked['id']}")
    assert shown["status"] == "failed"
    assert "did not answer" in shown["problem"]
    assert "vk_" not in shown["problem"]
    assert (await ann.get("/api-keys"))["items"] == []


async def test_a_worker_that_died_twice_over_a_trial_is_believed(ann: Any, database: Database) -> None:
    agent = await ann.post("/agents", name="Anna", flow=FLOW)
    asked = await ann.post(f"/agents/{agent['id']}/trials", callees=[{"name": "Anybody"}])
    now = utc_now()
    for death in range(service.MOST_TRIES):
        async with database.platform() as connection:
            [row] = await trial(database, "").due(connection, now + death * 2 * service.LEASE)
        claimed = await service.claim(database, row.organization_id, row.row_id, now + death * 2 * service.LEASE)
        assert claimed is not None
        assert await service.claim(database, row.organization_id, row.row_id, now + timedelta(seconds=1)) is None
    await do_due(database, trial(database, "http://127.0.0.1:1"), now + 10 * service.LEASE)
    assert "twice" in (await ann.get(f"/trials/{asked['id']}"))["problem"]


@pytest.mark.parametrize(
    ("callees", "field"),
    [
        ([], "callees"),
        ([{"name": ""}], "callees.0.name"),
        ([{"name": "a", "replies": [{"says": "b", "press": "1"}]}], "callees.0.replies.0"),
        ([{"name": "a", "max_turns": 0}], "callees.0.max_turns"),
        ([{"name": "a"}] * 31, "callees"),
    ],
)
async def test_callees_that_make_no_sense_are_refused(ann: Any, callees: list[dict[str, Any]], field: str) -> None:
    agent = await ann.post("/agents", name="Anna", flow=FLOW)
    answer = await ann.client.post(f"/agents/{agent['id']}/trials", json={"callees": callees})
    assert answer.status_code == 422
    assert field in [each["field"] for each in answer.json()["error"]["fields"]]


async def test_an_agent_that_cannot_take_calls_is_not_tried(ann: Any) -> None:
    agent = await ann.post("/agents", name="Anna", flow=FLOW, status="inactive")
    answer = await ann.client.post(f"/agents/{agent['id']}/trials", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CALL_002")
