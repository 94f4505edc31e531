"""A media process among the others: says each second that it is there, and hears commands for its calls."""

import asyncio
from contextlib import aclosing
from uuid import UUID

from voiceera import clock
from voiceera.log import get_logger
from voiceera.media.listener import MediaListener
from voiceera.rules.calls import HangupCause
from voiceera.services.live import HANG_UP, node_channel
from voiceera.store import media_nodes
from voiceera.store.base import Database
from voiceera.store.bus import Bus

BEAT_SECONDS = 1.0

log = get_logger("media_node")


class MediaNode:
    def __init__(self, node_id: UUID, listener: MediaListener, database: Database, bus: Bus, url: str) -> None:
        self.id = node_id
        self._listener = listener
        self._database = database
        self._bus = bus
        self._url = url

    async def beat(self) -> None:
        """Once: write down that we are there and how many calls we hold. Raises what the database raises.

        One that drains has room for none, and says so until its last call is over.
        """
        async with self._database.platform() as connection:
            await media_nodes.heartbeat(
                connection,
                self.id,
                url=self._url,
                capacity=0 if self._listener.is_draining else self._listener.capacity,
                live=self._listener.live,
                now=clock.utc_now(),
            )

    async def keep_beating(self) -> None:
        """Each second for as long as the process; a database that is away is tried again."""
        is_down = False
        while True:
            try:
                await self.beat()
                is_down = False
            except Exception as error:
                if not is_down:
                    log.warning("heartbeat_failed", problem=type(error).__name__)
                is_down = True
            await asyncio.sleep(BEAT_SECONDS)

    async def obey(self) -> None:
        """Carry out commands for as long as the process."""
        async with aclosing(self._bus.subscribe(node_channel(self.id))) as messages:
            async for message in messages:
                if message.get("kind") == HANG_UP:
                    self._hang_up(message.get("call_id"))

    async def retire(self) -> None:
        """No new calls for us from now on. A database that is away hears it with the next beat."""
        self._listener.is_draining = True
        try:
            await self.beat()
        except Exception as error:
            log.warning("retire_failed", problem=type(error).__name__)

    async def leave(self) -> None:
        """The row goes. A database that is away will find us silent."""
        try:
            async with self._database.platform() as connection:
                await media_nodes.leave(connection, self.id)
        except Exception as error:
            log.warning("leave_failed", problem=type(error).__name__)

    def _hang_up(self, call_id: object) -> None:
        try:
            is_ours = self._listener.hang_up(UUID(str(call_id)), HangupCause.REQUESTED)
        except ValueError:
            is_ours = False
        log.info("hang_up_asked", call_id=str(call_id), is_ours=is_ours)
