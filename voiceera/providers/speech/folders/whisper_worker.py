"""The process that recognizes with faster-whisper, given its model's folder as its argument.

The folder is a CTranslate2 conversion of a Whisper model: model.bin, config.json, tokenizer.json.
"""

import math
import sys
from pathlib import Path

from faster_whisper import WhisperModel

from voiceera.providers.speech.local.serving import Asked, CannotServe, Understood, serve
from voiceera.providers.speech.local.whole import WholeUtterances
from voiceera.rules.audio import Pcm, as_floats
from voiceera.rules.languages import short

_NEEDED = ("model.bin", "config.json", "tokenizer.json")
_NO_SPEECH = 0.8
"""From this probability on, a segment is noise that the model has put words to."""
_LEAST_SURE = 0.2


class Whisper(WholeUtterances):
    def __init__(self, folder: Path) -> None:
        if missing := [name for name in _NEEDED if not (folder / name).is_file()]:
            raise CannotServe(f"{folder.name} is no faster-whisper model: it has no {', '.join(missing)}")
        try:
            self._model = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
            )
        except Exception:
            raise CannotServe(f"faster-whisper cannot load {folder.name}: is the model whole?") from None
        self._languages = frozenset(self._model.supported_languages)

    def recognize(self, pcm: Pcm, asked: Asked) -> Understood:
        language = short(asked.language)
        segments, _ = self._model.transcribe(
            as_floats(pcm),
            language=language if language in self._languages else None,
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        said = [
            (each.text.strip(), math.exp(each.avg_logprob)) for each in segments if each.no_speech_prob < _NO_SPEECH
        ]
        text = " ".join(words for words, _ in said if words)
        sureness = min((sure for words, sure in said if words), default=0.0)
        if text and sureness < _LEAST_SURE:
            return Understood("", sureness, rejected=True)
        return Understood(text, sureness)


def main() -> None:
    serve(lambda: Whisper(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
