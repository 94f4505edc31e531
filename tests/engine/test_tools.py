"""Tools in whole calls: a model (or a flow) asks, the engine does, the conversation goes by what came of it."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import virtual_time
from tests.engine.small_world import SmallWorld, agent
from voiceera.clock import utc_now
from voiceera.engine.tools import ToolDesk
from voiceera.errors import OnlyAsSound, ProviderError
from voiceera.providers.models.scripted import Reply, ScriptedLanguageModel
from voiceera.providers.protocols import ToolRequest
from voiceera.providers.speech.scripted import ScriptedSpeechToText
from voiceera.rules.audio import decode
from voiceera.rules.calls import CallBrief, CallResult, HangupCause
from voiceera.rules.key_tones import keys_in
from voiceera.rules.tools import HttpTool, Scalar

TRANSFER = {"kind": "transfer_call", "numbers": {"billing": "+12025550177"}}
LOOK_UP = {"kind": "http", "name": "look_up", "url": "https://shop.example/o", "arguments": {"order": {}}}


class Board:
    """A switchboard that notes; `fault` is raised instead, `seconds` is how long it takes."""

    def __init__(self, fault: ProviderError | None = None, seconds: float = 0.0) -> None:
        self.done: list[tuple[float, str]] = []
        self._fault = fault
        self._seconds = seconds

    async def transfer(self, brief: CallBrief, to: str) -> None:
        await self.send_digits(brief, to)

    async def send_digits(self, brief: CallBrief, digits: str) -> None:
        await asyncio.sleep(self._seconds)
        if self._fault is not None:
            raise self._fault
        self.done.append((asyncio.get_running_loop().time(), digits))


class Shop:
    def __init__(self, answer: str | ProviderError = '{"state": "shipped"}', seconds: float = 0.0) -> None:
        self.asked: list[dict[str, Scalar]] = []
        self._answer = answer
        self._seconds = seconds

    async def call(self, brief: CallBrief, tool: HttpTool, arguments: dict[str, Scalar]) -> str:
        self.asked.append(arguments)
        await asyncio.sleep(self._seconds)
        if isinstance(self._answer, ProviderError):
            raise self._answer
        return self._answer


def use(name: str, arguments: str = "{}") -> ToolRequest:
    return ToolRequest("call_1", name, arguments)


def talk(
    folder: Path,
    *replies: Reply,
    tools: list[dict[str, Any]],
    desk: ToolDesk | None = None,
    speech: list[tuple[float, float]] | None = None,
    hears: tuple[str, ...] = ("the first thing", "the second thing", "the third thing"),
) -> tuple[CallResult, SmallWorld]:
    """A caller who says one thing at 4.0 s, unless told otherwise, to an agent that greets and then replies so."""

    async def main() -> tuple[CallResult, SmallWorld]:
        world = SmallWorld(
            folder,
            hears=ScriptedSpeechToText(hears),
            thinks=ScriptedLanguageModel(replies),
            tools=desk or ToolDesk(),
        )
        try:
            patient = {"reprompt_after": 60, "silence_hangup": 100}
            greeting = "Hello, how can I help?"
            spoken = agent(brain="llm", greeting_message=greeting, tools=tools, conversation=patient)
            return await world.call(spoken, speech or [(4.0, 0.8)], hangs_up_at=30), world
        finally:
            world.close()

    return virtual_time.run(main())


def said(result: CallResult) -> list[str]:
    return [f"{turn.speaker}: {turn.text}" for turn in result.turns]


def test_a_transfer_waits_until_the_caller_has_heard_of_it(tmp_path: Path) -> None:
    board = Board()
    request = use("transfer_call", '{"to": "billing", "say": "I am connecting you with somebody from billing."}')
    result, world = talk(tmp_path, [request], tools=[TRANSFER], desk=ToolDesk(board))
    [(at, number)] = board.done
    assert number == "+12025550177"
    assert at >= world.line.sent_at[-1]
    assert said(result)[-1] == "agent: I am connecting you with somebody from billing."
    assert (result.cause, result.disposition) == (HangupCause.TRANSFERRED, "transferred")
    [noted] = result.tools
    assert (noted.name, noted.worked, noted.answer) == ("transfer_call", True, "The caller is connected.")
    assert world.notes.tools == [noted]


def test_a_transfer_that_fails_is_told_to_the_model_which_goes_on(tmp_path: Path) -> None:
    board = Board(ProviderError("plivo", "answered 500"))
    request = use("transfer_call", '{"to": "billing"}')
    result, _ = talk(
        tmp_path, ["One moment. ", request, "Sorry, nobody is there."], tools=[TRANSFER], desk=ToolDesk(board)
    )
    assert said(result)[-1] == "agent: One moment. Sorry, nobody is there."
    assert result.cause is HangupCause.CALLER_HUNG_UP
    assert result.tools[0].answer == "It did not work: answered 500."


def test_a_caller_who_interrupts_before_a_transfer_stays(tmp_path: Path) -> None:
    board = Board()
    request = use(
        "transfer_call", '{"to": "billing", "say": "I am connecting you with somebody from our billing team."}'
    )
    result, _ = talk(
        tmp_path,
        [request],
        "All right, what else can I do?",
        tools=[TRANSFER],
        desk=ToolDesk(board),
        speech=[(4.0, 0.8), (6.5, 1.0)],
        hears=("I want to talk to billing", "no wait please stop"),
    )
    assert board.done == []
    assert result.cause is HangupCause.CALLER_HUNG_UP
    assert said(result)[-1] == "agent: All right, what else can I do?"


def test_a_transfer_under_way_goes_through_although_the_caller_speaks(tmp_path: Path) -> None:
    board = Board(seconds=3.0)
    result, _ = talk(
        tmp_path,
        [use("transfer_call", '{"to": "billing", "say": "One moment."}')],
        tools=[TRANSFER],
        desk=ToolDesk(board),
        speech=[(4.0, 0.8), (7.0, 1.0)],
    )
    assert [number for _, number in board.done] == ["+12025550177"]
    assert result.cause is HangupCause.TRANSFERRED


def test_what_a_model_looks_up_it_can_tell(tmp_path: Path) -> None:
    shop = Shop()
    result, world = talk(
        tmp_path, [use("look_up", '{"order": "7"}'), "It is on its way."], tools=[LOOK_UP], desk=ToolDesk(http=shop)
    )
    assert shop.asked == [{"order": "7"}]
    assert said(result)[-1] == "agent: It is on its way."
    told = world.thinks.asked[-1]  # type: ignore[attr-defined]
    assert (told[-1].role, told[-1].content, told[-1].answers) == ("tool", '{"state": "shipped"}', "call_1")


def test_later_turns_remember_what_was_looked_up(tmp_path: Path) -> None:
    _, world = talk(
        tmp_path,
        [use("look_up", '{"order": "7"}'), "It is on its way."],
        "Tomorrow.",
        tools=[LOOK_UP],
        desk=ToolDesk(http=Shop()),
        speech=[(4.0, 0.8), (9.0, 0.8)],
    )
    roles = [message.role for message in world.thinks.asked[-1]]  # type: ignore[attr-defined]
    assert roles == ["assistant", "user", "assistant", "tool", "assistant", "user"]


@pytest.mark.parametrize(
    ("shop", "why"),
    [
        (Shop(ProviderError("tool", "answered 503")), "answered 503"),
        (Shop(seconds=60), "no answer in time"),
    ],
)
def test_a_look_up_that_fails_is_an_answer_too(tmp_path: Path, shop: Shop, why: str) -> None:
    result, _ = talk(
        tmp_path,
        [use("look_up", '{"order": "7"}'), "I cannot see that now."],
        tools=[LOOK_UP],
        desk=ToolDesk(http=shop),
    )
    assert said(result)[-1] == "agent: I cannot see that now."
    assert why in result.tools[0].answer and not result.tools[0].worked


def test_a_model_gets_three_rounds_a_turn_and_then_has_to_talk(tmp_path: Path) -> None:
    endless = [use("look_up", '{"order": "7"}')] * 9
    result, world = talk(tmp_path, endless, tools=[LOOK_UP], desk=ToolDesk(http=Shop()))
    assert len(result.tools) == 3
    assert len(world.thinks.asked) == 4  # type: ignore[attr-defined]
    assert result.cause is HangupCause.CALLER_HUNG_UP


def test_a_call_has_twenty_uses(tmp_path: Path) -> None:
    turns = [(4.0 + 3 * number, 0.8) for number in range(9)]
    result, _ = talk(
        tmp_path,
        [use("look_up", '{"order": "7"}')] * 3 + ["There."],
        tools=[LOOK_UP],
        desk=ToolDesk(http=Shop()),
        speech=turns,
        hears=tuple(
            "first red glass | second blue train | old wooden door | green apple tree | loud night bus | cold"
            " sea wind | thin paper bag | long stone road | warm summer rain".split(" | ")
        ),
    )
    assert len(result.tools) == 20


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (use("delete_everything"), "There is no tool"),
        (use("opt_out"), "There is no tool"),
        (use("transfer_call", '{"to": "+19005551234"}'), "must be one of: billing"),
        (use("transfer_call", '{"to": "billing", "number": "+19005551234"}'), "no argument"),
        (use("transfer_call", "{"), "not JSON"),
    ],
)
def test_what_the_agent_does_not_declare_is_not_done(tmp_path: Path, request_: ToolRequest, why: str) -> None:
    board = Board()
    result, _ = talk(tmp_path, [request_, "Sorry."], tools=[TRANSFER], desk=ToolDesk(board))
    assert board.done == [] and not result.opted_out
    assert why in result.tools[0].answer and not result.tools[0].worked


def test_the_call_ends_after_the_goodbye(tmp_path: Path) -> None:
    outcome = {"kind": "record_outcome", "dispositions": ["sold"], "fields": {"amount": {"type": "number"}}}
    result, _ = talk(
        tmp_path,
        [
            use("record_outcome", '{"disposition": "sold", "amount": 12.5}'),
            use("end_call", '{"say": "Goodbye, Maria."}'),
        ],
        tools=[outcome, {"kind": "end_call"}],
    )
    assert said(result)[-1] == "agent: Goodbye, Maria."
    assert (result.cause, result.disposition) == (HangupCause.AGENT_ENDED, "sold")
    assert result.results == {"amount": "12.5"}


def test_an_opt_out_by_the_model_ends_the_call_with_a_word(tmp_path: Path) -> None:
    result, _ = talk(tmp_path, [use("opt_out")], tools=[{"kind": "opt_out"}])
    assert (result.cause, result.opted_out) == (HangupCause.OPTED_OUT, True)
    assert said(result)[-1] == "agent: All right, we will not call you again. Goodbye."


def test_keys_are_pressed_after_what_was_said(tmp_path: Path) -> None:
    board = Board()
    result, _ = talk(
        tmp_path,
        ["Pressing one.", use("send_dtmf", '{"digits": "1#"}'), "Done."],
        tools=[{"kind": "send_dtmf"}],
        desk=ToolDesk(board),
    )
    assert [digits for _, digits in board.done] == ["1#"]
    assert said(result)[-1] == "agent: Pressing one. Done."


def test_keys_are_sounded_where_the_carrier_has_no_command_for_them(tmp_path: Path) -> None:
    result, world = talk(
        tmp_path,
        ["Pressing one. ", use("send_dtmf", '{"digits": "1#42"}'), "Done."],
        tools=[{"kind": "send_dtmf"}],
        desk=ToolDesk(Board(OnlyAsSound("twilio"))),
    )
    line = world.line
    assert keys_in(decode(b"".join(line.sent), line.audio_format), 8000) == "1#42"
    [noted] = result.tools
    assert (noted.worked, noted.answer) == (True, "Pressed.")
    assert said(result)[-1] == "agent: Pressing one. Done."


def test_keys_that_an_interruption_swallows_are_told_as_not_pressed(tmp_path: Path) -> None:
    result, world = talk(
        tmp_path,
        [use("send_dtmf", '{"digits": "12345678901234567890123456789012"}'), "Done."],
        "Sorry?",
        tools=[{"kind": "send_dtmf"}],
        desk=ToolDesk(Board(OnlyAsSound("twilio"))),
        speech=[(4.0, 0.8), (7.0, 1.5)],
        hears=("press them", "no wait please stop"),
    )
    pressed = keys_in(decode(b"".join(world.line.sent), world.line.audio_format), 8000)
    assert len(pressed) < 32
    assert result.cause is HangupCause.CALLER_HUNG_UP
    assert said(result)[-1] == "agent: Sorry?"


def test_a_callback_is_noted_for_a_time_that_is_to_come(tmp_path: Path) -> None:
    when = (utc_now() + timedelta(days=2)).replace(microsecond=0)
    late = (utc_now() + timedelta(days=99)).isoformat()
    result, _ = talk(
        tmp_path,
        [
            use("schedule_callback", f'{{"at": "{late}"}}'),
            use("schedule_callback", '{"at": "2001-01-01T10:00"}'),
            use("schedule_callback", f'{{"at": "{when.isoformat()}"}}'),
            "Noted.",
        ],
        tools=[{"kind": "schedule_callback"}],
    )
    assert [use.worked for use in result.tools] == [False, False, True]
    assert result.callback_at == when
    assert isinstance(result.callback_at, datetime)


FLOW = {
    "start": "look",
    "steps": {
        "look": {
            "kind": "tool",
            "tool": "look_up",
            "arguments": {"order": "{{order | 7}}"},
            "save_as": "state",
            "next": "tell",
        },
        "tell": {"kind": "say", "text": "Your order is {{state | unknown}}.", "next": "hand"},
        "hand": {"kind": "tool", "tool": "transfer_call", "arguments": {"to": "billing"}, "next": "sorry"},
        "sorry": {"kind": "end", "text": "Nobody is there.", "disposition": "not_connected"},
    },
}


def run_flow(folder: Path, desk: ToolDesk, flow: dict[str, Any] = FLOW) -> CallResult:
    async def main() -> CallResult:
        world = SmallWorld(folder, tools=desk)
        look_up = LOOK_UP | {"result": "state"}
        try:
            return await world.call(agent(flow=flow, tools=[look_up, TRANSFER]), hangs_up_at=20)
        finally:
            world.close()

    return virtual_time.run(main())


def test_a_flow_uses_the_same_tools(tmp_path: Path) -> None:
    board = Board()
    result = run_flow(tmp_path, ToolDesk(board, Shop("shipped")))
    assert said(result) == ["agent: Your order is shipped."]
    assert (result.cause, result.results) == (HangupCause.TRANSFERRED, {"state": "shipped"})


def test_a_flow_goes_on_where_a_tool_fails(tmp_path: Path) -> None:
    fault = ProviderError("x", "away")
    result = run_flow(tmp_path, ToolDesk(Board(fault), Shop(fault)))
    assert said(result) == ["agent: Your order is unknown. Nobody is there."]
    assert result.disposition == "not_connected"
