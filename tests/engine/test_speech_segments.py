"""When speech starts, is sustained and stops: probabilities in, a window of 32 ms each."""

import pytest

from voiceera.rules.speech_segments import WINDOW_SECONDS, SegmentRules, SpeechSegments
from voiceera.rules.turn_events import SpeechStarted, SpeechStopped, SpeechSustained

Told = list[tuple[int, type]]


def told(probabilities: list[float], rules: SegmentRules | None = None) -> Told:
    """What is told at which window."""
    segments = SpeechSegments(rules)
    events = [segments.window(probability, place * WINDOW_SECONDS) for place, probability in enumerate(probabilities)]
    return [(place, type(event)) for place, event in enumerate(events) if event is not None]


@pytest.mark.parametrize(
    ("probabilities", "sure_at"),
    [
        ([0.1, 0.9, 0.9], 2),
        ([0.1, 0.5, 0.5, 0.5], 3),
        ([0.3, 0.3, 0.3, 0.3, 0.3], 4),
        ([0.6, 0.8, 0.6], 2),
    ],
)
def test_the_clearer_speech_is_the_sooner_it_is_sure(probabilities: list[float], sure_at: int) -> None:
    assert told(probabilities) == [(sure_at, SpeechStarted)]


def test_one_window_is_never_speech_however_clear() -> None:
    assert told([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.29]) == []


def test_speech_began_with_the_first_window_that_may_have_held_some() -> None:
    segments = SpeechSegments()
    assert segments.window(0.1, 1.0) is None
    assert segments.window(0.4, 1.032) is None
    assert segments.window(0.9, 1.064) is None
    started = segments.window(0.9, 1.096)
    assert isinstance(started, SpeechStarted)
    assert started.began == pytest.approx(1.0)


def test_speech_stops_when_it_last_was_and_not_in_a_short_pause() -> None:
    segments = SpeechSegments()
    probabilities = [0.9] * 5 + [0.1] * 8 + [0.5] + [0.1] * 9
    events = [segments.window(probability, float(place)) for place, probability in enumerate(probabilities)]
    assert [event for event in events if event][-1] == SpeechStopped(13.0)
    assert sum(isinstance(event, SpeechStopped) for event in events) == 1


@pytest.mark.parametrize("sustained", [0.05, 0.3])
def test_speech_is_sustained_once_and_after_it_has_started(sustained: float) -> None:
    events = told([0.3] * 5 + [0.9] * 40, SegmentRules(sustained=sustained))
    assert [kind for _, kind in events] == [SpeechStarted, SpeechSustained]
