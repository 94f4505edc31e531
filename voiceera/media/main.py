"""The media role: wires listener, engine, database and bus, and takes them apart again in the right order."""

import asyncio
from collections.abc import Callable

from voiceera.config import Settings
from voiceera.engine.session import Engine
from voiceera.log import get_logger
from voiceera.media.database_book import DatabaseBook
from voiceera.media.listener import MediaListener
from voiceera.media.live_view import LiveView
from voiceera.media.node import MediaNode
from voiceera.media.providers import Providers
from voiceera.store.base import Database
from voiceera.store.bus import Bus

log = get_logger("media")


async def run_media(
    settings: Settings, database: Database, bus: Bus, stop: asyncio.Event, ready: Callable[[int], None]
) -> None:
    """Take calls until `stop`, then refuse new ones and let the live ones go on for `drain_seconds`.

    Cancelled, it ends the live calls at once, and still writes them down. Raises OSError for a port in use.
    """
    providers = Providers(settings)
    engine = Engine(providers.of)
    view = LiveView(bus)
    book = DatabaseBook(database, bus, settings.recordings_dir)
    listener = MediaListener(engine, book, capacity=settings.media_capacity, view=view)
    try:
        port = await listener.open(settings.media_host, settings.media_port)
        url = settings.media_url or f"ws://{settings.media_host}:{port}"
        node = MediaNode(listener, database, bus, url)
        await node.beat()
        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(node.keep_beating())
            others = [tasks.create_task(work) for work in (node.obey(), view.listen(), view.publish())]
            ready(port)
            await stop.wait()
            beating.cancel()
            await node.leave()
            if listener.live:
                log.info("draining", live=listener.live, seconds=settings.drain_seconds)
            await listener.drain(settings.drain_seconds)
            await listener.close()
            for task in others:
                task.cancel()
    finally:
        await listener.close()
        await engine.close()
        await providers.close()
