"""A Hindi conversation without a recognizer or a synthesizer: the operator's recordings, answered by keys."""

import wave
from pathlib import Path

import numpy as np

from tests import virtual_time
from tests.engine.small_world import SmallWorld, agent
from voiceera.errors import UnknownLanguage
from voiceera.providers.protocols import Recognition
from voiceera.providers.speech.scripted import ScriptedSpeechToText, ScriptedStream, ScriptedTextToSpeech
from voiceera.rules.audio import AudioFormat, encode
from voiceera.rules.calls import CallBrief, CallResult, HangupCause

FLOW = {
    "start": "menu",
    "steps": {
        "menu": {
            "kind": "ask",
            "text": "टिकट के लिए एक दबाइए।",
            "prompts": {"hi": "menu"},
            "expect": {"type": "keypad", "digits": 1},
            "save_as": "key",
            "next": "bye",
        },
        "bye": {"kind": "end", "text": "धन्यवाद।", "prompts": {"hi": "gone"}, "disposition": "done"},
    },
}


class EnglishOnly(ScriptedSpeechToText):
    async def open(self, recognition: Recognition) -> ScriptedStream:
        raise UnknownLanguage("english", f"not {recognition.language}")


async def recordings(_brief: CallBrief, name: str, audio_format: AudioFormat) -> bytes | None:
    """Two seconds of a tone; "gone" has been deleted."""
    if name == "gone":
        return None
    at = np.arange(2 * audio_format.sample_rate) / audio_format.sample_rate
    return encode((8000 * np.sin(2 * np.pi * 500 * at)).astype(np.int16), audio_format)


def talk(folder: Path, **how: object) -> tuple[CallResult, SmallWorld]:
    async def main() -> tuple[CallResult, SmallWorld]:
        world = SmallWorld(folder, hears=EnglishOnly(), speaks=ScriptedTextToSpeech(), prompts=recordings)
        try:
            return await world.call(agent(flow=FLOW, language="hi-IN"), **how), world  # type: ignore[arg-type]
        finally:
            world.close()

    return virtual_time.run(main())


def test_a_flow_of_recordings_is_answered_by_keypad(tmp_path: Path) -> None:
    result, world = talk(tmp_path, keys=[(5.0, "1")])
    assert (result.cause, result.disposition, result.error) == (HangupCause.AGENT_ENDED, "done", None)
    assert result.results == {"key": "1"}
    assert [turn.text for turn in result.turns] == ["टिकट के लिए एक दबाइए।", "1", "धन्यवाद।"]
    assert world.notes.spoken == ["टिकट के लिए एक दबाइए।", "धन्यवाद।"]
    assert result.recording is not None and result.recording.path is not None
    with wave.open(result.recording.path, "rb") as file:
        agent_side = np.frombuffer(file.readframes(2 * file.getframerate()), "<i2").reshape(-1, 2)[:, 1]
    spectrum = np.abs(np.fft.rfft(agent_side.astype(float)))
    assert abs(np.argmax(spectrum) * 8_000 / len(agent_side) - 500) < 10, "the recording was played, not the text"


def test_what_is_said_in_a_language_that_nobody_knows_changes_nothing(tmp_path: Path) -> None:
    result, _ = talk(tmp_path, speech=[(3.0, 1.0), (4.5, 0.8)], keys=[(7.0, "2")])
    assert (result.disposition, result.results) == ("done", {"key": "2"})


def test_a_key_stops_a_recording(tmp_path: Path) -> None:
    result, world = talk(tmp_path, keys=[(0.5, "1")])
    assert result.results == {"key": "1"} and result.turns[0].interrupted
    assert world.line.cleared_at
