"""Piper's voices (OHF-Voice/piper1-gpl, GPLv3, in a process of its own): natural ones in forty languages, on the CPU.

`VOICEERA_MODELS_DIR`/piper holds a voice as two files: hi_IN-rohan-medium.onnx and hi_IN-rohan-medium.onnx.json.
"""

from pathlib import Path
from typing import ClassVar

from voiceera.errors import ProviderError
from voiceera.processes import module
from voiceera.providers.protocols import Voice
from voiceera.providers.speech.local.model_folders import need
from voiceera.providers.speech.local.voice import LocalTextToSpeech
from voiceera.rules.languages import short
from voiceera.synthesis.client import Synthesizer

need("piper")

VENDOR = "piper"


class PiperTextToSpeech(LocalTextToSpeech):
    """`model`: the voice where an agent names none; else the first one for the call's language."""

    FROM_FOLDER: ClassVar[bool] = True

    def __init__(self, folder: Path, model: str = "") -> None:
        worker = (*module("voiceera.providers.speech.folders.piper_worker"), str(folder.resolve()))
        super().__init__(Synthesizer(VENDOR, worker))
        self._folder = folder
        self._model = model

    @classmethod
    def models_in(cls, folder: Path) -> tuple[str, ...]:
        """The names of the voices whose two files lie there, sorted."""
        found = sorted(folder.glob("*.onnx")) if folder.is_dir() else []
        return tuple(path.stem for path in found if path.with_name(f"{path.name}.json").is_file())

    @classmethod
    def find(cls, folder: Path, model: str = "") -> str:
        """The voice of that name, or any. Raises ProviderError."""
        voices = cls.models_in(folder)
        if not voices:
            raise ProviderError(VENDOR, "no voice lies in VOICEERA_MODELS_DIR/piper yet", permanent=True)
        if model and model not in voices:
            message = f"there is no voice {model!r} in VOICEERA_MODELS_DIR/piper; there are: {', '.join(voices)}"
            raise ProviderError(VENDOR, message, permanent=True)
        return model or voices[0]

    def voice_name(self, voice: Voice) -> str:
        if wanted := voice.voice_id or self._model:
            return self.find(self._folder, wanted)
        tag = voice.language.replace("-", "_").lower()
        fits = [name for name in self.models_in(self._folder) if name.lower().startswith(f"{short(tag)}_")]
        if not fits:
            raise ProviderError(
                VENDOR, f"no voice in VOICEERA_MODELS_DIR/piper speaks {voice.language}", permanent=True
            )
        return next((name for name in fits if name.lower().startswith(f"{tag}-")), fits[0])
