"""A model that is asked while the caller may still go on: sooner when they do not, and nothing lost when they do."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.engine.small_world import SmallWorld, agent
from tests.engine.talk import Talk
from tests.engine.test_session import call, said
from tests.engine.test_tools import LOOK_UP, Shop, use
from voiceera.engine.early_replies import EarlyReplies, Request
from voiceera.engine.tools import ToolDesk
from voiceera.errors import ProviderError
from voiceera.providers.models.scripted import Reply, ScriptedLanguageModel
from voiceera.providers.protocols import Message
from voiceera.providers.speech.scripted import ScriptedSpeechToText
from voiceera.rules.calls import CallResult
from voiceera.rules.turn_events import CallerTurn, Expecting, Private, Think, ThinkAhead
from voiceera.rules.turn_policy import TurnPolicy

EARLY = TurnPolicy(early_reply=True)
ASKED = (Message("user", "where is it"),)


def talker(*, early: bool = True, **fields: Any) -> Any:
    return agent(
        brain="llm", greeting_message="Hello, how can I help?", conversation={"early_reply": early}, **fields
    )


def ahead(talk: Talk) -> list[str]:
    return [command.about.text for _, command in talk.done if isinstance(command, ThinkAhead)]


# ── when it is asked ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_brain_thinks_ahead_as_soon_as_the_words_are_known_and_is_then_asked_the_same() -> None:
    talk = Talk(["How can I help?"], policy=EARLY).caller(3.0, "where is my parcel").run(until=6.0)
    (first,) = talk.times(ThinkAhead)
    assert first == pytest.approx(3.8 + 0.29 + 0.05)
    assert talk.times(Think)[1] == pytest.approx(3.8 + 0.6)
    (command,) = [command for _, command in talk.done if isinstance(command, ThinkAhead)]
    assert command.about == talk.thoughts[1]


def test_who_goes_on_is_thought_about_anew() -> None:
    talk = Talk(["How can I help?"], policy=EARLY)
    talk.caller(3.0, "where is my parcel").caller(4.2, "the second one I mean").run(until=8.0)
    assert ahead(talk) == ["where is my parcel", "where is my parcel the second one I mean"]
    assert [thought.text for thought in talk.thoughts if isinstance(thought, CallerTurn)] == [ahead(talk)[1]]


@pytest.mark.parametrize("text", ["my number is", "stop calling me", ""])
def test_words_that_are_no_turn_yet_or_no_brain_s_business_are_not(text: str) -> None:
    assert ahead(Talk(["How can I help?"], policy=EARLY).caller(3.0, text).run(until=5.0)) == []


def test_neither_is_what_is_private_nor_what_breaks_into_a_reply_nor_by_default_anything() -> None:
    private = Talk(["Your card, please.", Private(True)], policy=EARLY).caller(3.0, "one two three four")
    long = "How can I help you today, dear caller? I know of parcels, of bills and of the weather."
    broken = Talk([long], policy=EARLY).caller(3.5, "where is my parcel")
    plain = Talk(["How can I help?"]).caller(3.0, "where is my parcel")
    for talk in (private, broken, plain):
        talk.run(until=6.0)
        assert len(talk.thoughts) > 1 and ahead(talk) == []


def test_a_hello_before_the_greeting_is_not() -> None:
    policy = TurnPolicy(early_reply=True, greet_first=False)
    talk = Talk([Expecting(None), "How can I help?"], policy=policy).caller(1.0, "hello it is me").run(until=4.0)
    assert len(talk.thoughts) == 1 and ahead(talk) == []


# ── what becomes of it in a call ─────────────────────────────────────────────────────────────────────────────────


def parcel(folder: Path, model: ScriptedLanguageModel, speech: list[tuple[float, float]], **made: Any) -> CallResult:
    words = ScriptedSpeechToText(["where is my parcel", "the second one"])
    spoken = made.pop("spoken", talker())
    result, _ = call(
        folder, lambda world: world.call(spoken, speech, hangs_up_at=12), hears=words, thinks=model, **made
    )
    return result


def test_the_reply_is_there_when_the_turn_is_over(tmp_path: Path) -> None:
    late, early = (
        parcel(
            tmp_path, ScriptedLanguageModel(["On its way."], delay=0.3), [(4.0, 0.8)], spoken=talker(early=is_early)
        )
        for is_early in (False, True)
    )
    assert said(late) == said(early) and said(early)[-1] == "agent: On its way."
    slow, fast = late.turns[-1].latency, early.turns[-1].latency
    assert slow is not None and fast is not None
    assert slow.brain_ms == pytest.approx(300, abs=2)
    assert fast.brain_ms == pytest.approx(0, abs=2)
    assert slow.total_ms - fast.total_ms == pytest.approx(300, abs=5)


def test_a_model_slower_than_the_pause_is_asked_once_and_waited_for(tmp_path: Path) -> None:
    model = ScriptedLanguageModel(["On its way."], delay=1.0)
    latency = parcel(tmp_path, model, [(4.0, 0.8)]).turns[-1].latency
    assert latency is not None and latency.brain_ms == pytest.approx(1000 - (600 - 288), abs=20)
    assert len(model.asked) == 1


def test_a_reply_to_half_a_turn_is_never_heard(tmp_path: Path) -> None:
    model = ScriptedLanguageModel(["On its way."], delay=0.1)
    result = parcel(tmp_path, model, [(4.0, 0.8), (5.2, 0.8)])
    assert said(result)[1:] == ["caller: where is my parcel the second one", "agent: On its way."]
    assert [asked[-1].content for asked in model.asked] == [
        "where is my parcel",
        "where is my parcel the second one",
    ]
    assert result.usage["early_replies_dropped"] == 1


def test_a_tool_is_used_when_the_turn_is_over_and_once(tmp_path: Path) -> None:
    shop = Shop()
    model = ScriptedLanguageModel([[use("look_up", '{"order": "1"}'), "It is in Oslo."]])
    spoken, desk = talker(tools=[LOOK_UP]), ToolDesk(http=shop)
    result = parcel(tmp_path, model, [(4.0, 0.8), (5.2, 0.8)], spoken=spoken, tools=desk)
    assert (len(shop.asked), len(result.tools)) == (1, 1)
    assert said(result)[-1] == "agent: It is in Oslo."


def test_private_digits_are_not_told_to_the_model_ahead_of_time(tmp_path: Path) -> None:
    card = {"kind": "collect_private", "name": "card", "digits": 4}
    asks: Reply = [use("card", '{"say": "The last four digits, please."}'), "Thank you."]
    model = ScriptedLanguageModel([asks, "Thanks."])
    result, _ = call(
        tmp_path,
        lambda world: world.call(talker(tools=[card]), [(4.0, 0.8), (9.0, 1.2)], hangs_up_at=16),
        hears=ScriptedSpeechToText(["I want to pay", "four two four two"]),
        thinks=model,
    )
    told = " ".join(message.content for asked in model.asked for message in asked)
    assert "gave 4 digits" in told and "four two" not in told and "4242" not in told
    assert "caller: [private]" in said(result)


def test_an_early_reply_that_failed_is_asked_for_again(tmp_path: Path) -> None:
    class FailsOnce(ScriptedLanguageModel):
        async def reply(self, *arguments: Any, **options: Any) -> Any:
            async for piece in super().reply(*arguments, **options):
                if len(self.asked) == 1:
                    raise ProviderError("scripted", "answered 429")
                yield piece

    model = FailsOnce(["On its way."])
    result = parcel(tmp_path, model, [(4.0, 0.8)])
    assert said(result)[-1] == "agent: On its way." and result.error is None
    assert len(model.asked) == 2


def test_a_call_that_ends_in_the_pause_leaves_nothing_behind(tmp_path: Path) -> None:
    async def story(world: SmallWorld) -> CallResult:
        result = await world.call(talker(), [(4.0, 0.8)], hangs_up_at=5.2)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    model = ScriptedLanguageModel(["On its way."], delay=30.0)
    words = ScriptedSpeechToText(["where is my parcel"])
    result, _ = call(tmp_path, story, hears=words, thinks=model)
    assert len(model.asked) == 1 and result.usage["early_replies_dropped"] == 1


# ── the reply itself ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_reply_to_something_else_is_asked_for_and_the_early_one_let_go() -> None:
    asked: list[Request] = []
    ended: list[Request] = []

    async def ask(request: Request) -> Any:
        asked.append(request)
        try:
            yield f"to {request.history[-1].content}"
            await asyncio.sleep(3600)
        finally:
            ended.append(request)

    replies = EarlyReplies(ask)
    early, wanted = Request(ASKED, ()), Request((Message("user", "how are you"),), ())
    replies.begin(early)
    replies.begin(early)
    await asyncio.sleep(0)
    stream = replies.reply(wanted)
    assert await anext(stream) == "to how are you"
    await stream.aclose()
    await replies.close()
    assert asked == [early, wanted] and set(ended) == {early, wanted}
    assert replies.dropped == 1
