"""Providers that need no integration: they run on this machine, with what the operator has set and put there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voiceera.providers.registry import Kind, load
from voiceera.providers.speech.local.client import LocalSpeechToText


@dataclass(frozen=True)
class Machine:
    """`models_dir`: where the models that the operator brought lie, a folder for each vendor."""

    models_dir: Path
    recognizer_processes: int = 1

    def make(self, kind: Kind, name: str) -> Any:
        """The provider `vendor`, or `vendor/model` of one whose models lie in a folder.

        Raises Invalid for an unknown one, ImportError where its package is missing."""
        vendor, _, model = name.partition("/")
        factory = load(kind, vendor)
        options: dict[str, Any] = {}
        if getattr(factory, "FROM_FOLDER", False):
            options |= {"folder": self.models_dir / vendor, "model": model}
        if isinstance(factory, type) and issubclass(factory, LocalSpeechToText):
            options["processes"] = self.recognizer_processes
        return factory(**options)
