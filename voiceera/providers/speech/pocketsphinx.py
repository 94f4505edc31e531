"""pocketsphinx with a language model made of what the agent expects: the smallest recognizer, in English only.

It hears expected phrases and close relatives of them; speech about something else is rejected.
"""

from voiceera.providers.speech.local.client import LocalSpeechToText


class PocketsphinxSpeechToText(LocalSpeechToText):
    vendor = "pocketsphinx"
    module = "voiceera.providers.speech.sphinx.worker"
