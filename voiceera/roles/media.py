"""The role `media`: the sockets that carriers open, and the conversations on them."""

import asyncio

from voiceera.config import Settings
from voiceera.media.main import run_media
from voiceera.roles.ports import refused_port
from voiceera.roles.role import Ready
from voiceera.store.base import Database
from voiceera.store.bus import Bus


async def serve_media(settings: Settings, database: Database, bus: Bus, stop: asyncio.Event, ready: Ready) -> None:
    """Carry calls until `stop`, then those that live until they end. Raises StartupError when the port is taken."""
    try:
        await run_media(settings.with_public_url(settings.api_port), database, bus, stop, ready)
    except OSError as problem:
        raise refused_port(problem, settings.media_host, settings.media_port, "VOICEERA_MEDIA_PORT") from problem
