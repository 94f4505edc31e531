"""sherpa-onnx (k2-fsa): streaming and whole-utterance models, Indian languages among them, on the CPU."""

from voiceera.providers.speech.local.model_folders import FolderSpeechToText, need

need("sherpa_onnx")


class SherpaOnnxSpeechToText(FolderSpeechToText):
    vendor = "sherpa-onnx"
    module = "voiceera.providers.speech.folders.sherpa_worker"
