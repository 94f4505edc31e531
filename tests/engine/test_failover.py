"""Every way in which a vendor fails, for each kind of vendor, in whole calls in virtual time.

A call with a spare goes on after at most 1.5 s, one without ends with an apology within 8 s, and none dies.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from tests import virtual_time
from tests.engine.small_world import SmallWorld, agent
from voiceera.engine.failover import COOL_DOWN_SECONDS, Health, Succession
from voiceera.engine.session import CallProviders
from voiceera.engine.spares import rest_of
from voiceera.errors import ProviderError
from voiceera.providers.models.scripted import ScriptedLanguageModel
from voiceera.providers.protocols import Heard, LanguageModel, Recognition, SpeechToText, TextToSpeech
from voiceera.providers.speech.scripted import ScriptedSpeechToText, ScriptedStream, ScriptedTextToSpeech
from voiceera.rules.calls import CallBrief, CallResult, HangupCause

WAYS = ("refuse", "401", "429", "hang", "stall", "garbage", "slow")
REFUSALS = {
    "refuse": ProviderError("bad", "no answer: ConnectError"),
    "401": ProviderError("bad", "answered 401", permanent=True),
    "429": ProviderError("bad", "answered 429"),
    "garbage": ProviderError("bad", "answered no JSON"),
}
SLOW = 9.0


async def goes_wrong(way: str) -> None:
    """Before anything has come; "stall" comes later."""
    match way:
        case "refuse" | "401" | "429" | "garbage":
            raise REFUSALS[way]
        case "hang":
            await asyncio.Event().wait()
        case "slow":
            await asyncio.sleep(SLOW)


@dataclass
class BadModel:
    way: str
    asked: int = 0

    async def reply(self, *_asked: Any) -> AsyncIterator[str]:
        self.asked += 1
        await goes_wrong(self.way)
        yield "It is in the middle of the "
        if self.way == "stall":
            await asyncio.Event().wait()
        yield "month."

    async def close(self) -> None: ...


@dataclass
class BadVoice:
    way: str
    good: ScriptedTextToSpeech = field(default_factory=ScriptedTextToSpeech)
    asked: int = 0

    async def speak(self, text: str, *more: Any) -> AsyncIterator[bytes]:
        self.asked += 1
        await goes_wrong(self.way)
        async for piece in self.good.speak(text, *more):
            yield piece
            if self.way == "stall":
                await asyncio.Event().wait()

    async def close(self) -> None: ...


class BadStream(ScriptedStream):
    def __init__(self, way: str) -> None:
        super().__init__(("something wrong",), 0.0, True)
        self._way = way

    async def end_utterance(self) -> Heard:
        await goes_wrong("hang" if self._way == "stall" else self._way)
        return await super().end_utterance()


@dataclass
class BadEar:
    """`at_once`: when the stream is opened, and not first when words are wanted."""

    way: str
    at_once: bool = False
    asked: int = 0

    async def open(self, recognition: Recognition) -> BadStream:
        self.asked += 1
        if self.at_once:
            await goes_wrong("hang" if self.way == "stall" else self.way)
        return BadStream(self.way)

    async def close(self) -> None: ...


def run(folder: Path, *calls: CallProviders, speech: list[tuple[float, float]] | None = None) -> list[CallResult]:
    """One call after the other in one process: the caller asks something at 4.0 s, and hangs up at 25 s."""

    async def main() -> list[CallResult]:
        world = SmallWorld(folder)
        results = []
        try:
            for providers in calls:

                async def found(_brief: CallBrief, providers: CallProviders = providers) -> CallProviders:
                    return providers

                object.__setattr__(world.engine._shared, "providers_for", found)
                talker = agent(
                    brain="llm",
                    greeting_message="Hello, how can I help?",
                    conversation={"reprompt_after": 60, "silence_hangup": 100},
                )
                results.append(await world.call(talker, speech or [(4.0, 0.8)], hangs_up_at=25))
            return results
        finally:
            world.close()

    return virtual_time.run(main())


def good(**changed: Any) -> CallProviders:
    given: dict[str, Any] = {
        "speech_to_text": ScriptedSpeechToText(["when does it begin"], repeat=True),
        "text_to_speech": ScriptedTextToSpeech(),
        "language_model": ScriptedLanguageModel(["It begins on Monday at ten."]),
    }
    return CallProviders(**given | changed)


def said(result: CallResult) -> list[str]:
    return [f"{turn.speaker}: {turn.text}" for turn in result.turns]


def answered_after(result: CallResult) -> float:
    """Seconds from the caller's last sample to the agent's first one."""
    caller = next(turn for turn in result.turns if turn.speaker == "caller")
    answer = result.turns[result.turns.index(caller) + 1]
    return (answer.start_ms - caller.end_ms) / 1000


ORDINARY = 0.7
"""Seconds that an answer takes when nothing is wrong: the silence that ends a turn, mostly."""


# ── with a spare ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", WAYS)
def test_a_model_that_fails_is_taken_over_from(tmp_path: Path, way: str) -> None:
    bad = BadModel(way)
    spare = ScriptedLanguageModel(["It begins on Monday at ten."])
    [result] = run(tmp_path, good(language_model=cast(LanguageModel, bad), spare_models=(spare,)))
    assert bad.asked == 1
    assert result.cause is HangupCause.CALLER_HUNG_UP and result.error is None
    assert said(result)[-1].endswith("It begins on Monday at ten.")
    assert answered_after(result) <= ORDINARY + 1.5
    assert result.usage["provider_switches"] >= 1


@pytest.mark.parametrize("way", WAYS)
def test_a_voice_that_fails_is_taken_over_from(tmp_path: Path, way: str) -> None:
    bad = BadVoice(way)
    spare = ScriptedTextToSpeech()
    [result] = run(tmp_path, good(text_to_speech=cast(TextToSpeech, bad), spare_voices=(spare,)))
    assert result.cause is HangupCause.CALLER_HUNG_UP and result.error is None
    assert said(result) == [
        "agent: Hello, how can I help?",
        "caller: when does it begin",
        "agent: It begins on Monday at ten.",
    ]
    assert result.turns[0].start_ms <= 1500 + 50
    assert bad.asked == 1, "one that failed is not asked again at once"


@pytest.mark.parametrize("at_once", [False, True], ids=["at the end of the words", "at the opening"])
@pytest.mark.parametrize("way", WAYS)
def test_an_ear_that_fails_is_taken_over_from_and_nothing_said_is_lost(
    tmp_path: Path, way: str, at_once: bool
) -> None:
    bad, spare = BadEar(way, at_once), ScriptedSpeechToText(["when does it begin"], repeat=True)
    [result] = run(tmp_path, good(speech_to_text=cast(SpeechToText, bad), spare_ears=(spare,)))
    assert result.cause is HangupCause.CALLER_HUNG_UP and result.error is None
    assert said(result)[1:] == ["caller: when does it begin", "agent: It begins on Monday at ten."]
    assert answered_after(result) <= ORDINARY + 1.5
    heard = spare.streams[0].bytes_heard / 8000
    assert heard == pytest.approx(0.8, abs=0.8) and heard > 0.8, "the spare hears the utterance from its beginning"


def test_one_outage_costs_the_next_call_nothing(tmp_path: Path) -> None:
    bad = BadModel("hang")
    providers = good(
        language_model=cast(LanguageModel, bad), spare_models=(ScriptedLanguageModel(["It begins on Monday."]),)
    )
    first, second = run(tmp_path, providers, providers)
    assert answered_after(first) > 1.5
    assert answered_after(second) <= ORDINARY
    assert bad.asked == 1


def test_two_that_fail_leave_the_third(tmp_path: Path) -> None:
    bad = (BadModel("401"), BadModel("429"))
    [result] = run(
        tmp_path,
        good(
            language_model=cast(LanguageModel, bad[0]),
            spare_models=(cast(LanguageModel, bad[1]), ScriptedLanguageModel(["It begins on Monday."])),
        ),
    )
    assert said(result)[-1] == "agent: It begins on Monday."
    assert answered_after(result) <= ORDINARY + 0.1


def test_a_model_that_breaks_off_is_gone_on_from(tmp_path: Path) -> None:
    spare = ScriptedLanguageModel(["week. Come early."])
    [result] = run(tmp_path, good(language_model=cast(LanguageModel, BadModel("stall")), spare_models=(spare,)))
    assert said(result)[-1] == "agent: It is in the middle of the week. Come early."
    asked = spare.asked[0]
    assert (asked[-2].role, asked[-2].content) == ("assistant", "It is in the middle of the ")


# ── without one ──────────────────────────────────────────────────────────────────────────────────────────────────


APOLOGY = "agent: Sorry, something went wrong on our side. Goodbye."


def ends_in_time(result: CallResult, seconds: float = 8.0) -> None:
    """From the caller's last word to the hang-up."""
    caller = next(turn for turn in result.turns if turn.speaker == "caller")
    assert result.cause is HangupCause.PROVIDER_FAILED
    assert result.recording is not None
    assert result.recording.duration_seconds - caller.end_ms / 1000 <= seconds


@pytest.mark.parametrize("way", WAYS)
def test_a_call_without_a_model_left_says_so_and_ends(tmp_path: Path, way: str) -> None:
    [result] = run(tmp_path, good(language_model=cast(LanguageModel, BadModel(way))))
    assert said(result)[-1] == APOLOGY
    ends_in_time(result)


@pytest.mark.parametrize("way", WAYS)
def test_a_call_without_an_ear_left_says_so_and_ends(tmp_path: Path, way: str) -> None:
    [result] = run(tmp_path, good(speech_to_text=cast(SpeechToText, BadEar(way))))
    assert said(result)[-1] == APOLOGY
    assert result.cause is HangupCause.PROVIDER_FAILED
    assert result.recording is not None and result.recording.duration_seconds <= 4.8 + 8.0


@pytest.mark.parametrize("way", WAYS)
def test_a_call_without_a_voice_left_has_the_last_one_say_so_and_ends(tmp_path: Path, way: str) -> None:
    [result] = run(
        tmp_path, good(text_to_speech=cast(TextToSpeech, BadVoice(way)), last_voice=ScriptedTextToSpeech())
    )
    assert said(result)[-1] == APOLOGY
    assert result.cause is HangupCause.PROVIDER_FAILED
    assert result.recording is not None and result.recording.duration_seconds <= 8.0 + 0.2


@pytest.mark.parametrize("way", WAYS)
def test_all_of_a_kind_may_fail_and_the_call_still_ends_with_a_cause(tmp_path: Path, way: str) -> None:
    [result] = run(
        tmp_path,
        good(language_model=cast(LanguageModel, BadModel(way)), spare_models=(cast(LanguageModel, BadModel(way)),)),
    )
    assert said(result)[-1] == APOLOGY
    ends_in_time(result, 8.0 + 1.5)


# ── the parts ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_failed_is_asked_last_for_a_while() -> None:
    now = [0.0]
    health, first, second = Health(lambda: now[0]), object(), object()
    health.failed(first, ProviderError("x", "away"))
    assert health.order([first, second]) == [second, first]
    now[0] = COOL_DOWN_SECONDS
    assert health.order([first, second]) == [first, second]


def test_a_fault_of_ours_is_not_taken_for_the_vendors() -> None:
    async def broken() -> AsyncIterator[str]:
        yield str(1 / 0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        two = Succession((1, 2), Health(loop.time), lambda _provider, _error: None)
        with pytest.raises(ZeroDivisionError):
            await anext(two.stream(lambda _provider: broken()))

    virtual_time.run(main())


@pytest.mark.parametrize(
    ("seconds", "rest"),
    [
        (0.0, "It begins on Monday at ten."),
        (0.3, "begins on Monday at ten."),
        (0.6, "begins on Monday at ten."),
        (1.0, "Monday at ten."),
        (9.0, "ten."),
    ],
)
def test_a_sentence_is_gone_on_with_from_the_word_that_was_under_way(seconds: float, rest: str) -> None:
    assert rest_of("It begins on Monday at ten.", seconds) == rest
