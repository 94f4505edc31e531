"""pocketsphinx with a language model made of what the agent expects: the smallest recognizer, in English only.

It hears expected phrases and close relatives of them; speech about something else is rejected.
"""

from typing import ClassVar

from voiceera.providers.speech.local.client import LocalSpeechToText


class PocketsphinxSpeechToText(LocalSpeechToText):
    LANGUAGES: ClassVar[tuple[str, ...]] = ("en",)
    vendor = "pocketsphinx"
    module = "voiceera.providers.speech.sphinx.worker"
