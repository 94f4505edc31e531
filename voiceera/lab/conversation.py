"""One stream of one call: open the agent's socket, let the callee talk, find out who ended it."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack

from picows import WSError

from voiceera.lab import phone_call as endings
from voiceera.lab.callees.directory import Callee
from voiceera.lab.dialect import Sockets
from voiceera.lab.faults import FaultDraw
from voiceera.lab.handset import LINES, Handset
from voiceera.lab.hearing import Hearing
from voiceera.lab.instructions import Stream
from voiceera.lab.ledger import Event, Ledger
from voiceera.lab.media_socket import MediaSocket
from voiceera.lab.mouth import Mouth
from voiceera.lab.person import Person
from voiceera.lab.phone_call import Ending, PhoneCall
from voiceera.lab.playout import Playout
from voiceera.lab.speech import Speech
from voiceera.lab.wheel import Wheel


class Conversations:
    """What all conversations of a lab share: the wheel, the synthesizer, the ears."""

    def __init__(self, dialects: Mapping[str, Sockets], ledger: Ledger, faults: FaultDraw, *, scramble: bool) -> None:
        self._dialects = dialects
        self._ledger = ledger
        self._faults = faults
        self._scramble = scramble
        self._wheel = Wheel()
        self._speech = Speech()
        self._hearing = Hearing()

    async def close(self) -> None:
        async with AsyncExitStack() as each:  # all of them, though we be cancelled at the first
            for part in (self._speech, self._hearing, self._wheel):
                each.push_async_callback(part.close)

    async def hold(self, call: PhoneCall, stream: Stream, callee: Callee) -> Ending:
        """How the stream ended: END_OF_XML when the agent closed its socket, or never took it."""
        mouth = Mouth(stream.audio_format, callee.script.manner.noise_dbfs)
        dialect = self._dialects[call.vendor]
        socket = MediaSocket(dialect.wire(call, stream), mouth, Playout(stream.audio_format))
        handset = Handset(call, stream.audio_format, mouth, socket, self._ledger)
        try:
            await socket.connect(stream.url, dialect.handshake(stream.url))
        except (OSError, TimeoutError, WSError) as error:
            handset.note(Event.FAULT, fault="stream_failed", note=type(error).__name__)
            return endings.END_OF_XML
        handset.note(Event.MEDIA_OPENED, line=LINES[stream.audio_format], path=stream.url)
        self._wheel.add(socket)
        try:
            person = Person(callee, handset, self._speech, self._hearing, scramble=self._scramble)
            return await self._until_over(call, stream, socket, handset, person)
        finally:
            self._wheel.remove(socket)
            handset.put_down()
            socket.disconnect()

    async def _until_over(
        self, call: PhoneCall, stream: Stream, socket: MediaSocket, handset: Handset, person: Person
    ) -> Ending:
        drop_after = self._faults.socket_drop_after()
        ways = {
            asyncio.create_task(person.converse()): endings.COMPLETED_BY_CALLEE,
            asyncio.create_task(socket.closed.wait()): endings.END_OF_XML,
            asyncio.create_task(asyncio.sleep(stream.stream_timeout)): endings.END_OF_XML,
            asyncio.create_task(call.ended_within(None)): None,
            asyncio.create_task(call.redirected()): endings.END_OF_XML,
        }
        if drop_after is not None:
            ways[asyncio.create_task(self._break(socket, handset, drop_after))] = endings.FAILED
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        for way in done:
            way.result()
        # the first of them in the order above: a callee that hung up also closes the socket
        first = next(ending for way, ending in ways.items() if way in done)
        return call.ending or first or endings.END_OF_XML

    async def _break(self, socket: MediaSocket, handset: Handset, after: float) -> None:
        await asyncio.sleep(after)
        handset.note(Event.FAULT, fault="socket_dropped")
        socket.drop()
