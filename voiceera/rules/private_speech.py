"""What in a conversation is nobody's business: card numbers, phone numbers, addresses, digits, the contact's name.

Found in the words of the turns, written or spoken ("four one double one", "चार एक"); what is found is replaced in the
text, and its turn is silenced in the recording. In doubt something is hidden rather than kept.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

from voiceera.rules import hindi
from voiceera.rules.calls import Speaker, ToolUse, TurnRecord
from voiceera.rules.numbers import CARDINALS, DIGITS, digits_in
from voiceera.rules.redactions import Private, Redaction
from voiceera.rules.transcripts import Segment


@dataclass(frozen=True)
class Silence:
    """A stretch of one channel that shall not be heard: milliseconds from the start of the recording."""

    speaker: Speaker
    start_ms: int
    end_ms: int


def as_json(silences: Sequence[Silence]) -> list[dict[str, int | str]]:
    return [asdict(silence) for silence in silences]


def from_json(told: Sequence[Mapping[str, int | str]]) -> tuple[Silence, ...]:
    return tuple(Silence(Speaker(str(each["speaker"])), int(each["start_ms"]), int(each["end_ms"])) for each in told)


@dataclass(frozen=True)
class _Mark:
    turn: int
    start: int
    end: int
    kind: Private


@dataclass(frozen=True)
class _Run:
    """Digits said in a row, with where they stand in their turn's text."""

    turn: int
    start: int
    end: int
    digits: str


_CARD_DIGITS = range(13, 20)
_MOST_PIECES = 10
_PHONE_DIGITS = 7
_SOME_DIGITS = 4
_PADDING_MS = 400

_WORD = re.compile(r"[^\s,.;:!?()\[\]\"'’/–—।-]+")
_WRITTEN_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_SPOKEN_EMAIL = re.compile(
    r"\b[\w+-]+(?:\s+(?:dot|underscore|dash)\s+[\w+-]+)*\s+at\s+[\w-]+(?:\s+dot\s+[\w-]+)+", re.I
)
_REPEATS = ("double", "triple")
_GLUE = frozenset("and then uh um er erm dash hyphen space और फिर".split())
_MOST_GLUE = 2
_HINDI = {word: str(value) for word, value in hindi.DIGITS.items()} | {
    word: {2: "double", 3: "triple"}[times] for word, times in hindi.REPEATS.items()
}


def redacted(
    turns: Sequence[TurnRecord], redaction: Redaction, name: str | None
) -> tuple[tuple[TurnRecord, ...], tuple[Silence, ...]]:
    """The turns as they may be kept, and what shall be silent in the recording."""
    marks = _marks(turns, frozenset(redaction.kinds), name)
    kept = tuple(_without(turn, [mark for mark in marks if mark.turn == index]) for index, turn in enumerate(turns))
    kept = tuple(replace(turn, result=_value(turn.result, redaction, name)) for turn in kept)
    silences = tuple(
        Silence(turns[index].speaker, max(0, turns[index].start_ms - _PADDING_MS), turns[index].end_ms + _PADDING_MS)
        for index in sorted({mark.turn for mark in marks})
    )
    return kept, silences if redaction.audio else ()


def redacted_at_once(turn: TurnRecord, redaction: Redaction, name: str | None) -> TurnRecord:
    """One turn as it may be kept while the call goes on, and nobody knows yet what the next one adds to it."""
    kinds = set(redaction.kinds)
    strictly = redaction.model_copy(update={"kinds": (*kinds, Private.DIGITS) if Private.CARD in kinds else kinds})
    return redacted([turn], strictly, name)[0][0]


def redacted_values(values: Mapping[str, str], redaction: Redaction, name: str | None) -> dict[str, str]:
    """What a flow saved, as it may be kept."""
    return {key: _value(value, redaction, name) or "" for key, value in values.items()}


def redacted_use(use: ToolUse, redaction: Redaction, name: str | None) -> ToolUse:
    """One use of a tool, as it may be kept."""
    arguments, answer = (_value(text, redaction, name) or "" for text in (use.arguments, use.answer))
    return replace(use, arguments=arguments, answer=answer)


def redacted_segments(
    segments: Sequence[Segment], redaction: Redaction, name: str | None
) -> tuple[list[Segment], tuple[Silence, ...]]:
    """The same for a transcript that was made after the call."""
    turns = [TurnRecord(each.speaker, each.text, each.start_ms, each.end_ms) for each in segments]
    kept, silences = redacted(turns, redaction, name)
    return [replace(each, text=turn.text) for each, turn in zip(segments, kept, strict=True)], silences


def _value(value: str | None, redaction: Redaction, name: str | None) -> str | None:
    if not value:
        return value
    turn = TurnRecord(Speaker.CALLER, value, 0, 0)
    return _without(turn, _marks([turn], frozenset(redaction.kinds), name)).text


def _marks(turns: Sequence[TurnRecord], kinds: frozenset[Private], name: str | None) -> list[_Mark]:
    marks: list[_Mark] = []
    if kinds & {Private.CARD, Private.PHONE, Private.DIGITS}:
        marks += _marks_of_digits(turns, kinds)
    for index, turn in enumerate(turns):
        if Private.EMAIL in kinds:
            for pattern in (_WRITTEN_EMAIL, _SPOKEN_EMAIL):
                marks += [_Mark(index, *found.span(), Private.EMAIL) for found in pattern.finditer(turn.text)]
        if Private.NAME in kinds and name:
            marks += [_Mark(index, *span, Private.NAME) for span in _spans_of_name(turn.text, name)]
    return marks


def _spans_of_name(text: str, name: str) -> Iterator[tuple[int, int]]:
    parts = {part.casefold() for part in _WORD.findall(name) if len(part) > 1}
    return (word.span() for word in _WORD.finditer(text) if word[0].casefold() in parts)


def _marks_of_digits(turns: Sequence[TurnRecord], kinds: frozenset[Private]) -> list[_Mark]:
    marks = []
    for speaker in Speaker:
        runs = [run for index, turn in enumerate(turns) if turn.speaker is speaker for run in _runs(index, turn.text)]
        cards = _cards(runs) if Private.CARD in kinds else set()
        for run in runs:
            if (kind := _kind(run, kinds, is_card=run in cards)) is not None:
                marks.append(_Mark(run.turn, run.start, run.end, kind))
    return marks


def _kind(run: _Run, kinds: frozenset[Private], *, is_card: bool) -> Private | None:
    if is_card:
        return Private.CARD
    if Private.PHONE in kinds and len(run.digits) >= _PHONE_DIGITS:
        return Private.PHONE
    return Private.DIGITS if Private.DIGITS in kinds and len(run.digits) >= _SOME_DIGITS else None


def _cards(runs: Sequence[_Run]) -> set[_Run]:
    """Runs that are a card, hold one, or together make one up."""
    found = {run for run in runs if len(run.digits) >= _CARD_DIGITS.start}
    pieces = [run for run in runs if len(run.digits) > 1]
    for first in range(len(pieces)):
        digits = ""
        for last in range(first, min(first + _MOST_PIECES, len(pieces))):
            digits += pieces[last].digits
            if len(digits) in _CARD_DIGITS and passes_luhn(digits):
                found.update(pieces[first : last + 1])
            if len(digits) >= _CARD_DIGITS.stop:
                break
    return found


def passes_luhn(digits: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812-1, annex B)."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(value - 9 if value > 9 else value for value in doubled)) % 10 == 0


def _runs(turn: int, text: str) -> Iterator[_Run]:
    words: list[tuple[re.Match[str], str]] = []
    glue = 0
    for found in _WORD.finditer(text):
        word = _digit_word(found[0])
        if word is not None:
            words.append((found, word))
            glue = 0
        elif words and found[0].casefold() in _GLUE and glue < _MOST_GLUE:
            glue += 1
        else:
            yield from _run(turn, words)
            words, glue = [], 0
    yield from _run(turn, words)


def _run(turn: int, words: list[tuple[re.Match[str], str]]) -> Iterator[_Run]:
    while words and words[-1][1] in _REPEATS:
        words = words[:-1]
    if words:
        yield _Run(turn, words[0][0].start(), words[-1][0].end(), digits_in([word for _, word in words]))


def _digit_word(word: str) -> str | None:
    """As `digits_in` takes it; None for any other word."""
    plain = _HINDI.get(unicodedata.normalize("NFC", word), word.casefold())
    if plain.removeprefix("+").isdecimal():
        return "".join(str(int(digit)) for digit in plain.removeprefix("+"))
    return plain if plain in DIGITS or plain in CARDINALS or plain in _REPEATS else None


def _without(turn: TurnRecord, marks: Sequence[_Mark]) -> TurnRecord:
    if not marks:
        return turn
    text, kept_from = "", 0
    for mark in _merged(marks):
        text += f"{turn.text[kept_from : mark.start]}[{mark.kind}]"
        kept_from = mark.end
    return replace(turn, text=text + turn.text[kept_from:])


def _merged(marks: Sequence[_Mark]) -> list[_Mark]:
    """In the order of the text; of those that overlap the earlier, as long as both. Names side by side are one."""
    merged: list[_Mark] = []
    for mark in sorted(marks, key=lambda each: (each.start, -each.end)):
        is_next = merged and mark.start <= merged[-1].end + (mark.kind is merged[-1].kind is Private.NAME)
        if is_next:
            merged[-1] = replace(merged[-1], end=max(merged[-1].end, mark.end))
        else:
            merged.append(mark)
    assert all(before.end <= after.start for before, after in pairwise(merged))
    return merged
