"""The agent's voice in one call: sentences in, sound on the line, and how much of it was heard."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace

from voiceera.engine.playback import Playback
from voiceera.engine.streams import in_time
from voiceera.errors import ProviderError
from voiceera.providers.protocols import TextToSpeech, Voice
from voiceera.rules.audio import AudioFormat
from voiceera.rules.flows import in_language

LONGEST_WAIT = 5.0
"""Seconds that a synthesizer may take for its next piece of sound."""
_SECONDS_PER_CHARACTER = 0.06
"""Ordinary speech; an estimate of a sentence's length until all of its sound is there."""


class _Speech:
    def __init__(self, tag: str, text: str, language: str, recording: str | None, *, is_filler: bool) -> None:
        self.tag = tag
        self.language = language
        self.text = text
        self.recording = recording
        self.is_filler = is_filler
        self.milliseconds = 0.0
        self.is_whole = False

    @property
    def length_ms(self) -> float:
        return (
            self.milliseconds
            if self.is_whole
            else max(self.milliseconds, 1000 * _SECONDS_PER_CHARACTER * len(self.text))
        )


class AgentVoice:
    """Synthesizes sentence after sentence ahead of what is being spoken, in one task per reply.

    `voices`: language → the vendor's voice for it, where a call changes its language.
    `recorded`: finds the operator's recording of a name, in the line's format.
    `on_first_sound(at)`: sound for the first sentence of a reply has come from the synthesizer.
    `on_failed(error)`: the synthesizer failed; nothing more will be heard.
    """

    def __init__(
        self,
        text_to_speech: TextToSpeech,
        voice: Voice,
        audio_format: AudioFormat,
        playback: Playback,
        *,
        voices: Mapping[str, str],
        recorded: Callable[[str], Awaitable[bytes | None]],
        spawn: Callable[..., "asyncio.Task[None]"],
        on_first_sound: Callable[[], None],
        on_failed: Callable[[ProviderError], None],
    ) -> None:
        self._text_to_speech = text_to_speech
        self._voice = voice
        self._voices = voices
        self._language = voice.language
        self._format = audio_format
        self._playback = playback
        self._recorded = recorded
        self._spawn = spawn
        self._on_first_sound = on_first_sound
        self._on_failed = on_failed
        self._bytes_per_ms = audio_format.sample_rate * audio_format.bytes_per_sample / 1000
        self._spoken_for = 0
        self._speeches: dict[str, _Speech] = {}
        self._to_synthesize: deque[_Speech] = deque()
        self._task: asyncio.Task[None] | None = None
        self._quiet = asyncio.Event()
        self._quiet.set()

    @property
    def heard_share(self) -> float:
        """How much of the sentence that is being said the caller has heard (0–1)."""
        speech = self._speeches.get(self._playback.current or "")
        if speech is None or not speech.length_ms:
            return 0.0
        return min(1.0, self._playback.heard_ms / speech.length_ms)

    def say(self, text: str, recording: str | None = None, *, is_filler: bool = False) -> None:
        """Speak this after all that was ordered before, or play the operator's recording of it."""
        self._spoken_for += 1
        speech = _Speech(str(self._spoken_for), text, self._language, recording, is_filler=is_filler)
        self._speeches[speech.tag] = speech
        self._quiet.clear()
        self._to_synthesize.append(speech)
        if self._task is None:
            self._task = self._spawn(self._synthesize_all())

    def speak_with(self, text_to_speech: TextToSpeech) -> None:
        """From the next sentence on, in this one's own voice."""
        self._text_to_speech = text_to_speech
        self._voice = replace(self._voice, voice_id=None)
        self._voices = {}

    def use_language(self, tag: str) -> None:
        """For what is ordered from now on."""
        self._language = tag

    def _voice_for(self, language: str) -> Voice:
        """The agent's own voice may know one language alone: others are spoken by the one named, or the vendor's."""
        if language == self._voice.language:
            return self._voice
        return replace(self._voice, language=language, voice_id=in_language(self._voices, language))

    def text_of(self, tag: str) -> str:
        return self._speeches[tag].text if tag in self._speeches else ""

    def is_filler(self, tag: str) -> bool:
        return tag in self._speeches and self._speeches[tag].is_filler

    def finished(self, tag: str) -> None:
        """The playback is through with this sentence."""
        self._speeches.pop(tag, None)
        if not self._speeches:
            self._quiet.set()

    async def all_heard(self) -> None:
        """Returns when nothing that was ordered is left to be heard."""
        await self._quiet.wait()

    def hush(self) -> None:
        """Forget everything that was not heard."""
        self._to_synthesize.clear()
        self._speeches.clear()
        self._quiet.set()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._playback.clear()

    async def _synthesize_all(self) -> None:
        try:
            while self._to_synthesize:
                await self._synthesize(self._to_synthesize.popleft())
        except ProviderError as error:
            self._on_failed(error)
        except TimeoutError:
            self._on_failed(ProviderError("text-to-speech", "no sound came in time"))
        finally:
            if self._task is asyncio.current_task():
                self._task = None

    async def _synthesize(self, speech: _Speech) -> None:
        recorded = await self._recorded(speech.recording) if speech.recording is not None else None
        if recorded:
            sound: AsyncIterator[bytes] = _whole(recorded)
        else:
            sound = self._text_to_speech.speak(speech.text, self._voice_for(speech.language), self._format)
        async with aclosing(in_time(sound, LONGEST_WAIT)) as pieces:
            async for piece in pieces:
                if not speech.milliseconds and not speech.is_filler:
                    self._on_first_sound()
                speech.milliseconds += len(piece) / self._bytes_per_ms
                self._playback.append(speech.tag, piece)
        speech.is_whole = True
        self._playback.finish(speech.tag)


async def _whole(sound: bytes) -> AsyncIterator[bytes]:
    """A sound that is there already, as a synthesizer would give it."""
    yield sound
