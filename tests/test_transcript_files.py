"""The files are read back as a player's parser would: strictly, by the published grammar."""

import html
import re

from voiceera.rules.calls import Speaker
from voiceera.rules.transcript_files import Line, as_srt, as_text, as_vtt

LINES = [
    Line(Speaker.AGENT, "Hello.\n\nIs this\tMaria?", 0, 1_500),
    Line(Speaker.CALLER, "a --> b & <i>so</i>\r\n00:00:01.000 --> 00:00:02.000", 3_661_007, 3_662_000),
    Line(Speaker.CALLER, "uh", 1_200, 1_200),
    Line(Speaker.AGENT, "   ", 2_000, 2_500),
]
TIME = r"(\d{2,}):([0-5]\d):([0-5]\d)%s(\d{3})"


def milliseconds(*parts: str) -> int:
    hours, minutes, seconds, rest = map(int, parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def read_cues(blocks: list[str], point: str, first_line: int) -> list[tuple[int, int, str]]:
    cues: list[tuple[int, int, str]] = []
    for block in blocks:
        times, *text = block.split("\n")[first_line:]
        found = re.fullmatch(f"{TIME % point} --> {TIME % point}", times)
        assert found, times
        start, end = milliseconds(*found.groups()[:4]), milliseconds(*found.groups()[4:])
        assert len(text) == 1 and "-->" not in text[0]
        assert start < end
        assert not cues or start >= cues[-1][0], "cues begin in order"
        cues.append((start, end, text[0]))
    return cues


def read_srt(file: str) -> list[tuple[int, int, str]]:
    blocks = file.removesuffix("\n\n").split("\n\n") if file else []
    assert [block.split("\n")[0] for block in blocks] == [str(n) for n in range(1, len(blocks) + 1)]
    return read_cues(blocks, ",", 1)


def read_vtt(file: str) -> list[tuple[int, int, str]]:
    head, _, rest = file.partition("\n\n")
    assert head == "WEBVTT"
    cues = read_cues(rest.removesuffix("\n\n").split("\n\n") if rest else [], r"\.", 0)
    plain = []
    for start, end, text in cues:
        found = re.fullmatch(r"<v (Agent|Caller)>((?:[^<>&]|&(?:amp|lt|gt);)*)</v>", text)
        assert found, text
        plain.append((start, end, f"{found[1]}: {html.unescape(found[2])}"))
    return plain


def test_srt_is_read_back_in_order_and_complete() -> None:
    assert read_srt(as_srt(LINES)) == [
        (0, 1_500, "Agent: Hello. Is this Maria?"),
        (1_200, 1_201, "Caller: uh"),
        (3_661_007, 3_662_000, "Caller: a → b & <i>so</i> 00:00:01.000 → 00:00:02.000"),
    ]


def test_vtt_is_read_back_with_its_markup_escaped() -> None:
    assert read_vtt(as_vtt(LINES)) == [
        (0, 1_500, "Agent: Hello. Is this Maria?"),
        (1_200, 1_201, "Caller: uh"),
        (3_661_007, 3_662_000, "Caller: a --> b & <i>so</i> 00:00:01.000 --> 00:00:02.000"),
    ]


def test_a_text_has_one_line_a_turn() -> None:
    assert as_text(LINES[:1]) == "[00:00.000] Agent: Hello. Is this Maria?\n"
    assert as_text(LINES).splitlines()[2].startswith("[01:01:01.007] Caller: a --> b")


def test_nothing_said_is_an_empty_file_that_still_is_one() -> None:
    assert (as_text([]), read_srt(as_srt([])), read_vtt(as_vtt([]))) == ("", [], [])
