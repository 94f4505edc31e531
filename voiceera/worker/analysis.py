"""The job that analyzes finished calls: by the language model of the agent's plan, else by the embedded analyzer."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from voiceera.analysis import by_model
from voiceera.analysis.basic import Finished
from voiceera.analysis.basic import analyse as analyse_basically
from voiceera.analysis.by_model import NoFittingAnswer
from voiceera.errors import ProviderError
from voiceera.log import get_logger
from voiceera.providers.registry import Kind as ProviderKind
from voiceera.rules.analysis import Findings, Tokens
from voiceera.services import analyses as service
from voiceera.services.analyses import Subject
from voiceera.services.connections import Connections
from voiceera.store import analyses
from voiceera.store.base import Connection, Database
from voiceera.store.jobs import DueRow
from voiceera.worker.jobs import SWEPT_AT_ONCE, Kind

log = get_logger("analysis")

_AT_ONCE = 16
"""Models are waited for; the embedded one works in a few threads."""


def analysis(database: Database, connections: Connections) -> Kind:
    analyzer = Analyzer(connections)

    async def handle(row: DueRow, now: datetime) -> None:
        await service.analyse(database, row.organization_id, row.row_id, now, analyzer.find)

    return Kind(service.KIND, handle, _due, at_once=_AT_ONCE)


class Analyzer:
    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def find(self, subject: Subject, tokens: Tokens) -> Findings:
        """A model that cannot be used, or answers nothing that fits, leaves it to the embedded analyzer, and the
        findings say so. Raises ProviderError for one that may do better later."""
        if subject.plan.provider is None or not any(turn.text.strip() for turn in subject.turns):
            return await basically(subject)
        try:
            return await self._by_model(subject, subject.plan.provider, tokens)
        except NoFittingAnswer as problem:
            reason = f"no answer that fits: {problem}"
        except ProviderError as problem:
            if not (problem.permanent or subject.is_last_try):
                raise
            reason = problem.message
        log.warning("analyzed_basically", organization_id=str(subject.organization_id), vendor=subject.plan.provider)
        found = await basically(subject)
        return replace(found, details=found.details | {"instead_of": _failed(subject, reason)})

    async def _by_model(self, subject: Subject, name: str, tokens: Tokens) -> Findings:
        model = await self._connections.named(subject.organization_id, ProviderKind.LANGUAGE_MODEL, name)
        opted_out = subject.disposition == "opted_out"
        return await by_model.analyse(
            model, subject.plan, subject.turns, subject.language, opted_out=opted_out, tokens=tokens
        )


def _failed(subject: Subject, reason: str) -> dict[str, Any]:
    return {"analyzer": subject.plan.provider, "reason": reason}


async def basically(subject: Subject) -> Findings:
    """Off the loop: a long call takes some ten milliseconds."""
    call = Finished(subject.turns, subject.language, subject.contact_name, subject.disposition, subject.extracted)
    return await asyncio.to_thread(analyse_basically, call)


async def _due(connection: Connection, now: datetime) -> Sequence[DueRow]:
    return await analyses.due(connection, now, SWEPT_AT_ONCE)
