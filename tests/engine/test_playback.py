from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from tests.engine.virtual_clock import VirtualClock
from voiceera.engine.playback import Playback
from voiceera.engine.send_wheel import SendWheel
from voiceera.rules.audio import L16_16K, ULAW_8K, AudioFormat


@dataclass
class RecordingLine:
    """A line that writes down what it is sent, and when."""

    clock: VirtualClock
    audio_format: AudioFormat = ULAW_8K
    sent: list[tuple[float, bytes]] = field(default_factory=list)
    cleared_at: list[float] = field(default_factory=list)
    flushed_after: list[int] = field(default_factory=list)
    """How many frames had been sent."""

    def send_audio(self, audio: bytes) -> None:
        self.sent.append((self.clock(), audio))

    def flush(self) -> None:
        self.flushed_after.append(len(self.sent))

    def clear(self) -> None:
        self.cleared_at.append(self.clock())

    def mark(self, name: str) -> None: ...

    def hang_up(self) -> None: ...

    @property
    def sound(self) -> bytes:
        return b"".join(audio for _, audio in self.sent)

    @property
    def gaps_ms(self) -> list[float]:
        times = [at for at, _ in self.sent]
        return [1000 * (later - earlier) for earlier, later in pairwise(times)]


class Stage:
    """A wheel, a clock, and any number of lines with their playbacks."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.wheel = SendWheel(self.clock, self.clock.call_later)
        self.events: list[tuple[str, str, float]] = []

    def line(self, audio_format: AudioFormat = ULAW_8K) -> tuple[RecordingLine, Playback]:
        line = RecordingLine(self.clock, audio_format)
        playback = Playback(
            line,
            self.wheel,
            on_first_frame=lambda tag, at: self.events.append(("first", tag, at)),
            on_finished=lambda tag, at: self.events.append(("finished", tag, at)),
            clock=self.clock,
        )
        return line, playback


@pytest.fixture
def stage() -> Stage:
    return Stage()


def counted(samples: int, start: int = 0) -> bytes:
    """Sound in which every byte tells its place."""
    return bytes((start + place) % 251 for place in range(samples))


def say(playback: Playback, tag: str, audio: bytes) -> None:
    playback.append(tag, audio)
    playback.finish(tag)


def test_the_first_frame_leaves_at_once_and_the_others_every_20_ms(stage: Stage) -> None:
    line, playback = stage.line()
    began = stage.clock()
    say(playback, "hello", counted(1600))
    stage.clock.run(1)
    assert line.sent[0][0] == began
    assert [len(audio) for _, audio in line.sent] == [160] * 10
    assert line.sound == counted(1600)
    assert all(15 <= gap <= 20.1 for gap in line.gaps_ms)
    assert stage.events[0] == ("first", "hello", began)
    kind, tag, at = stage.events[1]
    assert (kind, tag) == ("finished", "hello")
    assert 0.195 <= at - began <= 0.221


@pytest.mark.parametrize("audio_format", [ULAW_8K, L16_16K])
def test_sound_may_come_in_portions_of_any_size(stage: Stage, audio_format: AudioFormat) -> None:
    line, playback = stage.line(audio_format)
    sound = counted(5 * audio_format.frame_bytes + 100)
    for start in range(0, len(sound), 37):
        playback.append("a", sound[start : start + 37])
    playback.finish("a")
    stage.clock.run(1)
    assert line.sound == sound
    assert len(line.sent[-1][1]) == 100


def test_a_minute_of_speech_takes_a_minute(stage: Stage) -> None:
    line, playback = stage.line()
    stage.clock.run(0.0037)
    say(playback, "long", counted(60 * 8000))
    stage.clock.run(61)
    assert len(line.sent) == 3000
    assert 59.97 < line.sent[-1][0] - line.sent[0][0] < 59.985


def test_the_wheel_sleeps_while_nobody_speaks(stage: Stage) -> None:
    _, playback = stage.line()
    assert stage.clock.timers == 0
    say(playback, "a", counted(800))
    assert stage.clock.timers == 1
    stage.clock.run(1)
    assert stage.clock.timers == 0
    assert stage.wheel.senders == 0


def test_many_calls_are_spread_over_the_slots_and_none_disturbs_another(stage: Stage) -> None:
    lines = []
    for number in range(40):
        line, playback = stage.line()
        say(playback, "a", counted(8000, number))
        lines.append(line)
        stage.clock.run(0.0013)
    stage.clock.run(3)
    for number, line in enumerate(lines):
        assert line.sound == counted(8000, number)
        assert all(14.9 <= gap <= 20.1 for gap in line.gaps_ms)


def test_after_a_short_stall_the_lost_frames_come_two_at_a_time(stage: Stage) -> None:
    line, playback = stage.line()
    say(playback, "a", counted(160 * 50))
    stage.clock.run(0.1)
    before = len(line.sent)
    stage.clock.stall(0.1)
    stage.clock.run(0.001)
    assert len(line.sent) - before == 2
    stage.clock.run(1.1)
    assert line.sound == counted(160 * 50)
    assert line.sent[-1][0] - line.sent[0][0] < 49 * 0.02 + 0.006


def test_a_long_stall_is_let_go(stage: Stage) -> None:
    line, playback = stage.line()
    say(playback, "a", counted(160 * 50))
    stage.clock.run(0.1)
    stage.clock.stall(5)
    stage.clock.run(2)
    assert line.sound == counted(160 * 50)
    assert sorted(line.gaps_ms)[-2] <= 20.1
    assert min(line.gaps_ms) >= 14.9


def test_synthesis_slower_than_speech_leaves_pauses_and_loses_nothing(stage: Stage) -> None:
    line, playback = stage.line()
    for part in range(5):
        playback.append("a", counted(400, 400 * part))
        stage.clock.run(0.1)
    playback.finish("a")
    stage.clock.run(0.1)
    assert line.sound == counted(2000)
    assert stage.events[-1][:2] == ("finished", "a")
    assert [kind for kind, _, _ in stage.events].count("first") == 1


def test_utterances_follow_each_other_without_a_gap(stage: Stage) -> None:
    line, playback = stage.line()
    say(playback, "one", counted(480))
    say(playback, "two", counted(480, 480))
    assert playback.current == "one"
    stage.clock.run(1)
    assert line.sound == counted(960)
    assert all(gap <= 20.1 for gap in line.gaps_ms)
    assert [(kind, tag) for kind, tag, _ in stage.events] == [
        ("first", "one"),
        ("finished", "one"),
        ("first", "two"),
        ("finished", "two"),
    ]


def test_what_a_line_holds_back_goes_out_when_nothing_more_comes(stage: Stage) -> None:
    line, playback = stage.line()
    say(playback, "one", counted(1600))
    say(playback, "two", counted(480))
    stage.clock.run(1)
    assert line.flushed_after == [13]
    playback.append("three", counted(320))  # its synthesis is slower than speech
    stage.clock.run(0.5)
    say(playback, "three", counted(160))
    stage.clock.run(0.5)
    assert line.flushed_after == [13, 15, 16]


def test_what_is_said_during_the_last_frame_does_not_come_in_a_burst(stage: Stage) -> None:
    line, playback = stage.line()
    say(playback, "one", counted(160))
    stage.clock.run(0.021)
    say(playback, "two", counted(800))
    stage.clock.run(1)
    assert min(line.gaps_ms) >= 14.9


def test_clear_silences_at_once_and_says_what_was_heard(stage: Stage) -> None:
    line, playback = stage.line()
    say(playback, "one", counted(16000))
    say(playback, "two", counted(16000))
    began = stage.clock()
    stage.clock.run(0.5)
    cut = playback.clear()
    assert cut is not None
    assert cut.tag == "one"
    assert abs(cut.heard_ms - 500) <= 5
    assert line.cleared_at == [pytest.approx(began + 0.5)]
    sent = len(line.sent)
    playback.append("one", counted(100))
    playback.finish("two")
    stage.clock.run(1)
    assert len(line.sent) == sent
    assert not playback.is_speaking
    assert playback.clear() is None


def test_after_a_cough_the_agent_goes_on_from_the_last_sample_heard(stage: Stage) -> None:
    line, playback = stage.line()
    say(playback, "one", counted(8000))
    stage.clock.run(0.309)
    playback.pause()
    heard = playback.heard_ms
    assert abs(heard - 309) <= 5
    stage.clock.run(0.4)
    assert playback.heard_ms == heard
    before = len(line.sent)
    playback.resume()
    stage.clock.run(2)
    rest = b"".join(audio for _, audio in line.sent[before:])
    assert rest == counted(8000)[round(heard * 8) :]
    assert [kind for kind, _, _ in stage.events] == ["first", "finished"]


def test_a_pause_that_turns_into_an_interruption_keeps_what_was_heard(stage: Stage) -> None:
    line, playback = stage.line()
    say(playback, "one", counted(8000))
    stage.clock.run(0.2)
    playback.pause()
    stage.clock.run(0.3)
    cut = playback.clear()
    assert cut is not None
    assert abs(cut.heard_ms - 200) <= 5
    assert len(line.cleared_at) == 1


def test_nothing_is_sent_while_paused_even_if_more_is_appended(stage: Stage) -> None:
    line, playback = stage.line()
    playback.pause()
    say(playback, "one", counted(1600))
    stage.clock.run(1)
    assert not line.sent
    playback.resume()
    stage.clock.run(1)
    assert line.sound == counted(1600)


def test_an_utterance_without_sound_is_finished_at_once(stage: Stage) -> None:
    line, playback = stage.line()
    playback.finish("empty")
    assert [(kind, tag) for kind, tag, _ in stage.events] == [("finished", "empty")]
    assert not line.sent


def test_a_closed_line_leaves_the_wheel(stage: Stage) -> None:
    _, playback = stage.line()
    say(playback, "one", counted(8000))
    playback.close()
    assert stage.wheel.senders == 0
