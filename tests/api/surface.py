"""The application's own routes, for tests that are generated from them, and rows of every noun that their paths name.

A new path parameter needs a line in `SEEDS`; a route whose body is checked before its id needs one in `BODIES`.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from tests.api.calls import CallBook, hum
from tests.api.conftest import Person, body
from tests.world import FLOW
from voiceera import clock, ids
from voiceera.api.routing import policies
from voiceera.rules.calls import AttemptState
from voiceera.rules.permissions import Access
from voiceera.rules.webhooks import Event
from voiceera.services import events
from voiceera.store import attempts

_PARAMETER = re.compile(r"\{([^}:]+)[^}]*\}")


@dataclass(frozen=True, order=True)
class Route:
    method: str
    path: str
    access: Access

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        return _PARAMETER.findall(self.path)

    @property
    def ids(self) -> list[str]:
        return [name for name in self.parameters if name.endswith("_id")]

    def filled(self, values: dict[str, str]) -> str:
        """The path, with an id that never was for what `values` lacks."""
        return _PARAMETER.sub(
            lambda match: values.get(match[1]) or WORDS.get(match[1]) or str(ids.new_id()), self.path
        )


def routes(app: FastAPI) -> list[Route]:
    """Every route of the application, HEAD and carriers' callbacks among them."""
    return sorted(Route(method, path, access) for (method, path), access in policies(app).items())


WORDS = {"date": "2026-03-10", "carrier": "scripted"}
"""What stands for path parameters that are no ids."""

BODIES: dict[str, dict[str, Any]] = {
    "POST /campaigns/{campaign_id}/contacts": {"json": {"phone_numbers": ["+12025550101"]}},
    "POST /campaigns/{campaign_id}/contacts/upload": {"files": {"file": ("a.csv", "phone_number\n+12025550101\n")}},
    "POST /do-not-call/import": {"files": {"file": ("a.csv", "phone_number\n+12025550101\n")}},
    "POST /prompts": {"data": {"name": "a"}, "files": {"file": ("a.wav", hum(0.5))}},
    "POST /unknown-attempts/{attempt_id}/resolve": {"json": {"rang": False}},
    "PUT /call-logs/{call_id}/notes": {"json": {"notes": "mine now"}},
}
"""What a route needs to look at its id; `{}` for all others."""


def fitting_body(route: Route) -> dict[str, Any]:
    return BODIES.get(str(route), {} if route.method in ("GET", "HEAD", "DELETE") else {"json": {}})


@dataclass
class Seeding:
    """Makes a row of a noun for `person`; `known` holds those made before."""

    person: Person
    book: CallBook
    known: dict[str, str]


Seed = Callable[[Seeding], Awaitable[str]]


_COUNT = count(1000)


def _name() -> str:
    return f"Theirs {ids.new_id()}"


async def _agent(seeding: Seeding) -> str:
    return str((await seeding.person.post("/agents", name=_name(), flow=FLOW))["id"])


async def _campaign(seeding: Seeding) -> str:
    numbers = ["+12025550101", "+12025550102"]
    made = await seeding.person.post(
        "/campaigns", name=_name(), agent_id=seeding.known["agent_id"], phone_numbers=numbers
    )
    return str(made["id"])


async def _contact(seeding: Seeding) -> str:
    found = await seeding.person.get(f"/campaigns/{seeding.known['campaign_id']}/contacts")
    return str(found["items"][0]["id"])


async def _upload(seeding: Seeding) -> str:
    path = f"/campaigns/{seeding.known['campaign_id']}/contacts/upload"
    file = (f"{_name()}.csv", "phone_number\n+12025550103\n12\n")
    return str(body(await seeding.person.client.post(path, files={"file": file}), 201)["upload_id"])


async def _entry(seeding: Seeding) -> str:
    number = f"+1303555{next(_COUNT):04d}"
    await seeding.person.post("/do-not-call", phone_numbers=[number])
    found = await seeding.person.get("/do-not-call", phone_number=number)
    return str(found["items"][0]["id"])


async def _unknown_attempt(seeding: Seeding) -> str:
    book, now = seeding.book, clock.utc_now()
    row: dict[str, Any] = {"id": ids.new_id(), "agent_id": UUID(seeding.known["agent_id"])}
    row |= {"organization_id": book.organization_id}
    row |= {"phone_number": "+12025550177", "state": AttemptState.UNKNOWN_FINAL, "due_at": now, "created_at": now}
    async with book.database.organization(book.organization_id) as connection:
        await connection.execute(sa.insert(attempts.attempts).values(**row))
    return str(row["id"])


async def _call(seeding: Seeding) -> str:
    return await seeding.book.held(notes="theirs", campaign_id=UUID(seeding.known["campaign_id"]))


async def _integration(seeding: Seeding) -> str:
    config = {"caller_ids": ["+12025550000"], "allowed_countries": ["US"]}
    made = await seeding.person.post(
        "/integrations", name=_name(), type="telephony", provider="scripted", config=config
    )
    return str(made["id"])


async def _phone_number(seeding: Seeding) -> str:
    number = f"+1303555{next(_COUNT):04d}"
    made = await seeding.person.post(
        "/phone-numbers", phone_number=number, integration_id=seeding.known["integration_id"], label=_name()
    )
    return str(made["id"])


async def _user(seeding: Seeding) -> str:
    return str(seeding.person.tokens["user"]["id"])


async def _key(seeding: Seeding) -> str:
    return str((await seeding.person.post("/api-keys", name="Theirs"))["id"])


async def _invitation(seeding: Seeding) -> str:
    return str((await seeding.person.post("/invitations", email=f"{ids.new_id()}@example.org"))["id"])


async def _organization(seeding: Seeding) -> str:
    return seeding.person.organization_id


async def _webhook(seeding: Seeding) -> str:
    return str((await seeding.person.post("/webhooks", url="https://1.1.1.1/theirs"))["id"])


async def _delivery(seeding: Seeding) -> str:
    """An event that waits for a worker, of which there is none."""
    book = seeding.book
    async with book.database.organization(book.organization_id) as connection:
        await events.emit(connection, book.organization_id, Event.CALL_ENDED, {}, clock.utc_now())
    logs = await seeding.person.get(f"/webhooks/{seeding.known['webhook_id']}/logs")
    return str(logs["items"][0]["id"])


async def _price(seeding: Seeding) -> str:
    made = await seeding.person.post("/prices", part="stt", provider=_name(), unit="minute", price="0.01")
    return str(made["id"])


async def _prompt(seeding: Seeding) -> str:
    file = {"file": ("a.wav", hum(0.5), "audio/wav")}
    answer = await seeding.person.client.post("/prompts", data={"name": f"p{ids.new_id()}"}, files=file)
    return str(answer.json()["data"]["id"])


async def _trial(seeding: Seeding) -> str:
    """Canceled, so that another of the same agent can be asked for."""
    made = await seeding.person.post(f"/agents/{seeding.known['agent_id']}/trials", callees=[{"name": "Anybody"}])
    await seeding.person.post(f"/trials/{made['id']}/cancel", 200)
    return str(made["id"])


SEEDS: dict[str, Seed] = {
    "agent_id": _agent,
    "campaign_id": _campaign,
    "contact_id": _contact,
    "upload_id": _upload,
    "entry_id": _entry,
    "attempt_id": _unknown_attempt,
    "call_id": _call,
    "integration_id": _integration,
    "phone_number_id": _phone_number,
    "price_id": _price,
    "prompt_id": _prompt,
    "trial_id": _trial,
    "user_id": _user,
    "organization_id": _organization,
    "key_id": _key,
    "invitation_id": _invitation,
    "webhook_id": _webhook,
    "delivery_id": _delivery,
}
"""In the order in which the rows are made."""


async def seeded(person: Person, book: CallBook) -> dict[str, str]:
    """Path parameter → a row of `person`'s that it names."""
    known: dict[str, str] = {}
    for name, seed in SEEDS.items():
        known[name] = await seed(Seeding(person, book, known))
    return known


async def ask(client: httpx.AsyncClient, route: Route, values: dict[str, str], **options: Any) -> httpx.Response:
    return await client.request(route.method, route.filled(values), **(options or fitting_body(route)))
