"""faster-whisper (SYSTRAN): Whisper's models by CTranslate2, a hundred languages, each utterance as a whole. Made for
finished recordings; live only where the machine is fast for its model."""

from voiceera.providers.speech.local.model_folders import FolderSpeechToText, need

need("faster_whisper")


class FasterWhisperSpeechToText(FolderSpeechToText):
    vendor = "faster-whisper"
    module = "voiceera.providers.speech.folders.whisper_worker"
