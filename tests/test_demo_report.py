"""The report shows everything and runs nothing that it was given."""

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voiceera.demo import report
from voiceera.demo.outcome import CallEnd, ContactEnd, Outcome, SpokenTurn, Tally, Verdict, count_outcomes, percentile
from voiceera.demo.recordings import playable
from voiceera.rules.calls import CallStatus, Speaker

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=\"alert('2')\"> & 'Söhne'"
LATENCY = {
    "total_ms": 700.0,
    "endpointing_ms": 600.0,
    "stt_ms": 80.0,
    "brain_ms": 1.0,
    "tts_ms": 2.0,
    "platform_ms": 17.0,
}


def outcome(recording: Path | None = None, text: str = HOSTILE) -> Outcome:
    turns = (
        SpokenTurn(Speaker.AGENT, text, 0, 900, interrupted=True, latency=LATENCY),
        SpokenTurn(Speaker.CALLER, text, 1000, 1900, step=text, result=text),
        SpokenTurn(Speaker.CALLER, text, 2000, 2900, step="confirm", result=None),
    )
    calls = (
        CallEnd("1", text, text, 1, CallStatus.COMPLETED, text, text, text, 3.0, "l16_16k", turns, recording),
        CallEnd("2", "+12025550101", "Ben", 2, CallStatus.BUSY, None, None, None, 0.0, None),
    )
    return Outcome(
        campaign=text,
        contacts=(ContactEnd(text, text, "reached"), ContactEnd("Ben", "+12025550101", "exhausted")),
        calls=calls,
        verdict=Verdict(2, 0, 1, Tally(3, 2), {"l16_16k": Tally(3, 2)}, (142.0,), (text,)),
        wall_seconds=61.4,
        seed=7,
        scrambled=True,
        outcomes=count_outcomes(calls),
    )


class Elements(HTMLParser):
    """Every element with its attributes, and the text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    times = np.arange(16000) / 16000
    voice = (np.sin(2 * np.pi * 220 * times) * 9000).astype(np.int16)
    soundfile.write(path, np.stack([np.zeros_like(voice), voice], axis=1), 16000)
    return path


def test_hostile_words_stay_words(recording: Path) -> None:
    page = Elements(report.render(outcome(recording)))
    assert [tag for tag, _ in page.found].count("script") == 1
    assert "img" not in [tag for tag, _ in page.found]
    assert not [attribute for _, attributes in page.found for attribute in attributes if attribute.startswith("on")]
    assert "<img src=x" in page.text


def test_the_page_loads_nothing_from_anywhere(recording: Path) -> None:
    page = Elements(report.render(outcome(recording)))
    links = [value for _, attributes in page.found for name, value in attributes.items() if name in ("src", "href")]
    assert links
    assert all(link is not None and link.startswith("data:audio/mpeg;base64,") for link in links)
    policy = next(
        attributes["content"] for tag, attributes in page.found if tag == "meta" and "http-equiv" in attributes
    )
    assert policy is not None and policy.startswith("default-src 'none'")


def test_the_page_tells_what_happened(recording: Path) -> None:
    text = Elements(report.render(outcome(recording, text="Ada"))).text
    for said in ("67%", "of 3 answers understood", "700", "142", "taken as “Ada”", "not understood", "try 2", "busy"):
        assert said in text


def test_speech_of_which_nothing_was_made_is_said_to_be_that() -> None:
    assert Elements(report.render(outcome(text=""))).text.count("no words were made out") == 3


def test_a_campaign_in_which_nobody_spoke_has_a_report_too() -> None:
    silent = Outcome("Silence", (), (), Verdict(0, 0, 0, Tally(), {}), 1.0, 1)
    assert "0%" in report.render(silent)


def test_a_recording_becomes_small_and_keeps_its_shape(recording: Path) -> None:
    made = playable(recording)
    assert made is not None
    assert len(made.mp3) < recording.stat().st_size
    assert max(made.caller) == 0.0
    assert min(made.agent[5:-5]) > 0.3
    assert made.seconds == pytest.approx(1.0)


def test_a_missing_or_broken_recording_is_left_out(tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    assert playable(tmp_path / "none.wav") is None
    assert playable(broken) is None


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 3), (0.95, 5), (1.0, 5)])
def test_percentiles_are_values_that_occurred(share: float, expected: float) -> None:
    assert percentile([5, 3, 1, 2, 4], share) == expected
