"""The process that recognizes with Vosk: `python -m voiceera.providers.speech.folders.vosk_worker FOLDER`."""

import json
import sys
from pathlib import Path
from typing import Any

import vosk

from voiceera.providers.speech.local.serving import RATE, Asked, CannotServe, Understood, serve
from voiceera.providers.speech.local.streamed import StreamedUtterances
from voiceera.rules.audio import Pcm

_WHERE_THE_MODEL_MAY_BE = ("am/final.mdl", "final.mdl")


class Vosk(StreamedUtterances):
    def __init__(self, folder: Path) -> None:
        vosk.SetLogLevel(-1)
        if not any((folder / each).is_file() for each in _WHERE_THE_MODEL_MAY_BE):
            raise CannotServe(f"{folder.name} is no Vosk model: it has no am/final.mdl")
        try:
            self._model = vosk.Model(str(folder))
        except Exception:
            raise CannotServe(f"Vosk cannot load {folder.name}: is the model whole?") from None

    def stream(self, asked: Asked) -> "_Stream":
        return _Stream(vosk.KaldiRecognizer(self._model, RATE))


class _Stream:
    def __init__(self, recognizer: Any) -> None:
        self._recognizer = recognizer
        self._recognizer.SetWords(True)
        self._done: list[dict[str, Any]] = []
        """What lies before the pauses at which Vosk ends a result of its own."""

    def accept(self, pcm: Pcm) -> None:
        if self._recognizer.AcceptWaveform(pcm.astype("<i2").tobytes()):
            self._done.append(json.loads(self._recognizer.Result()))

    def so_far(self) -> str:
        return _text([*self._done, {"text": json.loads(self._recognizer.PartialResult()).get("partial", "")}])

    def finish(self) -> Understood:
        self._done.append(json.loads(self._recognizer.FinalResult()))
        sure = [word["conf"] for result in self._done for word in result.get("result", ())]
        return Understood(_text(self._done), sum(sure) / len(sure) if sure else 0.0)


def _text(results: list[dict[str, Any]]) -> str:
    return " ".join(text for result in results if (text := result.get("text", "").replace("[unk]", "").strip()))


def main() -> None:
    serve(lambda: Vosk(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
