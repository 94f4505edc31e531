"""The role `worker`: loops over what is due, the dialer first."""

import asyncio

from voiceera.config import Settings
from voiceera.roles.role import Ready
from voiceera.store.base import Database
from voiceera.store.bus import Bus
from voiceera.worker.main import run_worker


async def serve_worker(settings: Settings, database: Database, bus: Bus, stop: asyncio.Event, ready: Ready) -> None:
    """Work until `stop`, then finish what is begun."""
    await run_worker(settings.with_public_url(settings.api_port), database, bus, stop, lambda: ready(None))
