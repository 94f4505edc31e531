"""What is nobody's business: while it is asked for nothing is recorded, and it stands nowhere afterwards."""

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import virtual_time
from tests.engine.small_world import SmallWorld, agent
from tests.engine.test_tools import Shop, use
from voiceera.engine.tools import ToolDesk
from voiceera.providers.models.scripted import Reply, ScriptedLanguageModel
from voiceera.providers.speech.scripted import ScriptedSpeechToText
from voiceera.rules.agents import AgentConfig
from voiceera.rules.calls import CallResult, HangupCause

CARD = "4111111111111111"
SPELLED = " ".join("four one one one one one one one one one one one one one one one".split())
PAY = {"kind": "http", "name": "pay", "url": "https://shop.example/pay", "arguments": {"card": {}}}
COLLECT = {"kind": "collect_private", "name": "card", "digits": 16}
FLOW: dict[str, Any] = {
    "start": "name",
    "steps": {
        "name": {
            "kind": "ask",
            "text": "Who are you?",
            "expect": {"type": "free"},
            "save_as": "who",
            "next": "card",
        },
        "card": {
            "kind": "ask",
            "text": "Your card number, please.",
            "expect": {"type": "digits", "digits": 16},
            "private": True,
            "save_as": "card",
            "next": "pay",
        },
        "pay": {"kind": "tool", "tool": "pay", "arguments": {"card": "{{card}}"}, "save_as": "paid", "next": "more"},
        "more": {
            "kind": "ask",
            "text": "Paid with {{card}}. Anything else?",
            "expect": {"type": "free"},
            "save_as": "more",
            "next": "end",
        },
        "end": {"kind": "end", "text": "Goodbye.", "disposition": "paid"},
    },
}


def talk(
    folder: Path,
    spoken: AgentConfig,
    hears: list[str],
    speech: list[tuple[float, float]],
    *replies: Reply,
    shop: Shop,
) -> tuple[CallResult, SmallWorld, ScriptedLanguageModel]:
    thinks = ScriptedLanguageModel(replies or ("Yes.",))

    async def main() -> tuple[CallResult, SmallWorld]:
        world = SmallWorld(folder, hears=ScriptedSpeechToText(hears), thinks=thinks, tools=ToolDesk(http=shop))
        try:
            return await world.call(spoken, speech, hangs_up_at=24), world
        finally:
            world.close()

    return *virtual_time.run(main()), thinks


def loudness(result: CallResult, begins: float, ends: float) -> tuple[int, int]:
    """The loudest sample of the caller and of the agent, between two instants."""
    assert result.recording is not None and result.recording.path is not None
    with wave.open(result.recording.path, "rb") as file:
        rate = file.getframerate()
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    part = both[int(begins * rate) : int(ends * rate)]
    return int(np.abs(part[:, 0].astype(int)).max()), int(np.abs(part[:, 1].astype(int)).max())


def everything(result: CallResult, world: SmallWorld) -> str:
    notes = world.notes
    kept = [result.turns, result.results, result.tools, notes.turns, notes.partials, notes.spoken, notes.tools]
    return " ".join(map(repr, kept))


def test_a_private_step_of_a_flow_is_recorded_by_nobody_and_its_tool_gets_the_answer(tmp_path: Path) -> None:
    shop = Shop("done with " + CARD)
    speech = [(3.0, 0.8), (8.0, 1.5), (16.0, 0.8)]
    result, world, _ = talk(
        tmp_path, agent(flow=FLOW, tools=[PAY]), ["Maria", SPELLED, "nothing more"], speech, shop=shop
    )
    assert shop.asked == [{"card": CARD}]
    assert (result.cause, result.disposition) == (HangupCause.AGENT_ENDED, "paid")
    assert [turn.text for turn in result.turns] == [
        "Who are you?",
        "Maria",
        "Your card number, please.",
        "[private]",
        "Paid with [private]. Anything else?",
        "nothing more",
        "Goodbye.",
    ]
    assert (result.turns[3].step, result.turns[3].result, result.turns[3].confidence) == ("card", None, None)
    assert result.results == {
        "who": "Maria",
        "card": "[private]",
        "paid": "done with [private]",
        "more": "nothing more",
    }
    kept = everything(result, world)
    assert CARD not in kept and "four one one" not in kept and "4 1 1 1" not in kept
    assert loudness(result, 3.1, 3.7)[0] > 1_000
    assert max(loudness(result, 7.5, 9.6)) < 50, "the question was asked and answered in silence"
    assert loudness(result, 16.1, 16.7)[0] > 1_000, "and the recording goes on afterwards"


def test_a_model_asks_for_a_card_that_it_never_sees(tmp_path: Path) -> None:
    shop = Shop("paid, card " + CARD)
    spoken = agent(
        brain="llm",
        greeting_message="Hello, how can I help?",
        tools=[COLLECT, PAY],
        conversation={"reprompt_after": 60, "silence_hangup": 100},
    )
    result, world, model = talk(
        tmp_path,
        spoken,
        ["I want to pay", SPELLED, "thank you"],
        [(4.0, 0.8), (9.0, 1.5), (16.0, 0.8)],
        [use("card", '{"say": "Please say your card number."}')],
        [use("pay", '{"card": "{{private.card}}"}'), "It is paid."],
        "You are welcome.",
        shop=shop,
    )
    assert shop.asked == [{"card": CARD}]
    texts = [turn.text for turn in result.turns]
    assert texts == [
        "Hello, how can I help?",
        "I want to pay",
        "Please say your card number.",
        "[private]",
        "It is paid.",
        "thank you",
        "You are welcome.",
    ]
    known = repr(model.asked)
    assert "16 digits" in known and "{{private.card}}" in known
    for where in (known, everything(result, world)):
        assert CARD not in where and "four one one" not in where
    assert [(each.name, each.arguments, each.answer) for each in result.tools][1] == (
        "pay",
        '{"card": "{{private.card}}"}',
        "paid, card [private]",
    )
    assert max(loudness(result, 9.0, 10.5)) < 50
    assert loudness(result, 16.1, 16.7)[0] > 1_000


def test_an_answer_of_another_length_is_asked_for_again(tmp_path: Path) -> None:
    shop = Shop()
    spoken = agent(brain="llm", greeting_message="Hello.", tools=[COLLECT, PAY], conversation={"reprompt_after": 60})
    _, _, model = talk(
        tmp_path,
        spoken,
        ["pay", "four one one"],
        [(3.0, 0.8), (8.0, 0.8)],
        [use("card", '{"say": "The number?"}')],
        "Once more.",
        shop=shop,
    )
    assert "not understood as 16 digits" in repr(model.asked) and "four one" not in repr(model.asked)


@pytest.mark.parametrize("name", ["card", "pin"])
def test_what_was_not_collected_is_sent_nowhere(tmp_path: Path, name: str) -> None:
    shop = Shop()
    spoken = agent(brain="llm", greeting_message="Hello.", tools=[COLLECT, PAY])
    request = use("pay", f'{{"card": "{{{{private.{name}}}}}"}}')
    result, _, _ = talk(tmp_path, spoken, ["pay"], [(3.0, 0.8)], [request, "Sorry."], shop=shop)
    assert shop.asked == []
    assert "nothing was collected" in result.tools[0].answer
