"""The job that analyzes finished calls, by the embedded analyzer."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from voiceera.analysis.basic import Finished, analyse
from voiceera.rules.analysis import Findings
from voiceera.services import analyses as service
from voiceera.services.analyses import Subject
from voiceera.store import analyses
from voiceera.store.base import Connection, Database
from voiceera.store.jobs import DueRow
from voiceera.worker.jobs import SWEPT_AT_ONCE, Kind


def analysis(database: Database) -> Kind:
    async def handle(row: DueRow, now: datetime) -> None:
        await service.analyse(database, row.organization_id, row.row_id, now, find)

    return Kind(service.KIND, handle, _due, at_once=4)


async def find(subject: Subject) -> Findings:
    """Off the loop: a long call takes some ten milliseconds."""
    call = Finished(subject.turns, subject.language, subject.contact_name, subject.disposition, subject.extracted)
    return await asyncio.to_thread(analyse, call)


async def _due(connection: Connection, now: datetime) -> Sequence[DueRow]:
    return await analyses.due(connection, now, SWEPT_AT_ONCE)
