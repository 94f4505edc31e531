"""Whole calls through the real engine, with scripted providers, in virtual time."""

import asyncio
import wave
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import virtual_time
from tests.engine.small_world import SmallWorld, agent
from voiceera.errors import ProviderError
from voiceera.providers.models.scripted import ScriptedLanguageModel
from voiceera.providers.protocols import Heard
from voiceera.providers.speech.scripted import ScriptedSpeechToText, ScriptedTextToSpeech
from voiceera.rules.audio import ULAW_8K, encode
from voiceera.rules.calls import AnsweredBy, CallResult, Direction, HangupCause, Speaker

FLOW = {
    "start": "ask",
    "steps": {
        "ask": {
            "kind": "ask",
            "text": "Hello {{name}}. Can you come on Tuesday at ten?",  # takes about 2.1 s
            "expect": {"type": "yes_no"},
            "save_as": "comes",
            "branches": {"yes": "good", "no": "bad"},
        },
        "good": {"kind": "end", "text": "See you then.", "disposition": "confirmed"},
        "bad": {"kind": "end", "text": "A pity.", "disposition": "declined"},
    },
}
TALKER = agent(brain="llm", greeting_message="Hello, how can I help you today?", system_prompt="Be kind.")


def call(
    folder: Path,
    story: Callable[[SmallWorld], Coroutine[Any, Any, CallResult]],
    **providers: Any,
) -> tuple[CallResult, SmallWorld]:
    async def main() -> tuple[CallResult, SmallWorld]:
        world = SmallWorld(folder, **providers)
        try:
            return await story(world), world
        finally:
            world.close()

    return virtual_time.run(main())


def said(result: CallResult) -> list[str]:
    return [f"{turn.speaker}: {turn.text}" for turn in result.turns]


def test_a_flow_asks_hears_and_ends(tmp_path: Path) -> None:
    result, world = call(
        tmp_path, lambda world: world.call(agent(flow=FLOW), [(4.0, 0.8)]), hears=ScriptedSpeechToText(["yes I can"])
    )
    assert said(result) == [
        "agent: Hello Maria. Can you come on Tuesday at ten?",
        "caller: yes I can",
        "agent: See you then.",
    ]
    assert (result.cause, result.disposition) == (HangupCause.AGENT_ENDED, "confirmed")
    assert result.results == {"comes": "yes"}
    assert (result.turns[1].step, result.turns[1].result) == ("ask", "yes")
    assert result.answered_by is AnsweredBy.HUMAN
    assert [index for index, _ in world.notes.turns] == [0, 1, 2]
    assert world.notes.spoken == ["Hello Maria.", "Can you come on Tuesday at ten?", "See you then."]


def test_latency_says_where_the_time_went(tmp_path: Path) -> None:
    result, _ = call(
        tmp_path,
        lambda world: world.call(TALKER, [(4.0, 0.8)], hangs_up_at=12),
        hears=ScriptedSpeechToText(["what is the weather"], delay=0.05),
        thinks=ScriptedLanguageModel(["It is fine."], delay=0.2),
        speaks=ScriptedTextToSpeech(delay=0.1),
    )
    latency = result.turns[2].latency
    assert latency is not None
    assert (latency.endpointing_ms, latency.stt_ms) == (600.0, 0.0)  # its words come while the silence is waited for
    assert latency.brain_ms == pytest.approx(200, abs=1)
    assert latency.tts_ms == pytest.approx(100, abs=1)
    assert latency.platform_ms == pytest.approx(0, abs=5)
    assert latency.total_ms == pytest.approx(900, abs=5)
    assert result.turns[0].latency is None


def test_a_slow_recognizer_is_told_apart_from_the_platform(tmp_path: Path) -> None:
    result, _ = call(
        tmp_path,
        lambda world: world.call(TALKER, [(4.0, 0.8)], hangs_up_at=12),
        hears=ScriptedSpeechToText(["what is the weather"], delay=1.0),
    )
    latency = result.turns[2].latency
    assert latency is not None
    assert latency.stt_ms == pytest.approx(688, abs=15)  # asked after 288 ms of silence, due after 600
    assert latency.platform_ms == pytest.approx(0, abs=5)


def test_the_agent_stops_when_the_caller_interrupts(tmp_path: Path) -> None:
    story = agent(brain="llm", greeting_message="This is a very long greeting that goes on, and on, and on.")
    result, world = call(
        tmp_path,
        lambda world: world.call(story, [(2.5, 1.2)], hangs_up_at=9),
        hears=ScriptedSpeechToText(["wait a moment please"]),
    )
    stopped = world.line.cleared_at[0] - world.began
    assert 2.5 < stopped <= 2.65
    assert not [at for at in world.line.sent_at if stopped < at - world.began < 4.0]
    assert result.turns[0].interrupted
    assert result.turns[0].text == "This is a very long greeting that goes on, and on,"
    assert result.interruptions == 1


def test_a_model_remembers_only_what_was_heard(tmp_path: Path) -> None:
    model = ScriptedLanguageModel(["Well, this is a story that takes very, very long to be told in full.", "Sure."])
    result, _ = call(
        tmp_path,
        lambda world: world.call(TALKER, [(4.0, 0.8), (6.5, 1.0)], hangs_up_at=14),
        hears=ScriptedSpeechToText(["tell me a story", "another one please"]),
        thinks=model,
    )
    assert [message.role for message in model.asked[-1]] == ["assistant", "user", "assistant", "user"]
    assert model.asked[-1][2].content == result.turns[2].text
    assert result.turns[2].interrupted
    assert said(result)[-1] == "agent: Sure."


def test_keys_answer_a_question(tmp_path: Path) -> None:
    result, _ = call(tmp_path, lambda world: world.call(agent(flow=FLOW), keys=[(3.0, "2")]))
    assert (result.disposition, result.results) == ("declined", {"comes": "no"})


def test_the_recording_holds_both_sides_for_as_long_as_the_call(tmp_path: Path) -> None:
    result, _ = call(
        tmp_path, lambda world: world.call(agent(flow=FLOW), [(4.0, 0.8)]), hears=ScriptedSpeechToText(["yes"])
    )
    assert result.recording is not None
    with wave.open(result.recording.path) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    caller, agent_side = np.abs(sound[:, 0].astype(int)), np.abs(sound[:, 1].astype(int))
    answer, goodbye = result.turns[1], result.turns[2]
    assert caller[8 * (answer.start_ms + 50) : 8 * (answer.end_ms - 100)].mean() > 1000
    assert caller[: 8 * (answer.start_ms - 100)].max() < 100
    assert agent_side[8 * goodbye.start_ms : 8 * (goodbye.end_ms - 50)].mean() > 1000
    assert agent_side[8 * (answer.start_ms) : 8 * answer.end_ms].max() < 100
    assert len(sound) / 8000 == pytest.approx(goodbye.end_ms / 1000, abs=0.2)


def test_the_last_word_is_played_out_before_the_call_is_over(tmp_path: Path) -> None:
    async def story(world: SmallWorld) -> CallResult:
        world.line = type(world.line)(deaf=True)
        return await world.call(agent(flow=FLOW), keys=[(3.0, "1")])

    result, world = call(tmp_path, story)
    assert result.cause is HangupCause.AGENT_ENDED  # a carrier that does not answer marks costs a second, no more
    assert world.loop.time() - world.line.sent_at[-1] == pytest.approx(1.0, abs=0.1)


def test_a_machine_is_recognized_by_its_endless_greeting(tmp_path: Path) -> None:
    result, _ = call(tmp_path, lambda world: world.call(agent(flow=FLOW), [(0.3, 8.0)], direction=Direction.OUTBOUND))
    assert (result.cause, result.answered_by) == (HangupCause.VOICEMAIL, AnsweredBy.MACHINE)


def test_a_message_is_left_after_the_beep(tmp_path: Path) -> None:
    leaver = agent(
        flow=FLOW,
        conversation={"voicemail": "leave_message", "voicemail_message": "{{name}}, please call back."},
    )
    tone = 8000 * np.sin(2 * np.pi * 1000 * np.arange(160) / 8000)
    result, _ = call(
        tmp_path,
        lambda world: world.call(
            leaver, [(6.0, 0.6)], direction=Direction.OUTBOUND, noise=encode(tone.astype(np.int16), ULAW_8K)
        ),
    )
    assert said(result)[-1] == "agent: Maria, please call back."
    assert (result.cause, result.answered_by) == (HangupCause.VOICEMAIL, AnsweredBy.MACHINE)
    assert result.turns[-1].start_ms > 6600


def test_a_person_who_says_hello_and_waits_is_a_person(tmp_path: Path) -> None:
    result, _ = call(
        tmp_path,
        lambda world: world.call(agent(flow=FLOW), [(0.3, 0.5), (4.5, 0.8)], direction=Direction.OUTBOUND),
        hears=ScriptedSpeechToText(["hello", "yes"]),
    )
    assert said(result)[:2] == ["caller: hello", "agent: Hello Maria. Can you come on Tuesday at ten?"]
    assert (result.answered_by, result.disposition) == (AnsweredBy.HUMAN, "confirmed")


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────

FAULT = ProviderError("vendor", "it is down")


def test_a_model_that_fails_costs_an_apology(tmp_path: Path) -> None:
    result, world = call(
        tmp_path,
        lambda world: world.call(TALKER, [(4.0, 0.8)]),
        hears=ScriptedSpeechToText(["hello you"]),
        thinks=ScriptedLanguageModel([FAULT]),
    )
    assert result.cause is HangupCause.PROVIDER_FAILED
    assert result.error == "brain: it is down"
    assert world.notes.spoken[-1].startswith("Sorry, something went wrong")


def test_a_model_that_hangs_is_given_up(tmp_path: Path) -> None:
    result, _ = call(
        tmp_path,
        lambda world: world.call(TALKER, [(4.0, 0.8)]),
        hears=ScriptedSpeechToText(["hello you"]),
        thinks=ScriptedLanguageModel(delay=1000),
    )
    assert result.cause is HangupCause.PROVIDER_FAILED


def test_a_recognizer_that_fails_costs_an_apology(tmp_path: Path) -> None:
    result, _ = call(tmp_path, lambda world: world.call(TALKER, [(4.0, 0.8)]), hears=ScriptedSpeechToText([FAULT]))
    assert result.cause is HangupCause.PROVIDER_FAILED


@pytest.mark.parametrize("voice", [ScriptedTextToSpeech(fault=FAULT), ScriptedTextToSpeech(delay=1000)])
def test_without_a_voice_the_call_ends(tmp_path: Path, voice: ScriptedTextToSpeech) -> None:
    result, world = call(tmp_path, lambda world: world.call(TALKER), speaks=voice)
    assert result.cause is HangupCause.PROVIDER_FAILED
    assert world.loop.time() - world.began < 6


def test_an_agent_without_a_brain_ends_the_call_with_a_reason(tmp_path: Path) -> None:
    result, _ = call(tmp_path, lambda world: world.call(agent(brain="external")))
    assert result.cause is HangupCause.PROVIDER_FAILED
    assert "no external" in str(result.error)


def test_a_fault_of_ours_ends_the_call_with_a_cause(tmp_path: Path) -> None:
    class Broken(ScriptedLanguageModel):
        async def reply(
            self, system_prompt: str, history: Any, tools: Any = (), model: Any = None, answer_schema: Any = None
        ) -> Any:
            yield 1 / 0

    result, world = call(
        tmp_path,
        lambda world: world.call(TALKER, [(4.0, 0.8)]),
        hears=ScriptedSpeechToText(["hello you"]),
        thinks=Broken(),
    )
    assert (result.cause, result.error) == (HangupCause.ERROR, "ZeroDivisionError: division by zero")
    assert result.recording is not None
    assert len(result.turns) >= 1
    assert (world.ears.open, len(world.engine.live)) == (0, 0)


def test_a_line_lost_before_the_first_word_leaves_a_result(tmp_path: Path) -> None:
    result, world = call(tmp_path, lambda world: world.call(TALKER, hangs_up_at=0.0))
    assert result.cause is HangupCause.CALLER_HUNG_UP
    assert world.ears.open == 0


def test_nothing_is_left_running_after_a_call(tmp_path: Path) -> None:
    async def story(world: SmallWorld) -> CallResult:
        before = len(asyncio.all_tasks())
        result = await world.call(agent(flow=FLOW), [(1.0, 5.0)], hangs_up_at=3.0)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == before
        return result

    _, world = call(tmp_path, story, hears=ScriptedSpeechToText([Heard("", True, rejected=True)]))
    assert (world.ears.open, len(world.engine.live)) == (0, 0)


def test_somebody_outside_ends_the_call(tmp_path: Path) -> None:
    async def story(world: SmallWorld) -> CallResult:
        call = world.start(TALKER)
        world.loop.call_later(1.0, call.request_hangup, HangupCause.SHUTTING_DOWN)
        return await call.wait()

    result, _ = call(tmp_path, story)
    assert result.cause is HangupCause.SHUTTING_DOWN
    assert [turn.speaker for turn in result.turns] == [Speaker.AGENT]


def test_the_watchdog_ends_a_call_whose_loop_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceera.rules.turns.Conversation.on", lambda *_: [])
    short = agent(brain="llm", conversation={"maximum_duration": 10})
    result, world = call(tmp_path, lambda world: world.call(short))
    assert result.cause is HangupCause.MAXIMUM_DURATION
    assert world.loop.time() - world.began < 30


def test_a_filler_covers_a_slow_reply_and_counts_for_no_answer(tmp_path: Path) -> None:
    spoken = TALKER.model_copy(
        update={"conversation": TALKER.conversation.model_copy(update={"filler_after": 0.8, "reprompt_after": 60})}
    )
    result, world = call(
        tmp_path,
        lambda world: world.call(spoken, [(4.0, 0.8)], hangs_up_at=15),
        hears=ScriptedSpeechToText(["where is my parcel"]),
        thinks=ScriptedLanguageModel(["It is on its way."], delay=3.0),
    )
    assert said(result)[-1] == "agent: One moment, please. It is on its way."
    assert world.notes.spoken[-2:] == ["One moment, please.", "It is on its way."]
    latency = result.turns[-1].latency
    assert latency is not None and latency.total_ms > 3_000 and latency.brain_ms == pytest.approx(3_000, abs=50)
