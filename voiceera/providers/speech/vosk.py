"""Vosk (alphacephei.com/vosk): Kaldi models for twenty languages and more, streaming, on the CPU."""

from voiceera.providers.speech.local.model_folders import FolderSpeechToText, need

need("vosk")


class VoskSpeechToText(FolderSpeechToText):
    vendor = "vosk"
    module = "voiceera.providers.speech.folders.vosk_worker"
