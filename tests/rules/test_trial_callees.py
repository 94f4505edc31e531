"""Callees that a flow asks for: run through the flow itself, each must come out where it is to."""

from datetime import date

import pytest
from pydantic import ValidationError

from tests.world import FLOW
from voiceera.demo.flow import APPOINTMENT
from voiceera.rules.agents import AgentConfig
from voiceera.rules.flow_run import FlowRun
from voiceera.rules.flows import Flow
from voiceera.rules.trial_callees import TrialCallee, TrialReply, suggested


def of(flow: dict[str, object]) -> list[TrialCallee]:
    return suggested(AgentConfig(name="a", flow=Flow.model_validate(flow)))


def ask(expect: dict[str, object], **more: object) -> dict[str, object]:
    return {"kind": "ask", "text": "?", "expect": expect, **more}


def end(disposition: str) -> dict[str, object]:
    return {"kind": "end", "text": "Bye.", "disposition": disposition}


def held(flow: Flow, callee: TrialCallee) -> str | None:
    """Where the flow itself comes out with this callee."""
    run = FlowRun(flow, callee.variables, "en-US", date(2026, 3, 10))
    run.open()
    for reply in callee.replies:
        run.hear(reply.says or "", digits=reply.press)
    return run.ended


def told(callees: list[TrialCallee]) -> list[tuple[list[str | None], str | None]]:
    return [([each.says or each.press for each in callee.replies], callee.reaches) for callee in callees]


def test_every_ending_that_answers_lead_to_gets_a_callee() -> None:
    steps = {
        "hello": {"kind": "say", "text": "Hello.", "next": "comes"},
        "comes": ask({"type": "choice", "choices": {"yes": ["i will"], "later": ["another day"]}},
                     branches={"yes": "good", "later": "key"}, on_silence="gone"),
        "key": ask({"type": "keypad", "digits": 1}, branches={"1": "good", "2": "bad"}, next="bad"),
        "good": end("confirmed"),
        "bad": end("declined"),
        "gone": end("silent"),
    }  # fmt: skip
    callees = of({"start": "hello", "steps": steps})
    assert told(callees)[:2] == [(["I will."], "confirmed"), (["Another day.", "2"], "declined")]
    assert [each.name for each in callees[2:]] == ["Says nothing", "Talks about something else", "Has a voicemail"]
    assert callees[0].name == "I will"
    assert callees[1].name == "Another day → presses 2"


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        ({"type": "number"}, "Three."),
        ({"type": "date"}, "Next Monday."),
        ({"type": "name"}, "My name is Peter Miller."),
        ({"type": "free"}, "That is fine with me."),
        ({"type": "digits", "digits": 4}, "1234"),
    ],
)
def test_each_kind_of_answer_is_given(expect: dict[str, object], says: str) -> None:
    callees = of({"start": "q", "steps": {"q": ask(expect, next="e"), "e": end("done")}})
    assert told(callees)[0] == ([says], "done")


def test_a_branch_goes_by_what_was_answered_or_by_what_the_contact_brings() -> None:
    steps = {
        "tier": {"kind": "branch", "on": "tier", "branches": {"gold": "q"}, "next": "plain"},
        "q": ask({"type": "yes_no"}, save_as="a", next="by_answer"),
        "by_answer": {"kind": "branch", "on": "a", "branches": {"yes": "sold"}, "next": "unsold"},
        "plain": end("plain"),
        "sold": end("sold"),
        "unsold": end("unsold"),
    }
    callees = of({"start": "tier", "steps": steps})
    assert {(each.reaches, tuple(each.variables.items())) for each in callees[:3]} == {
        ("plain", ()),
        ("sold", (("tier", "gold"),)),
        ("unsold", (("tier", "gold"),)),
    }


def test_a_flow_that_goes_in_circles_ends() -> None:
    circle = {"q": ask({"type": "yes_no"}, branches={"yes": "q", "no": "e"}), "e": end("done")}
    assert told(of({"start": "q", "steps": circle}))[0] == (["No."], "done")


def test_an_agent_without_a_flow_is_tried_on_people_who_want_nothing_certain() -> None:
    callees = suggested(AgentConfig(name="a", llm_provider="openai"))
    assert [each.name for each in callees][:3] == ["Agrees", "Declines", "Cuts in"]
    assert all(each.reaches is None for each in callees)


@pytest.mark.parametrize("flow", [APPOINTMENT, Flow.model_validate(FLOW)], ids=["the demo's", "one word"])
def test_the_flow_itself_comes_out_where_each_callee_is_to(flow: Flow) -> None:
    led = [each for each in suggested(AgentConfig(name="a", flow=flow)) if each.reaches is not None]
    assert led
    assert {each.name: held(flow, each) for each in led} == {each.name: each.reaches for each in led}


@pytest.mark.parametrize("reply", [{}, {"says": "a", "press": "1"}, {"says": " "}, {"press": "x"}])
def test_a_reply_does_one_thing(reply: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        TrialReply.model_validate(reply)
