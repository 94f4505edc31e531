from datetime import date

from voiceera.rules.flow_run import FlowMove, FlowRun
from voiceera.rules.flows import Flow

TODAY = date(2026, 3, 4)  # a Wednesday

FLOW = Flow.model_validate(
    {
        "start": "greet",
        "steps": {
            "greet": {"kind": "say", "text": "Hello {{name | there}}, this is the clinic.", "next": "confirm"},
            "confirm": {
                "kind": "ask",
                "text": "Can you come on {{day}}?",
                "expect": {
                    "type": "choice",
                    "choices": {"confirm": ["yes", "i'll be there"], "reschedule": ["reschedule"]},
                },
                "save_as": "answer",
                "branches": {"confirm": "bye", "reschedule": "which_day"},
            },
            "which_day": {
                "kind": "ask",
                "text": "Which day?",
                "expect": {"type": "date"},
                "save_as": "new_day",
                "next": "read_back",
                "on_unknown": "call_back",
                "on_silence": "call_back",
            },
            "read_back": {
                "kind": "ask",
                "text": "{{new_day}}. Is that right?",
                "expect": {"type": "yes_no"},
                "branches": {"yes": "bye", "no": "which_day"},
            },
            "call_back": {"kind": "end", "text": "We will call you back.", "disposition": "call_back"},
            "bye": {"kind": "end", "text": "Goodbye.", "disposition": "done"},
        },
    }
)


def run_of(flow: Flow = FLOW, language: str = "en-US", **variables: str) -> FlowRun:
    return FlowRun(flow, variables, language, TODAY)


def texts(move: FlowMove) -> list[str]:
    return [prompt.text for prompt in move.say]


def test_a_flow_opens_with_all_it_says_up_to_its_first_question() -> None:
    assert texts(run_of(name="Maria", day="Friday").open()) == [
        "Hello Maria, this is the clinic.",
        "Can you come on Friday?",
    ]
    assert texts(run_of(day="Friday").open())[0] == "Hello there, this is the clinic."


def test_an_answer_leads_along_its_branch_and_is_saved() -> None:
    run = run_of()
    run.open()
    move = run.hear("yes i'll be there")
    assert move.answered is not None
    assert (move.answered.step, move.answered.result, move.ended) == ("confirm", "confirm", "done")
    assert run.results == {"answer": "confirm"}


def test_a_day_is_read_back_before_it_counts() -> None:
    run = run_of()
    run.open()
    run.hear("i need to reschedule")
    assert texts(run.hear("the tenth of june")) == ["Wednesday, June the tenth. Is that right?"]
    assert texts(run.hear("no that's wrong")) == ["Which day?"]
    run.hear("next friday")
    assert run.hear("yes").ended == "done"
    assert run.results["new_day"] == "2026-03-13"


def test_two_answers_that_are_not_understood_lead_on() -> None:
    run = run_of()
    run.open()
    run.hear("reschedule")
    first = run.hear("")
    assert (first.understood, texts(first)) == (False, ["Sorry, I didn't get that.", "Which day?"])
    second = run.hear("the weather is nice")
    assert (second.understood, second.ended) == (False, "call_back")


def test_a_misunderstanding_that_was_cleared_up_is_forgotten() -> None:
    run = run_of()
    run.open()
    run.hear("")
    assert run.hear("reschedule").understood
    assert run.hear("").ended is None


def test_silence_is_answered_by_the_question_again_and_at_last_by_leaving() -> None:
    run = run_of(day="Friday")
    run.open()
    assert texts(run.hear("", silent=True)) == ["Can you come on Friday?"]
    assert texts(run.hear("", silent=True)) == ["Can you come on Friday?"]
    assert run.hear("", silent=True).ended == "no_response"


def test_asking_not_to_be_called_ends_the_call_at_any_step() -> None:
    for wording in ("stop calling me", "please take me off your list", "don't ever... do not call me again"):
        run = run_of()
        run.open()
        move = run.hear(wording)
        assert (move.ended, move.opted_out) == ("opted_out", True)
        assert texts(move) == ["All right, we will not call you again. Goodbye."]


def test_say_that_again_says_it_again() -> None:
    run = run_of(name="Maria", day="Friday")
    opening = run.open()
    assert run.hear("could you say that again").say == opening.say


def test_keys_answer_too() -> None:
    run = run_of()
    run.open()
    assert run.hear("", digits="2").answered is not None
    assert run.step == "which_day"


def test_an_agent_never_falls_into_english_in_another_language() -> None:
    run = run_of(language="ta-IN", day="வெள்ளி")
    run.open()
    assert texts(run.hear("?")) == ["Can you come on வெள்ளி?"]


def test_a_flow_that_goes_in_circles_ends() -> None:
    circle = Flow.model_validate(
        {"start": "a", "steps": {"a": {"kind": "say", "text": "x", "next": "b"},
                                 "b": {"kind": "say", "text": "y", "next": "a"}}}
    )  # fmt: skip
    assert run_of(circle).open().ended == "flow_error"


def test_a_tool_is_called_with_filled_arguments_and_its_result_is_saved() -> None:
    flow = Flow.model_validate(
        {
            "start": "look",
            "steps": {
                "look": {"kind": "tool", "tool": "slots", "arguments": {"who": "{{name}}"}, "save_as": "slot",
                         "next": "bye"},
                "bye": {"kind": "end", "text": "See you at {{slot}}."},
            },
        }
    )  # fmt: skip
    run = run_of(flow, name="Maria")
    move = run.open()
    assert move.tool is not None
    assert move.tool.arguments == {"who": "Maria"}
    assert texts(run.tool_done("three")) == ["See you at three."]


def test_after_the_end_nothing_more_is_said() -> None:
    run = run_of()
    run.open()
    run.hear("yes")
    assert run.hear("yes").say == ()


def test_the_expectation_says_what_fits_and_when_it_is_whole() -> None:
    run = run_of()
    run.open()
    expectation = run.expectation
    assert expectation is not None
    assert "can we do another day" in expectation.phrases
    assert expectation.complete("yes i'll be there")
    assert not expectation.complete("well i")
    assert expectation.incomplete("could we do it on")
    assert expectation.incomplete("let me")
    assert not expectation.incomplete("okay confirm it for me")
