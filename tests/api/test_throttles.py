"""Tries a minute where people can guess."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import time_machine

from tests.api.conftest import PASSWORD, Person, body, client_of
from voiceera.api.app import create_app
from voiceera.clock import utc_now
from voiceera.config import Settings
from voiceera.store.base import Database
from voiceera.store.bus import Bus

NAMES = {"first_name": "A", "last_name": "Person"}
GUESSES: dict[str, dict[str, Any]] = {
    "/auth/login": {"email": "{}@example.com", "password": PASSWORD},
    "/auth/forgot-password": {"email": "{}@example.com"},
    "/auth/register": {"email": "{}@example.com", "password": PASSWORD, **NAMES},
    "/auth/reset-password": {"token": "{}", "new_password": PASSWORD},
    "/invitations/accept": {"token": "{}", "password": PASSWORD, **NAMES},
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Three a minute for one e-mail, thirty for one address."""
    return settings.model_copy(update={"login_tries_per_minute": 3})


@pytest.fixture
def still() -> Iterator[time_machine.Traveller]:
    """Twenty seconds past a full minute, for as long as the test wants."""
    with time_machine.travel(utc_now().replace(second=20, microsecond=0), tick=False) as traveller:
        yield traveller


def guess(path: str, name: str) -> dict[str, Any]:
    return {field: value.format(name) for field, value in GUESSES[path].items()}


async def tried(client: httpx.AsyncClient, path: str, *names: str) -> int:
    """How many of these tries, all at once, were let through."""
    answers = await asyncio.gather(*(client.post(path, json=guess(path, name)) for name in names))
    refused = [answer for answer in answers if answer.status_code == 429]
    for answer in refused:
        assert body(answer, 429)["code"] == "RATE_001"
        assert answer.headers["Retry-After"] == "40"
    return len(answers) - len(refused)


@pytest.mark.parametrize("path", GUESSES)
async def test_tries_are_counted_for_the_person_and_for_the_address_and_begin_anew_each_minute(
    anyone: httpx.AsyncClient, still: time_machine.Traveller, path: str
) -> None:
    assert await tried(anyone, path, *["ann"] * 8) == 3
    assert await tried(anyone, path, *(f"someone{number}" for number in range(40))) == 30 - 8
    assert await tried(anyone, path, "another") == 0
    still.shift(60)
    assert await tried(anyone, path, "ann") == 1


async def test_invitations_are_counted_too(ann: Person, still: time_machine.Traveller) -> None:
    answers = [await ann.client.post("/invitations", json={"email": "mae@example.com"}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [201] * 3 + [429] * 2


async def test_guessing_the_current_password_is_counted_too(ann: Person, still: time_machine.Traveller) -> None:
    change = {"password": "another horse battery", "current_password": "a wrong guess"}
    answers = [await ann.client.put(ann.path, json=change) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [422] * 3 + [429] * 2


async def test_counts_hold_across_processes(
    settings: Settings, database: Database, bus: Bus, still: time_machine.Traveller
) -> None:
    for let_through in (3, 0):
        app = create_app(settings, database, bus)
        async with app.router.lifespan_context(app), client_of(app) as client:
            assert await tried(client, "/auth/login", *["ann"] * 4) == let_through
