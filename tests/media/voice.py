"""A client of the voice WebSocket."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from voiceera.rules.audio import L16_16K

FRAME = b"\x11\x22" * L16_16K.frame_samples


class VoiceClient:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, kind: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": kind, **fields}))

    async def auth(self, token: str, agent_id: object, **fields: Any) -> dict[str, Any]:
        """What is answered to it."""
        await self.say("auth", token=token, agent_id=str(agent_id), **fields)
        return await self.hear("auth_response")

    async def speak(self, sound: bytes = FRAME) -> None:
        await self.say("audio", data=base64.b64encode(sound).decode())

    async def next(self) -> dict[str, Any]:
        """A binary message is told as {"type": "binary", "sound": …}."""
        message = await asyncio.wait_for(self.connection.recv(), 10)
        if isinstance(message, bytes):
            return {"type": "binary", "sound": message}
        told: dict[str, Any] = json.loads(message)
        return told

    async def hear(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The next message of this kind; others are passed over."""
        while True:
            message = await self.next()
            if message["type"] == kind and fields.items() <= message.items():
                return message

    async def closed_with(self) -> int | None:
        try:
            async with asyncio.timeout(10):
                while True:
                    await self.connection.recv()
        except ConnectionClosed:
            return self.connection.close_code


@asynccontextmanager
async def voice(port: int) -> AsyncIterator[VoiceClient]:
    async with connect(f"ws://127.0.0.1:{port}/voice", compression=None) as connection:
        yield VoiceClient(connection)
