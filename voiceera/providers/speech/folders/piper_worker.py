"""The process that speaks with Piper: `python -m voiceera.providers.speech.folders.piper_worker FOLDER`."""

import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from piper import PiperVoice, SynthesisConfig

from voiceera.synthesis.serving import Pcm, serve
from voiceera.synthesis.wire import Request

_USUAL_WORDS_PER_MINUTE = 160
_VOICES_KEPT = 4
"""Each takes some 100 MB."""


class Piper:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._voices: OrderedDict[str, PiperVoice] = OrderedDict()

    def rate_of(self, voice: str) -> int:
        rate: int = self._voice(voice).config.sample_rate
        return rate

    def speak(self, request: Request, hear: Callable[[Pcm], None]) -> None:
        voice = self._voice(request.voice)
        slower = _USUAL_WORDS_PER_MINUTE / min(max(request.words_per_minute, 80), 450)
        config = SynthesisConfig(length_scale=voice.config.length_scale * slower)
        for sentence in voice.synthesize(request.text, config):
            hear(sentence.audio_int16_array)

    def _voice(self, name: str) -> PiperVoice:
        if name not in self._voices:
            path = self._folder / f"{name}.onnx"
            if path.parent != self._folder or not path.is_file():
                raise ValueError(f"there is no voice {name!r}")
            try:
                self._voices[name] = PiperVoice.load(path)
            except Exception:
                raise ValueError(f"the voice {name!r} cannot be loaded: are both of its files whole?") from None
            if len(self._voices) > _VOICES_KEPT:
                self._voices.popitem(last=False)
        self._voices.move_to_end(name)
        return self._voices[name]


def main() -> None:
    serve(lambda: Piper(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
