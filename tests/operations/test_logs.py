"""The system's log: from any role into the database, and out of it for the operator."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from tests.api.conftest import Person, client_of
from tests.operations.logs import spool, written
from voiceera import log, vitals
from voiceera.services.system_logs import LogWriter
from voiceera.store import system_logs
from voiceera.store.base import Database

__all__ = ["spool"]


@contextmanager
def broken_route(app: FastAPI, words: str) -> Iterator[str]:
    async def broken() -> None:
        raise RuntimeError(words)

    app.add_api_route("/broken", broken)
    yield "/broken"


async def test_a_forced_error_is_found_by_its_request_id(
    app: FastAPI, operator: Person, spool: log.Spool, database: Database
) -> None:
    async with client_of(app) as client:
        with broken_route(app, "the secret is swordfish") as path:
            answer = await client.get(path, headers={"X-Request-ID": "find-me"})
    assert answer.status_code == 500
    await written(database, spool)
    [line] = (await operator.get("/admin/logs", request_id="find-me"))["items"]
    assert (line["level"], line["role"], line["component"], line["event"]) == (
        *("error", "tests", "api"),
        "request_failed",
    )
    assert line["process"] == "here:1"
    assert line["details"]["route"] == "/broken"
    assert "RuntimeError" in line["details"]["exception"] and "in broken" in line["details"]["exception"]
    assert "swordfish" not in str(line)
    assert (await operator.get("/admin/logs", request_id="another"))["total"] == 0


async def test_who_did_what_is_among_the_lines(operator: Person, ann: Person, database: Database) -> None:
    agent = await ann.post("/agents", name="Clara")
    answer = await ann.client.delete(f"/agents/{agent['id']}", headers={"X-Request-ID": "gone-1"})
    assert answer.status_code == 204
    [line] = (await operator.get("/admin/logs", request_id="gone-1"))["items"]
    assert (line["level"], line["event"], line["user_id"]) == ("audit", "agent.deleted", ann.tokens["user"]["id"])
    assert line["details"]["subject_id"] == agent["id"]
    by_user = await operator.get("/admin/logs", user_id=ann.tokens["user"]["id"], level="audit")
    assert [each["event"] for each in by_user["items"]] == ["agent.deleted", "login", "register"]
    assert (await operator.get("/admin/logs", component="audit", search="agent.del"))["total"] == 1


async def test_filters_and_pages_go_through_both_kinds(
    operator: Person, spool: log.Spool, database: Database
) -> None:
    for number in range(5):
        log.get_logger("dialer").warning("no_trunk", number_of_it=number)
    log.get_logger("media").error("result_lost", about="Rome")
    await written(database, spool)
    seen: list[Any] = []
    page = await operator.get("/admin/logs", limit=3)
    assert page["total"] == 8
    while True:
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        page = await operator.get("/admin/logs", limit=3, cursor=page["next_cursor"])
    assert len({line["id"] for line in seen}) == 8
    assert [line["created_at"] for line in seen] == sorted((line["created_at"] for line in seen), reverse=True)
    assert (await operator.get("/admin/logs", component="dialer"))["total"] == 5
    assert (await operator.get("/admin/logs", level="error"))["items"][0]["event"] == "result_lost"
    assert (await operator.get("/admin/logs", search="rome"))["total"] == 1
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert (await operator.get("/admin/logs", date_from=tomorrow))["total"] == 0
    assert (await operator.get("/admin/logs", date_to=tomorrow, role="tests"))["total"] == 6
    assert (await operator.get("/admin/logs", 422, level="loud"))["fields"][0]["field"] == "level"


async def test_the_log_is_for_the_operator_alone(ann: Person, anyone: httpx.AsyncClient) -> None:
    assert (await ann.get("/admin/logs", 403))["code"] == "AUTH_004"
    assert (await anyone.get("/admin/logs")).status_code == 401


def test_what_libraries_log_comes_redacted(spool: log.Spool, capfd: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("swordfish")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("for %s", "ann@example.com")
    logging.getLogger("uvicorn.error").info("not this one")
    [line] = spool.take(10)
    assert (line["component"], line["level"], line["message"]) == ("uvicorn.error", "error", "for [email]")
    told = capfd.readouterr().err
    assert "ValueError" in told and "swordfish" not in told and "ann@" not in told


def test_a_full_spool_drops_counts_and_goes_on() -> None:
    spool = log.Spool(2)
    for number in range(5):
        spool.put({"number": number})
    assert spool.dropped == 3
    first = spool.take(1)
    spool.put_back(first)
    assert [line["number"] for line in spool.take(10)] == [0, 1]


async def test_lines_wait_for_a_database_that_is_away_and_lost_ones_are_counted(
    spool: log.Spool, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    log.get_logger("dialer").error("round_failed")
    with pytest.raises(OSError):
        await written(nowhere, spool)
    assert len(spool) == 1, "nothing is lost"
    assert "round_failed" in capfd.readouterr().err, "standard error has it meanwhile"
    spool.dropped = 4
    before = vitals.counts().get("log_lines_dropped", 0)
    writer = LogWriter(database, spool, "here:1")
    await writer.flush()
    await writer.flush()
    assert vitals.counts()["log_lines_dropped"] == before + 4
    assert await events(database) == ["round_failed", "log_lines_dropped"]
    await nowhere.close()


async def test_one_line_that_cannot_be_stored_holds_up_no_other(spool: log.Spool, database: Database) -> None:
    log.get_logger("api").warning("first")
    spool.put({"timestamp": "2026-01-01T00:00:00Z", "level": "unheard of", "event": "bad"})
    log.get_logger("api").warning("last")
    await written(database, spool)
    assert await events(database) == ["first", "last"]


async def test_old_days_go_and_coming_ones_are_ready(database: Database) -> None:
    now = datetime.now(UTC)
    await system_logs.keep_partitions(database, now - timedelta(days=40), 30)
    shared = {"level": "error", "role": "api", "process": "p", "component": "c", "details": {}}
    rows = [
        shared | {"id": _id(number), "created_at": now - timedelta(days=days), "event": str(days)}
        for number, days in enumerate((38, 31, 29, 0))
    ]
    async with database.platform() as connection:
        await system_logs.add(connection, rows)
    dropped = await system_logs.keep_partitions(database, now, 30)
    assert len(dropped) == 3
    assert await events(database) == ["29", "0"]
    assert await system_logs.keep_partitions(database, now, 30) == [], "twice changes nothing"


async def test_reading_the_newest_lines_uses_the_indexes(database: Database) -> None:
    """Whatever lies in the tables, one page reads no more than it shows."""
    async with database.platform() as connection:
        await connection.execute(sa.text(FILL_LOGS))
        await connection.execute(sa.text("ANALYZE system_logs"))
        await connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join((await connection.execute(sa.text("EXPLAIN " + NEWEST))).scalars())
    assert "Merge Append" in plan and "Sort" not in plan.replace("Sort Key", ""), plan


FILL_LOGS = """
    INSERT INTO system_logs (id, created_at, level, role, process, component, event)
    SELECT gen_random_uuid(), now() - n * interval '1 minute', 'error', 'api', 'p', 'c', 'e'
    FROM generate_series(1, 5000) n
"""
NEWEST = """
    SELECT * FROM (
        SELECT id, created_at, level FROM system_logs
        UNION ALL SELECT id, at AS created_at, CAST('audit' AS text) AS level FROM audit
    ) lines ORDER BY created_at DESC, id DESC LIMIT 11
"""


async def events(database: Database) -> list[str]:
    async with database.platform() as connection:
        found = await connection.execute(sa.text("SELECT event FROM system_logs ORDER BY created_at, id"))
        return list(found.scalars())


def _id(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012}"
