"""A callee's end of one call: it speaks, presses and hears; everything is noted in the ledger."""

import asyncio
from dataclasses import dataclass
from typing import Any

from voiceera.lab.callees.script import IN_DOMAIN
from voiceera.lab.ear import AgentSpoke, Ear
from voiceera.lab.ledger import Event, Ledger
from voiceera.lab.media_socket import MediaSocket
from voiceera.lab.mouth import Mouth, Utterance
from voiceera.lab.phone_call import PhoneCall
from voiceera.rules.audio import L16_8K, L16_16K, ULAW_8K, AudioFormat, decode
from voiceera.rules.key_tones import keys_in

LINES = {L16_16K: "l16_16k", L16_8K: "l16_8k", ULAW_8K: "ulaw_8k"}


@dataclass(frozen=True)
class AgentBegan:
    at: float
    """Unix seconds."""


Sound = AgentBegan | AgentSpoke


class Handset:
    """`sounds` brings what the agent does; `say` returns when the last sample has been sent."""

    def __init__(
        self, call: PhoneCall, audio_format: AudioFormat, mouth: Mouth, socket: MediaSocket, ledger: Ledger
    ) -> None:
        self.audio_format = audio_format
        self.sounds: asyncio.Queue[Sound] = asyncio.Queue()
        self.last_said_at = 0.0
        """When the last word of the callee's was sent, Unix seconds."""
        self._call = call
        self._mouth = mouth
        self._socket = socket
        self._ledger = ledger
        self._begun = asyncio.Event()
        self._ear = Ear(audio_format, self._agent_began, self._agent_spoke)
        socket.ear = self._ear
        socket.on_clear = self._agent_cleared
        socket.on_keys = self._agent_pressed

    @property
    def agent_is_speaking(self) -> bool:
        return self._ear.is_speaking

    def now(self) -> float:
        """Unix seconds."""
        return self._ledger.now()

    async def agent_begins(self) -> None:
        """Returns at once while the agent speaks."""
        if not self._ear.is_speaking:
            self._begun.clear()
            await self._begun.wait()

    async def say(self, audio: bytes, words: str = "", intent: str = "", *, note: str = "") -> None:
        """Speak. Audio without words (a beep, music, a pause) is not noted as said."""
        done = asyncio.get_running_loop().create_future()
        times: list[float] = []

        def began(at: float) -> None:
            times.append(at)
            if words and self._ear.is_hearing(at):
                self.note(Event.INTERRUPTED, at=at, note=note)

        def ended(at: float) -> None:
            times.append(at)
            if words:
                self.last_said_at = at
            if not done.done():
                done.set_result(None)

        self._mouth.say(Utterance(audio, began, ended))
        try:
            await done
        finally:
            if words and times:  # hung up in mid-sentence: what was sent until now was said
                start, end = times[0], times[-1]
                self.note(
                    Event.SAID,
                    words=words,
                    intent=intent,
                    in_domain=intent in IN_DOMAIN,
                    line=LINES[self.audio_format],
                    start=round(start, 3),
                    end=round(end if len(times) > 1 else self._ledger.now(), 3),
                    note=note,
                )

    def press(self, digits: str) -> None:
        for digit in digits:
            self._socket.press(digit)
        self.note(Event.PRESSED, digits=digits)

    def note(self, event: Event, at: float | None = None, **fields: Any) -> None:
        request = self._call.request
        self._ledger.write(
            event,
            at,
            call_uuid=self._call.uuid,
            number=request.person,
            reference=request.reference,
            **fields,
        )

    def put_down(self) -> None:
        """The line is gone: what the agent was saying ends here."""
        self._ear.finish()

    def _agent_began(self, at: float) -> None:
        self.note(Event.AGENT_AUDIO_STARTED, at=at)
        self._begun.set()
        self.sounds.put_nowait(AgentBegan(at))

    def _agent_spoke(self, spoke: AgentSpoke) -> None:
        pressed = keys_in(decode(spoke.audio, self.audio_format), self.audio_format.sample_rate)
        if pressed:
            self._agent_pressed(pressed)
        self.note(Event.AGENT_AUDIO_STOPPED, at=spoke.ended, start=round(spoke.began, 3), end=round(spoke.ended, 3))
        self.sounds.put_nowait(spoke)

    def _agent_pressed(self, digits: str) -> None:
        self.note(Event.AGENT_PRESSED, digits=digits)

    def _agent_cleared(self, dropped_ms: float) -> None:
        self.note(Event.CLEARED, ms=round(dropped_ms, 1))
