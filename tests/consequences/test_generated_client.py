"""A client that was generated from the served OpenAPI document walks the whole story, and uses nothing else."""

import asyncio
import csv
import hashlib
import importlib
import io
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.generated import generate
from tests.webhooks.receiver import Receiver, receiving
from voiceera.config import Settings
from voiceera.demo.flow import APPOINTMENT
from voiceera.demo.lab_process import LabProcess, running_lab
from voiceera.lab.callees.cast import WIDEBAND_PREFIX, CastMember, demo_cast
from voiceera.lab.callees.directory import dump_directory
from voiceera.lab.ledger import Event, read_ledger
from voiceera.roles.serve import running_platform
from voiceera.rules.campaigns import WEEKDAYS

PASSWORD = "correct horse battery"
PATIENCE = 150
SLOWLY = httpx.Timeout(60)
ANN = {"email": "ann@example.com", "password": PASSWORD, "first_name": "Ann", "last_name": "Lee"}


@pytest.fixture
def importable(tmp_path: Path) -> Iterator[Path]:
    """A folder that what is generated into can be imported from."""
    sys.path.insert(0, str(tmp_path))
    yield tmp_path
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.split(".")[0] == "voiceera_client"]:
        del sys.modules[name]


@dataclass
class Generated:
    """The generated package: `call` runs an operation and answers its data, or fails with the refusal."""

    client: Any

    async def call(self, operation: str, /, **arguments: Any) -> Any:
        answer = await importlib.import_module(f"voiceera_client.api.{operation}").asyncio(
            client=self.client, **arguments
        )
        assert type(answer).__name__ != "ErrorAnswer", f"{operation}: {answer.to_dict()}"
        return getattr(answer, "data", answer)


def body(model: str, fields: dict[str, Any]) -> Any:
    return getattr(importlib.import_module("voiceera_client.models"), model).from_dict(fields)


@asynccontextmanager
async def signed_in(url: str) -> AsyncIterator[Generated]:
    package = importlib.import_module("voiceera_client")
    async with package.Client(base_url=url, timeout=SLOWLY) as client:
        anybody = Generated(client)
        await anybody.call("authentication.register", body=body("Registration", ANN))
        credentials = {"email": ANN["email"], "password": PASSWORD}
        tokens = await anybody.call("authentication.login", body=body("Credentials", credentials))
    async with package.AuthenticatedClient(base_url=url, token=tokens.token, timeout=SLOWLY) as client:
        yield Generated(client)


def carrier(lab: LabProcess) -> dict[str, Any]:
    config = {"base_url": lab.base_url, "caller_ids": ["+12025550100"], "allowed_countries": ["US"]}
    credentials = {"auth_id": lab.auth_id, "auth_token": lab.auth_token}
    config |= {"wideband_prefixes": [WIDEBAND_PREFIX]}
    return {"name": "Lab", "type": "telephony", "provider": "plivo", "config": config, "credentials": credentials}


def campaign(agent_id: Any, callee: CastMember) -> dict[str, Any]:
    variables = {"name": callee.name.split()[0], "day": callee.day, "time": callee.time}
    contact = {"phone_number": callee.number, "name": callee.name, "variables": variables}
    all_day = [{"start": "00:00", "end": "24:00"}]
    return {
        "name": "=March",
        "agent_id": str(agent_id),
        "category": "transactional",
        "calling_windows": dict.fromkeys(WEEKDAYS, all_day),
        "contacts": [contact],
    }


async def heard(receiver: Receiver, secret: str, until: str) -> list[dict[str, Any]]:
    """Every event up to the first of this type; an independent library verifies each signature."""
    async with asyncio.timeout(PATIENCE):
        while until not in receiver.types:
            await receiver.changed()
    return [received.verified(secret) for received in receiver.received]


@pytest.mark.slow
@pytest.mark.consequence("GET /openapi.json")
async def test_a_client_generated_from_the_document_runs_the_whole_story(
    open_directory: Path, importable: Path
) -> None:
    (callee,) = demo_cast(1, seed=1)
    callees = open_directory / "callees.yaml"
    callees.write_text(dump_directory({callee.number: callee.script}), encoding="utf-8")
    async with (
        receiving() as receiver,
        running_lab(open_directory, callees, seed=1, scramble=False) as (lab, lab_is_up),
        running_platform(settings_of(open_directory, lab, receiver), output=open_directory / "log") as platform,
    ):
        await lab_is_up
        await _generate(platform.api_url, importable)
        async with signed_in(platform.api_url) as api:
            await _story(api, lab, callee, receiver)
    rings = [row for row in read_ledger(lab.ledger) if row.event is Event.RING]
    assert [row.number for row in rings] == [callee.number]


async def _generate(url: str, folder: Path) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        (folder / "openapi.json").write_bytes((await client.get("/openapi.json")).content)
    await asyncio.to_thread(generate, folder / "openapi.json", folder / "voiceera_client")


async def _story(api: Generated, lab: LabProcess, callee: CastMember, receiver: Receiver) -> None:
    agent = await api.call(
        "agents.create_agent", body=body("AgentNew", {"name": "Anna", "flow": APPOINTMENT.model_dump(mode="json")})
    )
    await api.call("integrations.create_integration", body=body("IntegrationNew", carrier(lab)))
    webhook = await api.call("webhooks.create_webhook", body=body("WebhookNew", {"url": receiver.url}))
    spring = await api.call("campaigns.create_campaign", body=body("CampaignNew", campaign(agent.id, callee)))
    await api.call("campaigns.launch_campaign", campaign_id=spring.id)

    events = await heard(receiver, webhook.secret, "campaign.completed")
    told = {event["type"] for event in events}
    assert {"campaign.launched", "call.started", "call.answered", "call.ended", "campaign.completed"} <= told

    logs = await api.call("call_logs.list_call_logs", campaign_id=spring.id)
    [call] = logs.items
    assert (call.phone_number, call.status.value) == (callee.number, "completed")
    assert str(call.id) in {event["data"].get("id") for event in events if event["type"] == "call.ended"}

    recording = await api.call("recordings.get_recording", call_id=call.id)
    sound = (await api.call("recordings.download_recording", call_id=call.id)).payload.read()
    assert hashlib.sha256(sound).hexdigest() == recording.sha256

    exported = await api.call("analytics.export_analytics", campaign_id=spring.id)
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert [row["id"] for row in rows] == [str(call.id)]


def settings_of(directory: Path, lab: LabProcess, receiver: Receiver) -> Settings:
    reach = f"127.0.0.1/32:{lab.port},{receiver.allow}"
    return Settings(data_dir=directory, api_port=0, media_port=0, outbound_allow=reach, drain_seconds=0)
