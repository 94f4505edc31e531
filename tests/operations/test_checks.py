"""Parts that hang, or come back: what the checks say of them."""

import asyncio
import threading
from pathlib import Path

import pytest

from voiceera.services import checks
from voiceera.services.checks import Checks
from voiceera.store.base import Database
from voiceera.store.bus import Bus, PostgresBus


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PATIENCE_SECONDS", 0.2)


async def test_a_storage_that_hangs_is_down_and_takes_one_thread(
    quick: None, database: Database, bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, begun = threading.Event(), []

    def hang(directory: Path) -> None:
        begun.append(directory)
        hanging.wait(30)

    monkeypatch.setattr(checks, "_write_and_remove", hang)
    asked = Checks(database, bus, tmp_path, 0)
    for _ in range(3):
        part = await asked.storage()
        assert part.reason is not None and "no answer within" in part.reason
    assert len(begun) == 1
    hanging.set()
    await asyncio.wait_for(asyncio.shield(asked._begin_to_write()), 30)
    assert (await asked.storage()).is_up


async def test_a_bus_without_a_server_is_down_and_can_be_asked_again(
    quick: None, database: Database, tmp_path: Path
) -> None:
    nowhere = PostgresBus("postgresql://nobody@127.0.0.1:1/nothing")
    asked = Checks(database, nowhere, tmp_path, 0)
    for _ in range(2):
        assert not (await asked.bus()).is_up
    await nowhere.close()


async def test_the_bus_and_the_database_answer_and_say_how_fast(database: Database, bus: Bus, tmp_path: Path) -> None:
    asked = Checks(database, bus, tmp_path, 0)
    for part in (await asked.bus(), await asked.database(), await asked.storage()):
        assert part.is_up and part.latency_ms is not None and part.latency_ms >= 0
    assert list(tmp_path.iterdir()) == [], "nothing is left of the probe"


async def test_too_little_room_is_said(database: Database, bus: Bus, tmp_path: Path) -> None:
    asked = Checks(database, bus, tmp_path / "recordings", 1 << 60)
    assert (await asked.storage()).reason == "the disk is nearly full"
    assert not asked.disk().is_up and asked.disk().facts["free_bytes"] > 0


async def test_a_probe_that_is_asked_often_works_once(
    database: Database, bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    monkeypatch.setattr(checks, "_write_and_remove", written.append)
    asked = Checks(database, bus, tmp_path, 0)
    await asyncio.gather(*(asked.needed() for _ in range(20)))
    assert len(written) == 1
