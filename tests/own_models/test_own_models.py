"""Models that the operator brings: each library loads one from its folder and hears, or speaks, on every line.

They are random models, so what they hear means nothing; that one is found, loaded offline, fed and asked is real.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.own_models.tiny_onnx import TOKENS, piper_voice, streaming_ctc, whole_ctc
from tests.own_models.tiny_vosk import WORDS, vosk_model
from tests.own_models.tiny_whisper import whisper
from voiceera.errors import ProviderError
from voiceera.providers.on_this_machine import Machine
from voiceera.providers.protocols import Heard, Recognition, Voice
from voiceera.providers.registry import Kind
from voiceera.rules.audio import L16_16K, ULAW_8K, AudioFormat, decode, encode

MAKERS: dict[str, Callable[[Path], None]] = {
    "sherpa-onnx/streaming": streaming_ctc,
    "sherpa-onnx/whole": whole_ctc,
    "faster-whisper/tiny": whisper,
    "vosk/tiny": vosk_model,
}


def spoken(line: AudioFormat, seconds: float = 2.0) -> bytes:
    """Bursts of noise: a random model takes them for words."""
    chance = np.random.default_rng(7)
    count = int(seconds * line.sample_rate)
    loud = np.repeat(chance.choice([0.2, 1.0], 40), count // 40 + 1)[:count]
    return encode((loud * chance.normal(0, 4000, count)).clip(-32000, 32000).astype(np.int16), line)


async def heard(folder: Path, name: str, line: AudioFormat, language: str = "hi-IN") -> tuple[Heard, list[Heard]]:
    """What a whole utterance was taken for, and what was told while it was spoken."""
    recognizer = Machine(folder).make(Kind.SPEECH_TO_TEXT, name)
    partials: list[Heard] = []
    try:
        stream = await recognizer.open(Recognition(line, language))
        audio = spoken(line)
        stream.begin_utterance()
        for start in range(0, len(audio), line.frame_bytes):
            stream.push(audio[start : start + line.frame_bytes])
        found = await stream.end_utterance()
        while not stream._partials.empty():
            partials.append(stream._partials.get_nowait())
        await stream.close()
    finally:
        await recognizer.close()
    return found, partials


@pytest.mark.parametrize("line", [L16_16K, ULAW_8K])
@pytest.mark.parametrize("name", MAKERS)
async def test_a_model_from_its_folder_hears(tmp_path: Path, name: str, line: AudioFormat) -> None:
    MAKERS[name](tmp_path / name)
    found, partials = await heard(tmp_path, name, line)
    assert found.final
    if name.startswith("sherpa"):
        assert {f"▁{word}" for word in found.text.split()} & set(TOKENS)
    if name.startswith("vosk"):
        assert set(found.text.split()) <= set(WORDS) and found.text
        assert found.confidence is not None and 0 < found.confidence <= 1
    streams = name in ("sherpa-onnx/streaming", "vosk/tiny")
    assert bool(partials) is streams
    assert all(not each.final for each in partials)


async def test_the_only_model_needs_no_name_and_of_two_one_must_be_named(tmp_path: Path) -> None:
    whole_ctc(tmp_path / "sherpa-onnx/one")
    found, _ = await heard(tmp_path, "sherpa-onnx", L16_16K)
    assert found.text
    whole_ctc(tmp_path / "sherpa-onnx/two")
    with pytest.raises(ProviderError, match=r"several models .* such as sherpa-onnx/one"):
        await heard(tmp_path, "sherpa-onnx", L16_16K)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("sherpa-onnx/empty", "it has no tokens.txt"),
        ("vosk/empty", "it has no am/final.mdl"),
        ("faster-whisper/empty", "it has no model.bin"),
        ("vosk/gone", "there is no 'gone' in VOICEERA_MODELS_DIR/vosk; there are: empty"),
        ("vosk/../empty", "there is no '../empty'"),
    ],
)
async def test_a_folder_that_holds_no_model_says_what_it_lacks(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / name.partition("/")[0] / "empty").mkdir(parents=True)
    with pytest.raises(ProviderError) as refused:
        await heard(tmp_path, name, L16_16K)
    assert problem in refused.value.message and refused.value.permanent


@pytest.mark.parametrize(
    ("name", "file"),
    [("sherpa-onnx/streaming", "model.onnx"), ("vosk/tiny", "am/final.mdl"), ("faster-whisper/tiny", "model.bin")],
)
async def test_half_a_model_is_no_model(tmp_path: Path, name: str, file: str) -> None:
    MAKERS[name](tmp_path / name)
    half = tmp_path / name / file
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    with pytest.raises(ProviderError, match="whole") as refused:
        await heard(tmp_path, name, L16_16K)
    assert refused.value.permanent


async def spoken_by(folder: Path, name: str, voice: Voice, line: AudioFormat = L16_16K) -> bytes:
    speaker = Machine(folder).make(Kind.TEXT_TO_SPEECH, name)
    try:
        return b"".join([piece async for piece in speaker.speak("Hello again", voice, line)])
    finally:
        await speaker.close()


async def test_a_piper_voice_from_its_folder_speaks_on_every_line(tmp_path: Path) -> None:
    piper_voice(tmp_path / "piper", "en_US-tiny-low", "en-us")
    wide = decode(await spoken_by(tmp_path, "piper", Voice("en-US")), L16_16K)
    narrow = decode(await spoken_by(tmp_path, "piper", Voice("en-US"), ULAW_8K), ULAW_8K)
    assert 0.1 < len(wide) / 16000 < 5 and np.abs(wide).max() > 3000
    assert len(narrow) / 8000 == pytest.approx(len(wide) / 16000, abs=0.05)


async def test_the_voice_fits_the_language_unless_it_is_named(tmp_path: Path) -> None:
    for name, language in (("de_DE-tiny-low", "de"), ("en_GB-tiny-low", "en-gb"), ("en_US-tiny-low", "en-us")):
        piper_voice(tmp_path / "piper", name, language)
    speaker = Machine(tmp_path).make(Kind.TEXT_TO_SPEECH, "piper")
    assert speaker.voice_name(Voice("en-US")) == "en_US-tiny-low"
    assert speaker.voice_name(Voice("en-AU")) == "en_GB-tiny-low"
    assert speaker.voice_name(Voice("de")) == "de_DE-tiny-low"
    assert speaker.voice_name(Voice("de", "en_US-tiny-low")) == "en_US-tiny-low"
    assert Machine(tmp_path).make(Kind.TEXT_TO_SPEECH, "piper/en_US-tiny-low").voice_name(Voice("en")) == (
        "en_US-tiny-low"
    )
    with pytest.raises(ProviderError, match=r"no voice .* speaks hi-IN"):
        speaker.voice_name(Voice("hi-IN"))
    with pytest.raises(ProviderError, match="there is no voice 'nobody'"):
        speaker.voice_name(Voice("de", "nobody"))
