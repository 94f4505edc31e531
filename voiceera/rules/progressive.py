"""Progressive pacing: how many calls may be on their way to people who wait for them.

An agent of ours is always there; a person to whom calls are handed over is not. A call that is answered when nobody
is free is abandoned: the law bounds their share (3 % of the calls answered by people, over 30 days, where 47 CFR
64.1200(a)(7) holds). So a call is placed for each free person, and a few more where few calls are answered; the
nearer the share comes to its bound, the fewer, and before it is reached none.
"""

from dataclasses import dataclass
from math import floor

SLOW_FROM = 0.5
"""The part of the allowed share up to which calls are placed at full speed."""
ONE_EACH_FROM = 0.85
"""The part from which there is one call for each free person, and no more."""
MOST_PER_PERSON = 3.0
FEW = 100
"""Of fewer answered calls nothing is concluded: one call for each free person."""


@dataclass(frozen=True)
class Record:
    """A campaign's last 30 days: calls that were placed, those answered by a person, and those of them abandoned."""

    placed: int
    answered: int
    abandoned: int

    @property
    def share(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0


def calls_per_person(record: Record, most_abandoned: float) -> float:
    """Calls on their way for each free person: 1 up to `MOST_PER_PERSON`; 0 when the share is used up.

    `most_abandoned`: the share allowed, 0–1. One more abandoned call is counted as if it had happened.
    """
    next_share = (record.abandoned + 1) / (record.answered + 1)
    if record.answered >= FEW and next_share > most_abandoned:
        return 0.0
    if record.answered < FEW:
        return 1.0
    answer_rate = min(1.0, record.answered / record.placed) if record.placed else 1.0
    full_speed = min(MOST_PER_PERSON, 1 / answer_rate)
    used = next_share / most_abandoned
    left = min(1.0, max(0.0, (ONE_EACH_FROM - used) / (ONE_EACH_FROM - SLOW_FROM)))
    return 1.0 + (full_speed - 1.0) * left


def places(people: int, talking: int, on_their_way: int, record: Record, most_abandoned: float) -> int:
    """Calls that may be placed now. `people` take calls, `talking` of them do; `on_their_way`: not answered yet."""
    free = max(0, people - talking)
    return max(0, floor(free * calls_per_person(record, most_abandoned)) - on_their_way)
