"""From the network's ledger to what the demo judges."""

from typing import Any

from voiceera.demo.judge import SaidAnswer
from voiceera.demo.rings import rings_of
from voiceera.lab.ledger import Event, Row

ADA, BEN = "+12025550101", "+12025550102"


def row(at: float, event: Event, call: str = "u1", number: str = ADA, reference: str = "a", **more: Any) -> Row:
    return Row(at=at, event=event, call_uuid=call, number=number, reference=reference, **more)


def said(at: float, start: float, end: float, intent: str, in_domain: bool = True) -> Row:
    return row(at, Event.SAID, line="l16_16k", start=start, end=end, intent=intent, in_domain=in_domain, words="yes")


def test_a_ring_carries_what_was_said_in_milliseconds_since_the_socket_opened() -> None:
    rows = [
        row(100.0, Event.DIAL_REQUEST),
        row(100.1, Event.RING),
        row(101.0, Event.MEDIA_OPENED),
        said(104.0, 103.0, 104.0, "confirm"),
        said(107.0, 106.5, 107.0, "goodbye", in_domain=False),
    ]
    (ring,) = rings_of(rows, {ADA: "confirms"})
    assert (ring.reference, ring.phone_number, ring.role, ring.line) == ("a", ADA, "confirms", "l16_16k")
    assert ring.said == (SaidAnswer(2000, 3000, "yes", "confirm"), SaidAnswer(5500, 6000, "yes", None))


def test_each_ring_of_a_number_is_one_and_a_refused_dial_is_none() -> None:
    rows = [
        row(1.0, Event.DIAL_REQUEST),
        row(1.1, Event.RING),
        row(2.0, Event.DIAL_REQUEST, call="u2", reference="b"),
        row(2.1, Event.RING, call="u2", reference="b"),
        row(3.0, Event.DIAL_REQUEST, call="u3", number=BEN, reference="c"),
    ]
    assert [(ring.phone_number, ring.reference) for ring in rings_of(rows, {})] == [(ADA, "a"), (ADA, "b")]


def test_only_interruptions_that_were_meant_are_timed_and_one_without_an_end_is_endless() -> None:
    rows = [
        row(1.0, Event.RING),
        row(5.0, Event.INTERRUPTED),
        row(6.0, Event.AGENT_AUDIO_STOPPED),
        row(10.0, Event.INTERRUPTED, note="interrupts"),
        row(10.15, Event.AGENT_AUDIO_STOPPED),
        row(20.0, Event.INTERRUPTED, note="interrupts"),
    ]
    (ring,) = rings_of(rows, {})
    assert [round(stop, 1) for stop in ring.stopped_ms] == [150.0, float("inf")]
