"""Benchmark data: calls, transcripts and recordings of 90 days in the platform's own schema, made in SQL.

    .venv/bin/python -m benchmarks.rows --rows 5000000 [--data DIR]

One tenant has half of the calls, twenty others share the rest. 55 % of the calls were talked on: they have a
recording and a transcript of 120 words (median), drawn from 50,000 words by Zipf's law. The words to search for and
the rollups of reports are there as triggers and the worker would have kept them. Made once for each number of
rows and kept in DIR (default: the user's cache directory) with the embedded PostgreSQL that holds it, for every
benchmark that wants many calls; a newer schema is migrated to. Five million calls take half an hour and 20 GB.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from voiceera.store import migrate, partitions
from voiceera.store.base import Database
from voiceera.store.postgres import PostgresServer
from voiceera.worker.rollups import Rollups

DAYS = 90
WORDS = 50_000
UTTERANCES = 400_000
CHUNK = 250_000
MEASURED_TENANT = UUID("01900000-0000-7000-8000-000000000000")
"""The one with half of the calls. Its agents, and in part its campaigns, are numbered from the same pattern."""

_TENANT = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"

# A word by its rank: base 40 in syllables, so that frequent words are short.
_SYLLABLES = "".join(a + b for a in "bdfgklmn" for b in "aeiou")
_WORD = f"""
    substr('{_SYLLABLES}', 1 + 2 * (rank % 40), 2)
    || CASE WHEN rank >= 40 THEN substr('{_SYLLABLES}', 1 + 2 * (rank / 40 % 40), 2) ELSE '' END
    || CASE WHEN rank >= 1600 THEN substr('{_SYLLABLES}', 1 + 2 * (rank / 1600), 2) ELSE '' END
"""


def word(rank: int) -> str:
    """The `rank`th most frequent word, from 1; as `_WORD` makes it."""
    digits = [rank % 40] + ([rank // 40 % 40] if rank >= 40 else []) + ([rank // 1600] if rank >= 1600 else [])
    return "".join(_SYLLABLES[2 * digit : 2 * digit + 2] for digit in digits)


_PARTIES = (
    f"""
    INSERT INTO organizations (id, name, created_at)
    SELECT {_TENANT}, 'Tenant ' || n, $1 FROM generate_series(0, 20) n
    """,
    """
    INSERT INTO agents (organization_id, id, name, status, version, created_at, updated_at)
    SELECT o.id, (left(o.id::text, 24) || 'a' || lpad(to_hex(n), 11, '0'))::uuid, 'Agent ' || n, 'active', 1, $1, $1
    FROM organizations o, generate_series(0, 11) n
    """,
    """
    INSERT INTO agent_versions (organization_id, agent_id, version, config, created_at)
    SELECT organization_id, id, 1, jsonb_build_object('name', name), $1 FROM agents
    """,
    """
    INSERT INTO campaigns (organization_id, id, agent_id, name, status, config, created_at, updated_at)
    SELECT a.organization_id, (left(a.id::text, 24) || 'c' || lpad(to_hex(n), 11, '0'))::uuid, a.id,
           'Campaign ' || n, 'completed', '{"category": "service"}', $1, $1
    FROM agents a, generate_series(0, 39) n WHERE a.name = 'Agent 0'
    """,
)

_UTTERANCES = f"""
    INSERT INTO benchmark_utterances
    SELECT id, string_agg({_WORD}, ' ') FROM (
        SELECT id, floor(exp(random() * ln({WORDS})))::int AS rank
        FROM generate_series(0, {UTTERANCES} - 1) id, generate_series(1, 5 + id * 13 % 31)
    ) drawn GROUP BY id
"""

# Every value is a function of the call's number and of pseudo-random bits from its hash, so that a chunk is made
# alike whenever it is made. A campaign lasts a fortieth of the time; the dice are independent of one another.
_NUMBERED = """
    CREATE TEMPORARY TABLE numbered AS
    SELECT i, (CASE WHEN i % 2 = 0 THEN 0 ELSE 1 + i / 2 % 20 END)::int AS n,
           '{start}'::timestamptz + interval '{days} days' * (i::float8 / {rows}) AS created_at,
           hashint8extended(i, 1) AS bits, md5(i::text) AS hex,
           (hashint8extended(i, 2) & 1023) AS die, (hashint8extended(i, 3) & 1048575) AS many,
           least(39, i * 40 / {rows})::int AS campaign
    FROM generate_series({first}::bigint, {last}::bigint) i
"""

_EMOTIONS = """
    CASE many % 4 WHEN 0 THEN ARRAY['neutral'] WHEN 1 THEN ARRAY['satisfaction', 'trust']
        WHEN 2 THEN ARRAY['frustration'] ELSE ARRAY['worry', 'confusion'] END
"""

# Eight pairs of words, common ones often.
_PHRASES = f"""
    ARRAY(
        SELECT DISTINCT {_WORD} || ' ' || substr('{_SYLLABLES}', 1 + 2 * (rank % 40), 4)
        FROM (
            SELECT floor(exp((hashint8extended(i, 200 + nth) & 1048575) / 1048576.0 * ln({WORDS})))::int AS rank
            FROM generate_series(1, 8) nth
        ) drawn_phrases
    )
"""

_CALLS = f"""
    INSERT INTO calls (
        organization_id, id, direction, status, agent_id, agent_version, campaign_id, contact_id, contact_name,
        phone_number, caller_id, provider, carrier_call_id, variables, outcome, answered_by, hangup_cause,
        disposition, extracted, notes, duration_seconds, cost, cost_parts, audio_format, turns, interruptions,
        latency, answer_ms, goal_reached, analysis_state, summary, sentiment, emotions, key_phrases, spoken_language,
        created_at, ringing_at, answered_at, ended_at)
    SELECT
        {_TENANT}, id, CASE WHEN is_outbound THEN 'outbound' WHEN die % 20 = 18 THEN 'inbound' ELSE 'browser' END,
        status, ('01900000-0000-7000-8000-a' || lpad(to_hex(many % 12), 11, '0'))::uuid, 1,
        CASE WHEN is_outbound THEN ('01900000-0000-7000-8000-c' || lpad(to_hex(campaign), 11, '0'))::uuid END,
        CASE WHEN is_outbound THEN md5((many % 500000)::text)::uuid END, 'Contact ' || many % 500000,
        '+1202' || lpad((many % 500000)::text, 7, '0'), '+12025550100', 'plivo', md5(hex)::uuid::text,
        jsonb_build_object('name', 'Contact ' || many % 500000, 'day', 'Monday'),
        CASE status WHEN 'completed' THEN 'reached' WHEN 'canceled' THEN 'canceled' ELSE status END,
        CASE status WHEN 'completed' THEN 'human' WHEN 'voicemail' THEN 'machine' END,
        CASE WHEN is_talked THEN 'agent_ended' ELSE status END,
        CASE WHEN is_talked THEN (ARRAY['confirmed', 'declined', 'callback', 'voicemail_left', 'no_decision',
            'wrong_person', 'opted_out', 'moved'])[1 + least(7, many % 13)] END,
        CASE WHEN is_talked THEN '{{"coming": "yes", "day": "Monday"}}'::jsonb ELSE '{{}}' END,
        CASE WHEN many % 50 = 0 THEN 'Called back about ' || hex END,
        CASE WHEN is_talked THEN 5 + (many % 200000) / 1000.0 END,
        CASE WHEN is_talked THEN (5 + (many % 200000) / 1000.0) * 0.0002 END,
        CASE WHEN is_talked THEN '{{"carrier": "0.0100"}}'::jsonb ELSE '{{}}' END,
        CASE WHEN is_talked THEN 'ulaw/8000' END, CASE WHEN is_talked THEN 3 + many % 7 ELSE 0 END, die % 3,
        CASE WHEN is_talked THEN '{{"answers": 3, "total_ms_p50": 612.5, "total_ms_max": 840.1, "platform_ms_p50": 40,
            "platform_ms_max": 61.5}}'::jsonb ELSE '{{}}' END,
        CASE WHEN is_talked THEN ARRAY[300 + many % 700, 400 + many % 1300, 350 + many % 900]::real[] ELSE '{{}}' END,
        is_talked AND many % 13 = 0, CASE WHEN is_talked THEN 'done' END,
        CASE WHEN is_talked THEN 'Ended as agreed.' END,
        CASE WHEN is_talked THEN (ARRAY['positive', 'neutral', 'negative'])[1 + many % 3] END,
        CASE WHEN is_talked THEN {_EMOTIONS} END, CASE WHEN is_talked THEN {_PHRASES} END,
        CASE WHEN is_talked THEN 'en' END,
        created_at, created_at + interval '3 s', CASE WHEN is_talked THEN created_at + interval '9 s' END,
        created_at + interval '14 s' + CASE WHEN is_talked THEN interval '1 ms' * (many % 200000) ELSE '0' END
    FROM drawn
"""

# UUIDv7: 48 bits of milliseconds, then version and variant among bits of the hash.
_DRAWN = """
    CREATE TEMPORARY TABLE drawn AS
    SELECT *, status IN ('completed', 'voicemail') AS is_talked, die % 20 < 18 AS is_outbound
    FROM (
        SELECT *, (lpad(to_hex(floor(extract(epoch FROM created_at) * 1000)::bigint), 12, '0')
                   || '7' || substr(hex, 1, 3) || 'a' || substr(hex, 4, 15))::uuid AS id,
               CASE WHEN bits & 127 < 58 THEN 'completed' WHEN bits & 127 < 71 THEN 'voicemail'
                    WHEN bits & 127 < 109 THEN 'no_answer' WHEN bits & 127 < 119 THEN 'busy'
                    WHEN bits & 127 < 127 THEN 'failed' ELSE 'canceled' END AS status
        FROM numbered
    ) known
"""

_RECORDINGS = f"""
    INSERT INTO recordings (organization_id, call_id, store, key, format, channels, sample_rate, duration_seconds,
                            size_bytes, sha256, created_at)
    SELECT {_TENANT}, id, 'local', {_TENANT} || '/' || to_char(created_at, 'YYYY/MM/DD') || '/' || id || '.wav',
           'wav', 2, 8000, 5 + (many % 200000) / 1000.0, 160000 + many, md5(hex) || hex, created_at + interval '14 s'
    FROM drawn WHERE is_talked
"""

_TURNS = f"""
    INSERT INTO call_turns (organization_id, call_id, index, speaker, text, start_ms, end_ms, confidence, step,
                            latency)
    SELECT {_TENANT}, d.id, t, CASE WHEN t % 2 = 0 THEN 'agent' ELSE 'caller' END, u.text, t * 5000, t * 5000 + 4200,
           CASE WHEN t % 2 = 1 THEN 0.93 END, CASE WHEN t % 2 = 1 THEN 'ask' END, NULL
    FROM drawn d
    CROSS JOIN LATERAL generate_series(0, 2 + (d.many % 7)::int) t
    JOIN benchmark_utterances u ON u.id = (hashint8extended(d.i, 100 + t) & 2147483647) % {UTTERANCES}
    WHERE d.is_talked
"""

# What the triggers would have written, which are not asked: the words to search for, and which quarters to count.
_TEXTS = f"""
    INSERT INTO call_texts (organization_id, call_id, created_at, words)
    SELECT {_TENANT}, d.id, d.created_at, array_to_tsvector(words_of(concat_ws(' ',
        CASE WHEN d.many % 50 = 0 THEN 'Called back about ' || d.hex END, said.text)))
    FROM drawn d CROSS JOIN LATERAL (
        SELECT string_agg(t.text, ' ') AS text FROM call_turns t
        WHERE t.organization_id = {_TENANT} AND t.call_id = d.id
    ) said
    WHERE d.many % 50 = 0 OR said.text IS NOT NULL
"""
_CHANGES = """
    INSERT INTO call_changes (organization_id, quarter)
    SELECT DISTINCT organization_id, date_bin('15 minutes', created_at, '2000-01-01 00:00:00+00') FROM calls
"""

_BIG = ("calls", "call_turns", "recordings", "call_texts")
_COUNTED = ("call_rollups", "latency_rollups", "phrase_rollups", "phrase_parts", "call_changes", "rollup_turns")


def default_data() -> Path:
    """Below the user's cache directory (XDG), or as root where PostgreSQL's own account may pass."""
    if os.geteuid() == 0:
        return Path("/var/cache/voiceera-benchmarks")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "voiceera-benchmarks"


@asynccontextmanager
async def call_rows(rows: int, data: Path | None = None) -> AsyncIterator[PostgresServer]:
    """A running server over `rows` calls, made now if they are not there, at this version's schema."""
    directory = (data or default_data()) / f"calls-{rows}"
    directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    server = PostgresServer(directory)
    await server.start()
    try:
        await migrate.upgrade(server.url)
        made = directory / "made.json"
        if not made.exists():
            facts = await _make(server, rows)
            made.write_text(json.dumps(facts))
        yield server
    finally:
        server.stop()


def facts_of(rows: int, data: Path | None = None) -> dict[str, Any]:
    """How long the rows took to make, and what they take on disk."""
    facts: dict[str, Any] = json.loads(((data or default_data()) / f"calls-{rows}" / "made.json").read_text())
    return facts


async def _make(server: PostgresServer, rows: int) -> dict[str, Any]:
    began = time.monotonic()
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(days=DAYS)
    await _make_partitions(server, start, end)
    admin = await asyncpg.connect(server.admin_url.replace("/postgres?", "/voiceera?"))
    try:
        # The loader is the superuser: no policy, trigger or foreign key is asked, no row is flushed one by one.
        await admin.execute(
            "SET session_replication_role = replica; SET synchronous_commit = off; SELECT setseed(0.5)"
        )
        await admin.execute("SET work_mem = '256MB'; SET maintenance_work_mem = '1GB'; SET random_page_cost = 1.1")
        await admin.execute(
            "CREATE TABLE IF NOT EXISTS benchmark_utterances (id int PRIMARY KEY, text text NOT NULL)"
        )
        await admin.execute(f"TRUNCATE organizations, benchmark_utterances, {', '.join((*_BIG, *_COUNTED))} CASCADE")
        for statement in _PARTIES:
            await admin.execute(statement, start)
        await admin.execute(_UTTERANCES)
        await admin.execute("ANALYZE benchmark_utterances")
        print(f"  words drawn after {time.monotonic() - began:.0f} s", flush=True)
        async with _without_indexes(admin):
            for first, last in _chunks(rows):
                await admin.execute("DROP TABLE IF EXISTS numbered, drawn")
                numbered = _NUMBERED.format(start=start.isoformat(), days=DAYS, rows=rows, first=first, last=last)
                for statement in (numbered, _DRAWN, "ANALYZE drawn", _CALLS, _RECORDINGS, _TURNS, _TEXTS):
                    await admin.execute(statement)
                print(f"  {last + 1} calls after {time.monotonic() - began:.0f} s", flush=True)
        await admin.execute(_CHANGES)
        await _count(server)
        print(f"  reports counted after {time.monotonic() - began:.0f} s", flush=True)
        await admin.execute("VACUUM (ANALYZE)")
        size = await admin.fetchval("SELECT pg_database_size('voiceera')")
        await admin.execute("CHECKPOINT")
    finally:
        await admin.close()
    seconds = time.monotonic() - began
    return {"rows": rows, "load_seconds": round(seconds), "disk_gb": round(size / 1e9, 2), "until": end.isoformat()}


async def _count(server: PostgresServer) -> None:
    """What the worker keeps counted."""
    database = Database(server.url)
    try:
        await Rollups(database).round()
        await Rollups(database).phrases()
    finally:
        await database.close()


def _chunks(rows: int) -> Iterator[tuple[int, int]]:
    edges = [*range(0, rows, CHUNK), rows]
    return ((first, after - 1) for first, after in pairwise(edges))


async def _make_partitions(server: PostgresServer, start: datetime, end: datetime) -> None:
    """Those that the worker would have made ahead in each of the months."""
    database = Database(server.url)
    try:
        async with database.platform() as connection:
            await partitions.make(connection, partitions.months(start, DAYS // 28 + 2))
        await partitions.make_ahead(database, end)
    finally:
        await database.close()


@asynccontextmanager
async def _without_indexes(admin: asyncpg.Connection) -> AsyncIterator[None]:
    """Their definitions are kept beside the rows, and built when these are there: an order faster."""
    definitions: Sequence[Any] = await admin.fetch(
        """
        SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
        FROM pg_index i WHERE i.indrelid = ANY($1::regclass[]) AND NOT i.indisunique
        """,
        list(_BIG),
    )
    for row in definitions:
        await admin.execute(f"DROP INDEX {row['name']}")
    yield
    for row in definitions:
        began = time.monotonic()
        # Of the parent it says ON ONLY, which would leave the partitions without.
        await admin.execute(row["definition"].replace(" ON ONLY ", " ON "))
        print(f"  {row['name']} built in {time.monotonic() - began:.0f} s", flush=True)


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=None)
    options = parser.parse_args()
    async with call_rows(options.rows, options.data):
        print(json.dumps(facts_of(options.rows, options.data)))


if __name__ == "__main__":
    asyncio.run(_main())
