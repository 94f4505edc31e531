"""Sets the stage over the public API: a user, a carrier, an agent, a campaign with its people."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from voiceera.demo.api_client import ApiClient, DemoFailed
from voiceera.demo.carriers import WIDEBAND, account
from voiceera.demo.flow import APPOINTMENT
from voiceera.demo.lab_process import LabProcess
from voiceera.rules.campaigns import WEEKDAYS

CAMPAIGN = "Appointments at Riverside Dental"
CALLER_ID = "+12025550100"
EMAIL = "demo@example.com"
RETRY_SECONDS = 5
_WINDOW = [{"start": "00:00", "end": "24:00"}]


@dataclass(frozen=True)
class Person:
    """A contact, and what its callee plays."""

    name: str
    phone_number: str
    role: str
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Stage:
    organization_id: UUID
    campaign_id: UUID


async def set_stage(
    api: ApiClient,
    lab: LabProcess,
    people: Sequence[Person],
    password: str,
    wideband_prefixes: Sequence[str],
    carrier: str = "plivo",
) -> Stage:
    """A draft campaign with everybody in it. Raises DemoFailed."""
    await api.register(EMAIL, password, "Dana", "Riverside Dental")
    me = await api.get("/auth/me")
    await api.post("/integrations", _line(lab, carrier, inbound_url(api, carrier, me), wideband_prefixes))
    agent = await api.post("/agents", _agent())
    campaign = await api.post("/campaigns", _campaign(agent["id"]))
    uploaded = await api.upload(f"/campaigns/{campaign['id']}/contacts/upload", "contacts.csv", contacts_csv(people))
    if uploaded["added"] != len(people):
        raise DemoFailed(f"of {len(people)} contacts {uploaded['added']} were taken: {uploaded['problems']}")
    return Stage(UUID(me["organization_id"]), UUID(campaign["id"]))


def calls_at_once() -> int:
    """What the cores that we may use recognize without falling behind."""
    return max(4, min(12, 3 * len(os.sched_getaffinity(0))))


def inbound_url(api: ApiClient, carrier: str, me: Mapping[str, Any]) -> str:
    """Where a carrier asks about calls that come in."""
    return f"{api.url}/carriers/{carrier}/{me['organization_id']}/inbound/answer"


def _line(lab: LabProcess, carrier: str, answer_url: str, wideband_prefixes: Sequence[str]) -> dict[str, Any]:
    config, credentials = account(lab, carrier, answer_url)
    config |= {
        "caller_ids": [CALLER_ID],
        "allowed_countries": ["US"],
        "calls_per_second": 5,
        "max_concurrent_calls": calls_at_once(),
        "reporting_lag_seconds": 2,
    }
    if carrier in WIDEBAND:
        config["wideband_prefixes"] = list(wideband_prefixes)
    line = {"name": "The lab's phone network", "type": "telephony", "provider": carrier}
    return line | {"config": config, "credentials": credentials}


def _agent() -> dict[str, Any]:
    return {
        "name": "Appointment agent",
        "description": "Confirms appointments, or moves them to another day.",
        "language": "en-US",
        "flow": APPOINTMENT.model_dump(mode="json"),
        "success_dispositions": ["confirmed", "rescheduled"],
    }


def _campaign(agent_id: str) -> dict[str, Any]:
    """Everything that a real campaign would leave to its safe defaults is set openly: any hour, quick retries."""
    again = {"delays_seconds": [RETRY_SECONDS], "times": 1}
    return {
        "name": CAMPAIGN,
        "agent_id": agent_id,
        "category": "transactional",
        "country": "US",
        "timezone": "America/New_York",
        "calling_windows": dict.fromkeys(WEEKDAYS, _WINDOW),
        "max_concurrent_calls": calls_at_once(),
        "calls_per_second": 3,
        "ring_seconds": 8,
        "retries": {
            "busy": again,
            "no_answer": again,
            "failed": again,
            "dropped_early": again,
            "voicemail": {"delays_seconds": [], "times": 0},
        },
    }


def contacts_csv(people: Sequence[Person]) -> str:
    """One row a person: number, name, and the variables that the agent speaks."""
    variables = sorted({name for person in people for name in person.variables if name != "name"})
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(["phone_number", "name", *variables])
    for person in people:
        writer.writerow([person.phone_number, person.name, *(person.variables.get(name, "") for name in variables)])
    return written.getvalue()
