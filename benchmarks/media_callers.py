"""The other side of `benchmarks.media`: callers in Plivo's dialect who speak, are answered, and interrupt.

All are turned by one wheel, each at its own millisecond of the 20. Nothing is synthesized or encoded while it runs.
"""

import asyncio
import random
from array import array
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from time import monotonic

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from voiceera.lab.callees.script import Manner, VoiceSettings
from voiceera.lab.mouth import background_pcm
from voiceera.lab.speech import Speech
from voiceera.rules.audio import ULAW_8K, encode

FRAME_SECONDS = 0.020
SLOTS = 20
GREETING_SECONDS = 2.5
SPELL_GAP = 0.1
"""Seconds without a frame after which the agent speaks anew."""
VOICES = ("en-us+klatt4", "en-us+m3", "en-gb+f2", "en-us+f4")
SENTENCES = (
    "could you tell me the balance please",
    "I would like to come on another day",
    "what time are you open tomorrow morning",
    "no wait I meant the other account",
)
_START = (
    b'{"event":"start","sequenceNumber":1,"start":{"callId":"%b","streamId":"%b","accountId":"a","tracks":["inbound"],'
    b'"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000}},"extra_headers":"{}"}'
)
_MEDIA = (
    b'{"event":"media","sequenceNumber":4711,"streamId":"8f0b2c4e","media":{"track":"inbound","timestamp":'
    b'"1750000000000","chunk":4710,"payload":"%b"},"extra_headers":"{}"}'
)


class Edge(Enum):
    """What begins or ends with a frame."""

    TURN_BEGINS = "the caller speaks, the agent being silent"
    BARGE_IN_BEGINS = "the caller speaks while the agent does"
    SPEECH_ENDS = "the caller's last sample"


Frames = list[bytes]
Step = tuple[bytes, Edge | None]


@dataclass(frozen=True)
class Sounds:
    background: Frames
    utterances: list[Frames]

    @classmethod
    async def make(cls, noise_dbfs: float) -> "Sounds":
        """Synthetic speech, trimmed to its first and last sound, over a line's noise; as messages."""
        speech, manner = Speech(), Manner(noise_dbfs=noise_dbfs)
        try:
            spoken = [
                await speech.say(sentence, VoiceSettings(name=voice), manner, ULAW_8K)
                for voice in VOICES
                for sentence in SENTENCES
            ]
        finally:
            await speech.close()
        noise = encode(background_pcm(8000, noise_dbfs, 100 * ULAW_8K.frame_samples), ULAW_8K)
        return cls(_messages(noise), [_messages(sound + noise[: -len(sound) % 160]) for sound in spoken])

    def script(self, chance: random.Random) -> Iterator[Step]:
        """Without end: a turn, its reply interrupted after about a second and a half, the next reply heard out."""
        yield from self._silence(GREETING_SECONDS + chance.random() * 2)
        while True:
            yield from self._utterance(chance, Edge.TURN_BEGINS)
            yield from self._silence(2.0 + chance.random() * 0.5)
            yield from self._utterance(chance, Edge.BARGE_IN_BEGINS)
            yield from self._silence(6.0 + chance.random() * 0.5)

    def _silence(self, seconds: float) -> Iterator[Step]:
        for number in range(round(seconds / FRAME_SECONDS)):
            yield self.background[number % len(self.background)], None

    def _utterance(self, chance: random.Random, edge: Edge) -> Iterator[Step]:
        frames = chance.choice(self.utterances)
        yield frames[0], edge
        for frame in frames[1:-1]:
            yield frame, None
        yield frames[-1], Edge.SPEECH_ENDS


def _messages(sound: bytes) -> Frames:
    size = ULAW_8K.frame_bytes
    return [_MEDIA % b64encode(sound[start : start + size]) for start in range(0, len(sound), size)]


@dataclass
class Noted:
    """What all callers saw; seconds."""

    turns: list[float] = field(default_factory=list)
    """From sending a turn's last frame to the agent's first frame."""
    barge_ins: list[float] = field(default_factory=list)
    """From sending an interruption's first frame to the carrier being told to drop what it holds."""
    spells: list["array[float]"] = field(default_factory=list)
    """Arrivals of the frames that the agent sent in one go."""
    late: "array[float]" = field(default_factory=lambda: array("d"))
    """How much after its time each turn of the wheel came."""
    spoilt: int = 0
    """Utterances that met the agent speaking when it was to be silent, or the reverse."""
    frames_sent: int = 0
    speech_frames: int = 0
    gone: int = 0
    """Sockets that the server closed."""


class Caller(WSListener):
    def __init__(self, script: Iterator[Step], noted: Noted) -> None:
        super().__init__()
        self._script = script
        self._noted = noted
        self._transport: WSTransport | None = None
        self._spell: array[float] = array("d")
        self._last_frame = 0.0
        self._is_speaking = False
        self._interrupted_at = self._ended_at = 0.0
        self.is_measured = False
        self.connected_at = 0.0
        self.last_heard_at = 0.0
        """The agent's last frame."""

    def hang_up(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.disconnect(False)

    def turn(self) -> None:
        """Send 20 ms."""
        if self._transport is None:
            return
        message, edge = next(self._script)
        self._transport.send(WSMsgType.TEXT, message)
        if edge is not None:
            self._on_edge(edge, monotonic())
        self._noted.frames_sent += self.is_measured
        self._noted.speech_frames += self.is_measured and self._is_speaking

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self.connected_at = monotonic()
        transport.send(WSMsgType.TEXT, _START % (b"c", b"8f0b2c4e"))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        now = monotonic()
        head = bytes(frame.get_payload_as_memoryview()[:15]).replace(b" ", b"")[:14]
        if head == b'{"event":"play':
            if now - self._last_frame > SPELL_GAP:
                self._agent_begins(now)
            self._spell.append(now)
            self._last_frame = self.last_heard_at = now
        elif head == b'{"event":"clea':
            self._last_frame = 0.0
            began, self._interrupted_at = self._interrupted_at, 0.0
            if began and self.is_measured:
                self._noted.barge_ins.append(now - began)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._noted.gone += self._transport is not None
        self._transport = None

    def _agent_begins(self, now: float) -> None:
        self._spell = array("d")
        if self.is_measured:
            self._noted.spells.append(self._spell)
        ended, self._ended_at = self._ended_at, 0.0
        if ended and self.is_measured:
            self._noted.turns.append(now - ended)

    def _on_edge(self, edge: Edge, now: float) -> None:
        if edge is Edge.SPEECH_ENDS:
            self._is_speaking, self._ended_at = False, now
            return
        self._is_speaking = True
        agent_speaks = now - self._last_frame < 2 * FRAME_SECONDS
        if agent_speaks != (edge is Edge.BARGE_IN_BEGINS):
            self._noted.spoilt += self.is_measured
        elif agent_speaks:
            self._interrupted_at = now


class Crowd:
    """`async with Crowd(…) as crowd:` opens a socket for each token, spread over `ramp` seconds."""

    def __init__(self, port: int, tokens: list[str], sounds: Sounds, seed: int) -> None:
        self.noted = Noted()
        self.callers = [
            Caller(sounds.script(random.Random(seed + number)), self.noted) for number in range(len(tokens))
        ]
        self._urls = [f"ws://127.0.0.1:{port}/media/plivo/{token}" for token in tokens]
        self._wheel: asyncio.Task[None] | None = None
        self._is_measured = False

    async def come(self, ramp: float) -> None:
        """Returns when all are there."""
        self._wheel = asyncio.create_task(self._turn_all())
        for caller, url in zip(self.callers, self._urls, strict=True):
            await ws_connect(lambda caller=caller: caller, url)
            await asyncio.sleep(ramp / len(self.callers))

    def measure(self, is_on: bool) -> None:
        self._is_measured = is_on
        for caller in self.callers:
            caller.is_measured = is_on

    async def leave(self) -> None:
        if self._wheel is not None:
            self._wheel.cancel()
            await asyncio.gather(self._wheel, return_exceptions=True)
        for caller in self.callers:
            caller.hang_up()

    async def _turn_all(self) -> None:
        slots = [self.callers[slot::SLOTS] for slot in range(SLOTS)]
        began, number = monotonic(), 0
        while True:
            due = began + number * FRAME_SECONDS / SLOTS
            now = monotonic()
            if now < due:
                await asyncio.sleep(due - now)
                now = monotonic()
            elif number % SLOTS == 0:
                await asyncio.sleep(0)  # however late, what has arrived is read in between
            if self._is_measured:
                self.noted.late.append(now - due)
            for caller in slots[number % SLOTS]:
                caller.turn()
            number += 1
