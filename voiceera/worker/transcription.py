"""The job that transcribes recordings by the provider that the request names."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import cast
from uuid import UUID

from voiceera.clock import utc_now
from voiceera.errors import NotFound, ProviderError, VoiceEraError
from voiceera.log import get_logger
from voiceera.providers.on_this_machine import Machine
from voiceera.providers.protocols import SpeechToText
from voiceera.providers.registry import Kind as ProviderKind
from voiceera.providers.registry import load
from voiceera.rules.agent_sayings import agent_sayings
from voiceera.rules.calls import Speaker
from voiceera.rules.phrases import common_phrases, flow_phrases
from voiceera.rules.transcripts import NoTranscript, Segment
from voiceera.services import transcripts as service
from voiceera.services.connections import Connections
from voiceera.services.sound_archive import SoundArchive
from voiceera.services.transcripts import Task
from voiceera.store import transcripts
from voiceera.store.base import Connection, Database
from voiceera.store.jobs import DueRow
from voiceera.worker.hearing import Unusable, hear
from voiceera.worker.jobs import SWEPT_AT_ONCE, Kind

log = get_logger("transcription")

Recognizers = Callable[[UUID, str], AbstractAsyncContextManager[SpeechToText]]
"""An organization's recognizer, by its name; after a slash that of its integration, or of its model on this machine.
Raises VoiceEraError."""


def registered(connections: Connections, machine: Machine) -> Recognizers:
    @asynccontextmanager
    async def recognizer(organization_id: UUID, name: str) -> AsyncIterator[SpeechToText]:
        factory = load(ProviderKind.SPEECH_TO_TEXT, name.partition("/")[0])
        if hasattr(factory, "Settings"):  # an account of the organization's, which others use, too
            yield await connections.named(organization_id, ProviderKind.SPEECH_TO_TEXT, name)
            return
        own = cast(SpeechToText, machine.make(ProviderKind.SPEECH_TO_TEXT, name))
        try:
            yield own
        finally:
            await own.close()

    return recognizer


def transcription(database: Database, archive: SoundArchive, recognizers: Recognizers) -> Kind:
    """One at a time in each worker: recognizing takes a core."""

    async def handle(row: DueRow, now: datetime) -> None:
        task = await service.claim(database, row.organization_id, row.row_id, now)
        if task is None:
            return
        if task.tries > service.MOST_TRIES:  # whoever took it up died of it, again and again
            await service.give_up(database, task, NoTranscript.PROVIDER_FAILED, now)
        else:
            await _carry_out(database, task, archive, recognizers, lambda: max(now, utc_now()))

    return Kind(service.KIND, handle, _due, at_once=1)


async def _carry_out(
    database: Database, task: Task, archive: SoundArchive, recognizers: Recognizers, now: Callable[[], datetime]
) -> None:
    try:
        said = await _heard(task, archive, recognizers)
    except Unusable as problem:
        await service.give_up(database, task, problem.reason, now())
    except (VoiceEraError, TimeoutError) as problem:
        log.warning("not_transcribed", call_id=str(task.call_id), provider=task.provider, problem=str(problem))
        may_pass = isinstance(problem, TimeoutError) or (isinstance(problem, ProviderError) and not problem.permanent)
        await service.give_up(database, task, NoTranscript.PROVIDER_FAILED, now(), may_pass=may_pass)
    else:
        if said:
            await service.finish(database, task, said, now())
        else:
            await service.give_up(database, task, NoTranscript.NO_WORDS, now())


async def _heard(task: Task, archive: SoundArchive, recognizers: Recognizers) -> Sequence[Segment]:
    if task.store is None or task.key is None:
        raise Unusable(NoTranscript.RECORDING_GONE)
    async with recognizers(task.organization_id, task.provider) as recognizer:
        try:
            async with archive.local(task.store, task.key) as path:
                return await hear(path, recognizer, task.language, _phrases(task))
        except NotFound:
            raise Unusable(NoTranscript.RECORDING_GONE) from None


def _phrases(task: Task) -> dict[Speaker, tuple[str, ...]]:
    """What each side may be expected to say."""
    if task.agent is None:
        return {}
    flow = task.agent.flow
    return {
        Speaker.CALLER: flow_phrases(flow) if flow else common_phrases(),
        Speaker.AGENT: agent_sayings(task.agent, task.variables) or common_phrases(),
    }


async def _due(connection: Connection, now: datetime) -> Sequence[DueRow]:
    return await transcripts.due_requests(connection, now, SWEPT_AT_ONCE)
