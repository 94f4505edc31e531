"""The media role: wires listener, engine, database and bus, and takes them apart again in the right order."""

import asyncio
from collections.abc import Callable

from voiceera.config import Settings
from voiceera.engine.session import Engine
from voiceera.engine.tools import ToolDesk
from voiceera.ids import new_id
from voiceera.log import get_logger
from voiceera.media.caller_lookups import CallerLookups
from voiceera.media.database_book import DatabaseBook
from voiceera.media.listener import MediaListener
from voiceera.media.live_view import LiveView
from voiceera.media.node import MediaNode
from voiceera.media.prompt_shelf import PromptShelf
from voiceera.media.providers import Providers
from voiceera.media.switchboard import CarrierSwitchboard
from voiceera.media.tool_caller import ToolCaller
from voiceera.providers.outbound import allow_list
from voiceera.services.connections import Connections
from voiceera.services.maintenance import MaintenanceWatch
from voiceera.services.tokens import Tokens
from voiceera.services.trunks import StoredTrunks
from voiceera.store.base import Database
from voiceera.store.bus import Bus
from voiceera.store.vault import Vault

log = get_logger("media")


async def run_media(
    settings: Settings, database: Database, bus: Bus, stop: asyncio.Event, ready: Callable[[int], None]
) -> None:
    """Take calls until `stop`, then refuse new ones and let the live ones go on for `drain_seconds`.

    Cancelled, it ends the live calls at once, and still writes them down. Raises OSError for a port in use.
    """
    vault, allow = Vault.load(settings), allow_list(settings.outbound_allow)
    connections = Connections(database, vault, allow)
    trunks = StoredTrunks(database, vault, allow)
    callers = ToolCaller(connections, allow)
    tokens = Tokens(vault, settings)
    maintenance = MaintenanceWatch(database, bus)
    node_id = new_id()
    providers = Providers(settings, connections)
    desk = ToolDesk(CarrierSwitchboard(database, trunks, settings.public_url), callers)
    engine = Engine(providers.of, tools=desk, prompts=PromptShelf(database).sound)
    view = LiveView(bus)
    book = DatabaseBook(
        database,
        bus,
        settings.recordings_dir,
        tokens,
        maintenance,
        node_id,
        settings.voice_calls_per_user,
        CallerLookups(database, callers),
    )
    listener = MediaListener(engine, book, capacity=settings.media_capacity, view=view)
    try:
        port = await listener.open(settings.media_host, settings.media_port)
        url = settings.media_url or f"ws://{settings.media_host}:{port}"
        node = MediaNode(node_id, listener, database, bus, url)
        await node.beat()
        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(node.keep_beating())
            works = (node.obey(), view.listen(), view.publish(), maintenance.run())
            others = [tasks.create_task(work) for work in works]
            ready(port)
            await stop.wait()
            await node.retire()
            if listener.live:
                log.info("draining", live=listener.live, seconds=settings.drain_seconds)
            await listener.drain(settings.drain_seconds)
            await listener.close()
            beating.cancel()
            await node.leave()
            for task in others:
                task.cancel()
    finally:
        await listener.close()
        await engine.close()
        for part in (providers, callers, connections, trunks):
            await part.close()
