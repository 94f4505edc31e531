"""The process that recognizes with sherpa-onnx, given its model's folder as its argument.

It holds tokens.txt and either encoder, decoder and joiner (a transducer) or one model (CTC), as k2-fsa publishes them
(k2-fsa.github.io/sherpa/onnx/pretrained_models); what kind of model it is stands in the files' metadata.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import sherpa_onnx

from voiceera.providers.speech.local.serving import RATE, Asked, CannotServe, Recognizer, Understood, serve
from voiceera.providers.speech.local.streamed import StreamedUtterances
from voiceera.providers.speech.local.whole import WholeUtterances
from voiceera.rules.audio import Pcm, as_floats

_TAIL_SECONDS = 0.66
"""Silence that a streaming model needs to say its last words: its look-ahead."""
_STREAMING = ("decode_chunk_len", "window_size", "frame_length_ms")
"""Metadata that only models with a fixed step have."""


class Streaming(StreamedUtterances):
    def __init__(self, recognizer: Any) -> None:
        self._recognizer = recognizer

    def stream(self, asked: Asked) -> "_Stream":
        return _Stream(self._recognizer)


class _Stream:
    def __init__(self, recognizer: Any) -> None:
        self._recognizer = recognizer
        self._stream = recognizer.create_stream()

    def accept(self, pcm: Pcm) -> None:
        self._stream.accept_waveform(RATE, as_floats(pcm))
        self._decode()

    def so_far(self) -> str:
        return str(self._recognizer.get_result(self._stream)).strip()

    def finish(self) -> Understood:
        self._stream.accept_waveform(RATE, np.zeros(int(_TAIL_SECONDS * RATE), np.float32))
        self._stream.input_finished()
        self._decode()
        return _understood(self.so_far())

    def _decode(self) -> None:
        while self._recognizer.is_ready(self._stream):
            self._recognizer.decode_stream(self._stream)


class Whole(WholeUtterances):
    def __init__(self, recognizer: Any) -> None:
        self._recognizer = recognizer

    def recognize(self, pcm: Pcm, asked: Asked) -> Understood:
        stream = self._recognizer.create_stream()
        stream.accept_waveform(RATE, as_floats(pcm))
        self._recognizer.decode_stream(stream)
        return _understood(stream.result.text.strip())


def load(folder: Path) -> Recognizer:
    """Raises CannotServe: the library itself would end the process."""
    tokens = _file(folder, "tokens.txt")
    if list(folder.glob("*encoder*.onnx")):
        return _transducer(folder, tokens)
    return _ctc(folder, tokens)


def _transducer(folder: Path, tokens: str) -> Recognizer:
    parts = {part: _file(folder, f"*{part}*.onnx") for part in ("encoder", "decoder", "joiner")}
    said = _metadata(parts["encoder"])
    if any(key in said for key in _STREAMING):
        return Streaming(sherpa_onnx.OnlineRecognizer.from_transducer(tokens=tokens, **parts, num_threads=1))
    model_type = "nemo_transducer" if said.get("model_type", "").startswith("EncDec") else ""
    return Whole(
        sherpa_onnx.OfflineRecognizer.from_transducer(tokens=tokens, **parts, num_threads=1, model_type=model_type)
    )


def _ctc(folder: Path, tokens: str) -> Recognizer:
    model = _file(folder, "*.onnx")
    said = _metadata(model)
    kind, streams = said.get("model_type", ""), any(key in said for key in _STREAMING)
    online, offline = sherpa_onnx.OnlineRecognizer, sherpa_onnx.OfflineRecognizer
    makers: dict[tuple[str, bool], Callable[..., Any]] = {
        ("zipformer2", True): online.from_zipformer2_ctc,
        ("zipformer2_ctc", False): offline.from_zipformer_ctc,
        ("EncDec", True): online.from_nemo_ctc,
        ("EncDec", False): offline.from_nemo_ctc,
        ("t-one", True): online.from_t_one_ctc,
    }
    for (name, is_streaming), make in makers.items():
        if kind.startswith(name) and streams is is_streaming:
            recognizer = make(model=model, tokens=tokens, num_threads=1)
            return Streaming(recognizer) if streams else Whole(recognizer)
    raise CannotServe(f"{folder.name} holds a model of a kind that is not known here: {kind or 'none is told'}")


def _file(folder: Path, pattern: str) -> str:
    """The one that fits; of several the smaller (quantized) one, which is faster."""
    found = sorted(folder.glob(pattern), key=lambda path: (path.stat().st_size, path.name))
    if not found:
        raise CannotServe(f"{folder.name} is no sherpa-onnx model: it has no {pattern}")
    return str(found[0])


def _metadata(model: str) -> dict[str, str]:
    try:
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    except Exception:
        raise CannotServe(f"{Path(model).name} cannot be read: is the file whole?") from None
    return dict(session.get_modelmeta().custom_metadata_map)


def _understood(text: str) -> Understood:
    """These models do not say how sure they are."""
    return Understood(text, 1.0 if text else 0.0)


def main() -> None:
    serve(lambda: load(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
