"""The demo's people: who they are, when their appointment is, and how each behaves on the phone.

Numbers are of the North American range that is kept free for fiction (555-01XX), then of the rest of 555. Three in
four begin with `WIDEBAND_PREFIX` (lines of 16 kHz), the others with `NARROWBAND_PREFIX` (µ-law at 8 kHz).
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from voiceera.lab.callees.script import (
    Act,
    Answers,
    Interruption,
    Manner,
    Reply,
    Script,
    VoiceSettings,
)

WIDEBAND_PREFIX = "+1202555"
NARROWBAND_PREFIX = "+1303555"


class Role(StrEnum):
    CONFIRMS = "confirms"
    RESCHEDULES = "reschedules"
    BUSY = "busy"
    """Always."""
    ANSWERS_LATER = "answers_later"
    """Does not answer the first time, confirms the second."""
    VOICEMAIL = "voicemail"
    INTERRUPTS = "interrupts"
    """Confirms while the agent still asks."""
    OPT_OUT = "opt_out"
    UNRELATED = "unrelated"
    NO_ANSWER = "no_answer"
    """Never answers. Not in a demo's pattern of twelve."""


PATTERN = (
    Role.CONFIRMS,
    Role.RESCHEDULES,
    Role.BUSY,
    Role.CONFIRMS,
    Role.INTERRUPTS,
    Role.VOICEMAIL,
    Role.RESCHEDULES,
    Role.ANSWERS_LATER,
    Role.OPT_OUT,
    Role.CONFIRMS,
    Role.UNRELATED,
    Role.RESCHEDULES,
)
"""Roles in order, round and round; every fourth person has a narrow-band line."""

DAYS = ("monday", "wednesday", "friday")
PARTS = ("morning", "afternoon")

_FIRST = (
    *("Alice", "Ben", "Carla", "Daniel", "Emma", "Farid", "Grace", "Henry", "Irene", "Jack", "Karen", "Louis"),
    *("Maria", "Nathan", "Olivia", "Peter", "Rosa", "Samuel", "Tina", "Victor"),
)
_LAST = ("Baker", "Carter", "Diaz", "Evans", "Fisher", "Grant", "Hughes", "Jordan", "Keller", "Lopez", "Mason")
_WHEN = (
    *("Tuesday, June the second", "Tuesday, June the ninth", "Thursday, June the fourth"),
    *("Thursday, June the eleventh", "Tuesday, June the sixteenth"),
)
_HOURS = ("nine", "nine thirty", "ten", "ten thirty", "eleven", "two", "two thirty", "three", "four")

# Of espeak-ng's many voices, those that a recognizer trained on people hears almost like people.
VOICES = (
    VoiceSettings(name="en-us+rob", words_per_minute=155, pitch=45),
    VoiceSettings(name="en-us+steph", words_per_minute=150, pitch=55),
    VoiceSettings(name="en-us+Denis", words_per_minute=155, pitch=50),
    VoiceSettings(name="en-us+Annie", words_per_minute=145, pitch=55),
    VoiceSettings(name="en-us+klatt6", words_per_minute=155, pitch=45),
    VoiceSettings(name="en-us+f2", words_per_minute=140, pitch=55),
    VoiceSettings(name="en-us+Hugo", words_per_minute=150, pitch=50),
    VoiceSettings(name="en-us+steph", words_per_minute=165, pitch=48),
    VoiceSettings(name="en-us+michael", words_per_minute=155, pitch=50),
    VoiceSettings(name="en-us+m7", words_per_minute=160, pitch=50),
)

_GREETINGS = (
    "Hi, you have reached my voicemail. I can't come to the phone right now. Please leave a message after the tone.",
    "Hello, this is my mailbox. I'm sorry I missed your call. Leave your name and number after the beep.",
)
_INTERRUPTS_AFTER = 7.2
"""Into the question of an agent that first says who it is and what it is about."""


@dataclass(frozen=True)
class CastMember:
    """A contact, and the script that answers its number. `day` and `time` are spoken words for the agent's prompt."""

    name: str
    number: str
    day: str
    time: str
    role: Role
    script: Script


def demo_cast(
    count: int, seed: int, cues: Mapping[str, tuple[str, ...]] | None = None, pattern: tuple[Role, ...] = PATTERN
) -> list[CastMember]:
    """`count` people with the roles of `pattern`, drawn from `seed`. `cues`: what the agent says, by the names in
    `cues.yaml`; only needed for an agent that words its questions otherwise than those."""
    chance = random.Random(seed)
    names, numbers = _names(chance), _numbers()
    cast = []
    for index in range(count):
        role = pattern[index % len(pattern)]
        script = script_for(role, chance, VOICES[(index + seed) % len(VOICES)])
        script = script.model_copy(update={"seed": seed * 1000 + index, "cues": dict(cues or {})})
        day, time = chance.choice(_WHEN), chance.choice(_HOURS)
        cast.append(CastMember(next(names), next(numbers), day, time, role, script))
    return cast


def script_for(role: Role, chance: random.Random, voice: VoiceSettings) -> Script:
    base = Script(name=role.value, voice=voice)
    match role:
        case Role.RESCHEDULES:
            return base.model_copy(update={"replies": (*_moves(chance), *_MANNERS)})
        case Role.BUSY:
            return base.model_copy(update={"answers": Answers.BUSY})
        case Role.NO_ANSWER:
            return base.model_copy(update={"answers": Answers.NOBODY})
        case Role.ANSWERS_LATER:
            return base.model_copy(update={"nobody_first": 1, "replies": _CONFIRMS})
        case Role.VOICEMAIL:
            opening = (Act(says=chance.choice(_GREETINGS)), Act(pause=0.4), Act(beep=0.5), Act(record=45))
            return base.model_copy(update={"opening": opening, "replies": ()})
        case Role.INTERRUPTS:
            manner = Manner(interrupts=(Interruption(after=_INTERRUPTS_AFTER),))
            return base.model_copy(update={"manner": manner, "replies": _CONFIRMS})
        case Role.OPT_OUT:
            return base.model_copy(update={"replies": (Reply(when="asks_attendance", intent="opt_out"), *_MANNERS)})
        case Role.UNRELATED:
            replies = (*(Reply(intent="unrelated", again=False) for _ in range(4)), Reply(hang_up=True))
            return base.model_copy(update={"replies": (*replies, Reply(when="goodbye", intent="goodbye"))})
    return base.model_copy(update={"replies": _CONFIRMS})


_MANNERS = (Reply(when="repeat", repeat=True), Reply(when="goodbye", intent="goodbye"))
_CONFIRMS = (
    Reply(when="asks_attendance", intent="confirm"),
    Reply(when="checks", intent="yes"),
    *_MANNERS,
)


def _moves(chance: random.Random) -> tuple[Reply, ...]:
    """Somebody who wants another day knows which, and does not agree to any other."""
    day, part = chance.choice(DAYS), chance.choice(PARTS)
    others = tuple(word for word in DAYS + PARTS if word not in (day, part))
    return (
        Reply(when="asks_attendance", intent="reschedule"),
        Reply(when="asks_day", intent=day),
        Reply(when="asks_part", intent=part),
        Reply(when="checks", intent="yes", unless_heard=others, otherwise="no"),
    )


def _names(chance: random.Random) -> Iterator[str]:
    """All pairs of names in a shuffled order, then numbered."""
    pairs = [f"{first} {last}" for first in _FIRST for last in _LAST]
    chance.shuffle(pairs)
    yield from pairs
    again = 2
    while True:
        yield from (f"{name} {again}" for name in pairs)
        again += 1


def _numbers() -> Iterator[str]:
    """Every fourth is narrow-band."""
    lines = {prefix: iter(range(100, 10_000)) for prefix in (WIDEBAND_PREFIX, NARROWBAND_PREFIX)}
    index = 0
    while True:
        prefix = NARROWBAND_PREFIX if index % 4 == 3 else WIDEBAND_PREFIX
        yield f"{prefix}{next(lines[prefix]):04d}"
        index += 1
