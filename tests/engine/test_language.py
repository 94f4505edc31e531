"""A call that goes on in another language: what is heard, said and understood from there."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests import virtual_time
from tests.engine.small_world import SmallWorld, agent
from tests.engine.test_tools import use
from voiceera.errors import ProviderError, UnknownLanguage
from voiceera.providers.models.scripted import Reply, ScriptedLanguageModel
from voiceera.providers.protocols import Recognition, Voice
from voiceera.providers.speech.scripted import ScriptedSpeechToText, ScriptedStream, ScriptedTextToSpeech
from voiceera.rules.agents import AgentConfig
from voiceera.rules.audio import AudioFormat
from voiceera.rules.calls import CallResult, HangupCause

FLOW: dict[str, Any] = {
    "start": "menu",
    "steps": {
        "menu": {
            "kind": "ask",
            "text": "English or Hindi?",
            "expect": {"type": "choice", "choices": {"en": ["english"], "hi": ["hindi"]}},
            "branches": {"en": "come", "hi": "hindi"},
        },
        "hindi": {"kind": "language", "language": "hi-IN", "next": "come"},
        "come": {
            "kind": "ask",
            "text": "Can you come?",
            "texts": {"hi": "क्या आप आ सकते हैं?"},
            "expect": {"type": "yes_no"},
            "branches": {"yes": "good", "no": "bad"},
        },
        "good": {"kind": "end", "text": "Good.", "texts": {"hi": "अच्छा।"}, "disposition": "comes"},
        "bad": {"kind": "end", "text": "A pity.", "disposition": "stays"},
    },
}


class Ears(ScriptedSpeechToText):
    """Each language has a recognizer of its own, with what it hears."""

    def __init__(self, **by_language: str | ProviderError) -> None:
        super().__init__()
        self._by_language = by_language
        self.opened: list[str] = []

    async def open(self, recognition: Recognition) -> ScriptedStream:
        answer = self._by_language[recognition.language.split("-")[0]]
        if isinstance(answer, ProviderError):
            raise answer
        self.opened.append(recognition.language)
        stream = ScriptedStream((answer,) * 5, 0.0, False)
        self.streams.append(stream)
        return stream


class Mouth(ScriptedTextToSpeech):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, str, str | None]] = []

    async def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncIterator[bytes]:
        self.said.append((text, voice.language, voice.voice_id))
        async for piece in super().speak(text, voice, audio_format):
            yield piece


def talk(folder: Path, spoken: AgentConfig, ears: Ears, speech: list[tuple[float, float]], *replies: Reply) -> Any:
    async def main() -> tuple[CallResult, Mouth, SmallWorld]:
        mouth = Mouth()
        world = SmallWorld(folder, hears=ears, speaks=mouth, thinks=ScriptedLanguageModel(replies))
        try:
            return await world.call(spoken, speech=speech), mouth, world
        finally:
            world.close()

    return virtual_time.run(main())


def test_a_flow_goes_on_in_the_callers_language(tmp_path: Path) -> None:
    voices = {"voice_id": "Anna", "voices": {"hi": "Asha"}}
    ears = Ears(en="hindi", hi="हाँ")
    spoken = agent(flow=FLOW, voice_parameters=voices)
    result, mouth, _ = talk(tmp_path, spoken, ears, [(3.0, 0.8), (8.0, 0.8)])
    assert (result.cause, result.disposition, result.error) == (HangupCause.AGENT_ENDED, "comes", None)
    assert ears.opened == ["en-US", "hi-IN"]
    assert mouth.said == [
        ("English or Hindi?", "en-US", "Anna"),
        ("क्या आप आ सकते हैं?", "hi-IN", "Asha"),
        ("अच्छा।", "hi-IN", "Asha"),
    ]
    assert [turn.text for turn in result.turns] == ["English or Hindi?", "hindi", "क्या आप आ सकते हैं?", "हाँ", "अच्छा।"]
    assert all(stream._closed.is_set() for stream in ears.streams), "neither ear is left open"


def test_who_stays_with_the_first_language_hears_no_other(tmp_path: Path) -> None:
    ears = Ears(en="english", hi="हाँ")
    result, mouth, _ = talk(tmp_path, agent(flow=FLOW), ears, [(3.0, 0.8)])
    assert ears.opened == ["en-US"]
    assert {language for _, language, _ in mouth.said} == {"en-US"}
    assert result.turns[2].text == "Can you come?"


def test_an_ear_that_does_not_know_the_language_goes_on_with_the_one_that_it_knows(tmp_path: Path) -> None:
    """The voice may well speak it; what is answered in the first language is still understood."""
    flow = {**FLOW, "steps": {**FLOW["steps"], "menu": {"kind": "say", "text": "Hello.", "next": "hindi"}}}
    ears = Ears(en="yes", hi=UnknownLanguage("ears", "not Hindi"))
    result, mouth, _ = talk(tmp_path, agent(flow=flow), ears, [(5.0, 0.8)])
    assert (result.disposition, result.error) == ("comes", None)
    assert ears.opened == ["en-US"]
    assert mouth.said[1][1] == "hi-IN"


def test_speech_under_way_while_the_ear_changes_is_heard_to_its_end(tmp_path: Path) -> None:
    """The caller answers before the agent is through: the first ear has it, and is closed only then."""
    ears = Ears(en="hindi", hi="हाँ")
    result, _, _ = talk(tmp_path, agent(flow=FLOW), ears, [(3.0, 0.8), (4.6, 2.5), (9.0, 0.8)])
    assert (result.error, result.disposition) == (None, "comes")
    assert all(stream._closed.is_set() for stream in ears.streams)


def test_a_model_changes_the_language_with_a_tool(tmp_path: Path) -> None:
    ears = Ears(en="hindi please", hi="हाँ")
    spoken = agent(
        brain="llm",
        llm_provider="openai",
        greeting_message="Hello.",
        tools=[{"kind": "switch_language", "languages": ["hi-IN", "ta-IN"]}],
    )
    switch = (use("switch_language", '{"language": "hi-IN"}'),)
    result, mouth, _ = talk(tmp_path, spoken, ears, [(3.0, 0.8)], switch, ("नमस्ते।",))
    assert ears.opened == ["en-US", "hi-IN"]
    assert [(text, language) for text, language, _ in mouth.said][:2] == [("Hello.", "en-US"), ("नमस्ते।", "hi-IN")]
    assert [(tool.name, tool.worked) for tool in result.tools] == [("switch_language", True)]


def test_a_model_cannot_choose_a_language_that_is_not_named(tmp_path: Path) -> None:
    ears = Ears(en="french please", hi="हाँ")
    spoken = agent(brain="llm", llm_provider="openai", tools=[{"kind": "switch_language", "languages": ["hi-IN"]}])
    result, mouth, _ = talk(
        tmp_path, spoken, ears, [(3.0, 0.8)], (use("switch_language", '{"language": "fr"}'),), ("No.",)
    )
    assert ears.opened == ["en-US"]
    assert {tool.worked for tool in result.tools} == {False}
    assert {language for _, language, _ in mouth.said} == {"en-US"}


@pytest.mark.parametrize("tag", ["", "english language", "hi_IN", "x" * 9])
def test_a_language_is_a_tag(tag: str) -> None:
    flow = {"start": "l", "steps": {"l": {"kind": "language", "language": tag, "next": "l"}}}
    with pytest.raises(ValueError, match="language"):
        agent(flow=flow)
