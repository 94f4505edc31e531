"""A transcript as a file: plain text, SubRip (srt) and WebVTT (vtt)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from voiceera.rules.calls import Speaker

_NAMES = {Speaker.CALLER: "Caller", Speaker.AGENT: "Agent"}


@dataclass(frozen=True)
class Line:
    """What somebody said; milliseconds from the start of the recording."""

    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int


def as_text(lines: Iterable[Line]) -> str:
    """One line a turn: "[00:02.100] Caller: Yes."."""
    return "".join(
        f"[{_clock(line.start_ms, '.').removeprefix('00:')}] {_NAMES[line.speaker]}: {line.text}\n"
        for line in _said(lines)
    )


def as_srt(lines: Iterable[Line]) -> str:
    """SubRip has no standard; this is what every player reads: no markup, an arrow only between the times."""
    return "".join(
        f"{number}\n{_clock(line.start_ms, ',')} --> {_clock(line.end_ms, ',')}\n"
        f"{_NAMES[line.speaker]}: {line.text.replace('-->', '→')}\n\n"
        for number, line in enumerate(_said(lines), 1)
    )


def as_vtt(lines: Iterable[Line]) -> str:
    """WebVTT (W3C): cues in the order of their starts, the speaker as a voice, markup escaped."""
    cues = (
        f"{_clock(line.start_ms, '.')} --> {_clock(line.end_ms, '.')}\n"
        f"<v {_NAMES[line.speaker]}>{_escaped(line.text)}</v>\n\n"
        for line in _said(lines)
    )
    return "WEBVTT\n\n" + "".join(cues)


def _said(lines: Iterable[Line]) -> Sequence[Line]:
    """What has words, in the order in which it began, each on one line of text and for some time at least."""
    told = [
        Line(line.speaker, text, max(0, line.start_ms), max(0, line.start_ms + 1, line.end_ms))
        for line in lines
        if (text := " ".join(line.text.split()))
    ]
    return sorted(told, key=lambda line: line.start_ms)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{rest:03}"
