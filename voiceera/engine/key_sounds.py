"""Keys that the agent presses where the carrier has no command for it: as tones, between what it says."""

import asyncio

from voiceera.engine.playback import Playback
from voiceera.rules.audio import AudioFormat
from voiceera.rules.key_tones import sound_of

_TAG = "keys "
_SLACK_SECONDS = 2.0
"""By which the last tone may be heard later than it lasts."""


class KeySounds:
    def __init__(self, playback: Playback, audio_format: AudioFormat) -> None:
        self._playback = playback
        self._format = audio_format
        self._number = 0
        self._heard: dict[str, asyncio.Event] = {}

    async def play(self, digits: str) -> None:
        """Returns when the other side has heard them. Raises TimeoutError where an interruption swallowed them."""
        self._number += 1
        tag = f"{_TAG}{self._number}"
        heard = self._heard[tag] = asyncio.Event()
        sound = sound_of(digits, self._format)
        self._playback.append(tag, sound)
        self._playback.finish(tag)
        seconds = len(sound) / (self._format.sample_rate * self._format.bytes_per_sample)
        try:
            async with asyncio.timeout(seconds + _SLACK_SECONDS):
                await heard.wait()
        finally:
            self._heard.pop(tag, None)

    def are(self, tag: str) -> bool:
        """Whether this utterance of the playback is keys, and no words."""
        return tag.startswith(_TAG)

    def finished(self, tag: str) -> None:
        """The playback is through with it."""
        if tag in self._heard:
            self._heard[tag].set()
