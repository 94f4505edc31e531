"""One spoken call out and one in over every carrier's dialect: all roles of the platform, and the lab's ledger.

The flow takes keys, so that what is shown here is the carrier, not the recognizer.
"""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.consequences.test_spoken_calls import settings_of
from voiceera.demo.api_client import ApiClient
from voiceera.demo.carriers import CARRIERS, account
from voiceera.demo.lab_process import LabProcess, running_lab
from voiceera.demo.stage import inbound_url
from voiceera.lab.ledger import Event, Row, read_ledger
from voiceera.roles.serve import Platform, running_platform

FLOW: dict[str, Any] = {
    "start": "ask",
    "steps": {
        "ask": {
            "kind": "ask",
            "text": "Press one.",
            "expect": {"type": "keypad", "digits": 1},
            "save_as": "key",
            "next": "bye",
        },
        "bye": {"kind": "end", "text": "Thank you.", "disposition": "confirmed"},
    },
}
PRESSES = {"opening": [{"pause": 2.0}, {"press": "1"}], "replies": [], "ring_seconds": [0.1, 0.2]}


def numbers(index: int) -> tuple[str, str, str]:
    """(ours, the person we call, the person who calls us)"""
    return f"+1202555010{index}", f"+1303555011{index}", f"+1303555012{index}"


class Organization:
    """One organization, on a carrier of its own."""

    def __init__(self, carrier: str, index: int, lab: LabProcess, platform: Platform) -> None:
        self.carrier = carrier
        self.ours, self.called, self.caller = numbers(index)
        self._lab = lab
        self._api = ApiClient(platform.api_url)

    async def calls(self) -> list[Any]:
        """Has its agent call one person, and answer another; the two calls' logs when they are over."""
        try:
            await self._api.register(f"{self.carrier}@example.com", "correct horse battery", "Ann", self.carrier)
            urls, agent_id = await self._connect()
            await self._api.post("/calls", {"agent_id": agent_id, "to": self.called})
            await self._ring_in(urls)
            return await self._finished(2)
        finally:
            await self._api.close()

    async def _connect(self) -> tuple[dict[str, Any], str]:
        me = await self._api.get("/auth/me")
        config, credentials = account(self._lab, self.carrier, inbound_url(self._api, self.carrier, me))
        config |= {"caller_ids": [self.ours], "allowed_countries": ["US"], "reporting_lag_seconds": 0}
        line = {"name": "Lab", "type": "telephony", "provider": self.carrier, "config": config}
        line = await self._api.post("/integrations", line | {"credentials": credentials})
        agent = await self._api.post("/agents", {"name": "Keys", "flow": FLOW})
        owned = {"phone_number": self.ours, "integration_id": line["id"], "agent_id": agent["id"]}
        await self._api.post("/phone-numbers", owned)
        tested = await self._api.post(f"/integrations/{line['id']}/test", {})
        assert tested["status"] == "working", tested
        return tested, str(agent["id"])

    async def _ring_in(self, urls: dict[str, Any]) -> None:
        """As the number's owner has set it at the carrier."""
        asked = {"vendor": self.carrier, "from": self.caller, "to": self.ours}
        asked |= {"answer_url": urls["answer_url"], "hangup_url": urls["hangup_url"]}
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.post(f"{self._lab.url}/lab/calls", json=asked)).status_code == 201

    async def _finished(self, count: int) -> list[Any]:
        async with asyncio.timeout(120):
            while True:
                logs = (await self._api.get("/call-logs?sort=direction"))["items"]
                if len(logs) == count and all(log["ended_at"] for log in logs):
                    return [await self._api.get(f"/call-logs/{log['id']}") for log in logs]
                await asyncio.sleep(0.2)  # there is no event stream over all of an organization's calls


@pytest.mark.slow
async def test_every_carrier_carries_a_call_out_and_a_call_in(open_directory: Path) -> None:
    people = {person: PRESSES for index in range(len(CARRIERS)) for person in numbers(index)[1:]}
    callees = open_directory / "callees.yaml"
    callees.write_text(yaml.safe_dump(people))
    async with (
        running_lab(open_directory, callees, seed=1, scramble=False) as (lab, lab_is_up),
        running_platform(settings_of(open_directory, lab), output=open_directory / "log") as platform,
    ):
        await lab_is_up
        organizations = [Organization(carrier, index, lab, platform) for index, carrier in enumerate(CARRIERS)]
        found = await asyncio.gather(*(each.calls() for each in organizations))
    rows = read_ledger(lab.ledger)
    for organization, (inbound, outbound) in zip(organizations, found, strict=True):
        check(inbound, organization, "inbound", organization.caller)
        check(outbound, organization, "outbound", organization.called)
        heard(rows, organization.caller, Event.RANG_IN)
        heard(rows, organization.called, Event.RING)


def check(log: dict[str, Any], organization: Organization, direction: str, person: str) -> None:
    assert (log["direction"], log["phone_number"], log["caller_id"]) == (direction, person, organization.ours)
    assert (log["status"], log["disposition"], log["extracted"]) == ("completed", "confirmed", {"key": "1"}), log
    assert log["recording_url"] is not None


def heard(rows: list[Row], person: str, begins_with: Event) -> None:
    """The person's telephone did this, in this order, once, and the agent could be heard on it."""
    events = [row.event for row in rows if row.number == person]
    assert events[0] in (begins_with, Event.DIAL_REQUEST)
    story = (begins_with, Event.ANSWERED, Event.MEDIA_OPENED, Event.PRESSED, Event.HANGUP)
    assert [event for event in events if event in story] == list(story)
    assert Event.AGENT_AUDIO_STARTED in events
