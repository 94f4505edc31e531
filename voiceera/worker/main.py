"""The worker role: a dialer, a reaper and a job runner over one database."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from voiceera.config import Settings
from voiceera.processes import process_name
from voiceera.providers.on_this_machine import Machine
from voiceera.providers.outbound import allow_list
from voiceera.providers.webhook_sender import WebhookSender
from voiceera.rules.sound_files import SoundFormat
from voiceera.services.connections import Connections
from voiceera.services.deliveries import Post
from voiceera.services.live import DIALER
from voiceera.services.sound_archive import SoundArchive
from voiceera.services.trunks import StoredTrunks
from voiceera.store.base import Database
from voiceera.store.bus import Bus
from voiceera.store.vault import Vault
from voiceera.worker.analysis import analysis
from voiceera.worker.caller_ids import CallerIdWatch
from voiceera.worker.deliveries import Deliveries
from voiceera.worker.dialer import Dialer
from voiceera.worker.encoding import encoding
from voiceera.worker.jobs import JobRunner, Kind
from voiceera.worker.mail import mail_kinds
from voiceera.worker.reaper import Reaper
from voiceera.worker.retention import RetentionWatch
from voiceera.worker.rollups import Rollups
from voiceera.worker.transcription import registered, transcription
from voiceera.worker.trial import trial

_LONGEST_DRAIN_SECONDS = 30.0
"""A job is cut off after that and comes again; a call's drain may take longer."""


async def run_worker(
    settings: Settings, database: Database, bus: Bus, stop: asyncio.Event, ready: Callable[[], None]
) -> None:
    """Dial, reap and do jobs until `stop`; then claim nothing more, and carry dials and jobs under way through.

    Cancelled, or killed, it leaves rows from which any other worker goes on.
    """
    vault, allow = Vault.load(settings), allow_list(settings.outbound_allow)
    archive = SoundArchive.of(settings)
    trunks = StoredTrunks(database, vault, allow)
    connections = Connections(database, vault, allow)
    public_url = settings.public_url or f"http://{settings.api_host}:{settings.api_port}"
    name = process_name()
    dialer = Dialer(database, bus, trunks, public_url=public_url, name=name)
    reaper = Reaper(database, bus, trunks, keep_logs_days=settings.log_retention_days)
    sender = WebhookSender(allow)
    kinds: list[Kind] = [
        *mail_kinds(database, settings),
        analysis(database, connections),
        encoding(database, archive, SoundFormat(settings.recording_format)),
        transcription(database, archive, registered(connections, Machine(settings.models_folder))),
        trial(database, public_url),
        Deliveries(Post(database, vault, sender), stop).kind(),
    ]
    jobs = JobRunner(database, kinds, drain_seconds=min(settings.drain_seconds, _LONGEST_DRAIN_SECONDS))
    try:
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(_listen(bus, dialer))
            tasks.create_task(reaper.run(stop))
            tasks.create_task(Rollups(database).run(stop))
            tasks.create_task(CallerIdWatch(database, trunks).run(stop))
            tasks.create_task(RetentionWatch(database, archive).run(stop))
            tasks.create_task(jobs.run(stop))
            ready()
            await dialer.run(stop)
            listening.cancel()
    finally:
        await trunks.close()
        await connections.close()
        await sender.close()


async def _listen(bus: Bus, dialer: Dialer) -> None:
    """Wake the dialer at once where the bus delivers; its own polling needs no bus."""
    async with aclosing(bus.subscribe(DIALER)) as messages:
        async for _ in messages:
            dialer.wake()
