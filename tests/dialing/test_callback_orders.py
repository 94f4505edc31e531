"""Callbacks in any order, any number of times, also before the dial's own answer: one end, counted once."""

import itertools
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest

from tests.dialing.floor import Floor
from tests.world import make_world, number, quick
from voiceera.providers.protocols import Dial, DialAnswer, EndedAs, Placed
from voiceera.rules.audio import ULAW_8K
from voiceera.rules.calls import AnsweredBy, CallBrief, CallResult, HangupCause
from voiceera.services import calls, campaigns
from voiceera.store.base import Database

EVENTS = ("dial answered", "ringing", "answered", "conversation", "hangup")
SAMPLES = 150
FULL = 10_000
AT_ONCE = 60
MOST_EMPTY_ROUNDS = 100


class Telling:
    """One attempt, and everything that the carrier and the engine tell of it, to be told in any order."""

    def __init__(self, floor: Floor, attempt: UUID, directory: Path) -> None:
        self._floor = floor
        self._attempt = attempt
        self._directory = directory
        self._brief: CallBrief | None = None
        self.telling: dict[str, Callable[[], Awaitable[None]]] = {
            "ringing": self._rings,
            "answered": self._answers,
            "conversation": self._talks,
            "hangup": self._ends,
        }

    async def _rings(self) -> None:
        await self._floor.rings(self._attempt)

    async def _answers(self) -> None:
        world, now = self._floor.world, self._floor.now
        invitation = await calls.answered(world.database, world.organization_id, self._attempt, world.trunk, now)
        if invitation is not None and self._brief is None:
            token = invitation.url.rsplit("/", 1)[1]
            self._brief = await calls.redeem_media_token(world.database, token, "plivo", now, self._directory)

    async def _talks(self) -> None:
        """Nothing is said of a conversation that has not begun: the media process has none."""
        if self._brief is not None:
            result = CallResult(
                started_at=self._floor.now,
                ended_at=self._floor.now,
                cause=HangupCause.AGENT_ENDED,
                answered_by=AnsweredBy.HUMAN,
                audio_format=ULAW_8K,
                disposition="confirmed",
            )
            await calls.close(self._floor.world.database, self._brief, result, self._floor.now)

    async def _ends(self) -> None:
        await self._floor.ends(self._attempt, EndedAs.COMPLETED)


def orders(samples: int, seed: int) -> list[tuple[str, ...]]:
    """Every order of the five once, then orders with one to three copies of each."""
    found: list[tuple[str, ...]] = list(itertools.permutations(EVENTS))
    chance = random.Random(seed)
    while len(found) < samples:
        copies = [event for event in EVENTS for _ in range(1 if event == "dial answered" else chance.randint(1, 3))]
        chance.shuffle(copies)
        found.append(tuple(copies))
    return found


async def test_in_any_order_and_number_there_is_one_end_and_the_counters_know_it(
    database: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    wanted = orders(FULL if request.config.getoption("--full-sweep") else SAMPLES, seed=4)
    world = await make_world(database, capacity=100_000)
    await world.connect_carrier()
    floor = Floor(world)
    for index, start in enumerate(range(0, len(wanted), AT_ONCE)):
        part = wanted[start : start + AT_ONCE]
        # Each rung once: the caps of a number's day and week are another test's.
        people = [number(start + place) for place in range(len(part))]
        campaign_id = await floor.launch_to(people, f"Spring {index}", config=quick(retries={}))
        await _tell_all(floor, part, tmp_path)
        counts = await floor.counted(campaign_id)
        ended = {name: count for name, count in counts.items() if name.startswith("ended_") and count}
        assert sum(ended.values()) == len(part) == counts["total"], counts
        # A conversation whose end nobody told is a fault, and its contact's turn comes again.
        lost = await world.rows("SELECT id FROM attempts WHERE campaign_id = :id AND NOT consumed", id=campaign_id)
        assert (counts["in_progress"], counts["pending"]) == (0, len(lost)), counts
        rows = await world.rows("SELECT id, state FROM attempts WHERE campaign_id = :id", id=campaign_id)
        assert len(rows) == len(part) and {row.state for row in rows} == {"ended"}
        finished = await world.rows(
            "SELECT status, outcome, ended_at FROM calls WHERE campaign_id = :id", id=campaign_id
        )
        assert len(finished) == len(part) and all(row.ended_at is not None for row in finished)
        if lost:  # else it is completed
            async with world.scope() as connection:
                await campaigns.stop(connection, world.organization_id, campaign_id, floor.now)
    assert len({dial.reference for dial in world.carrier.dialed}) == len(world.carrier.dialed) == len(wanted)


async def _tell_all(floor: Floor, part: list[tuple[str, ...]], directory: Path) -> None:
    """Dial once for each order; what stands before "dial answered" is told while the dial is under way."""
    waiting = list(part)
    told: list[tuple[Telling, tuple[str, ...]]] = []

    def answer(dial: Dial) -> DialAnswer:
        order = waiting.pop()
        telling = Telling(floor, UUID(dial.reference), directory)
        told.append((telling, order))
        return DialAnswer(Placed.ACCEPTED, f"c-{dial.reference}")

    class Early:
        """The scripted carrier answers at once: its callbacks come first by being told inside the dial."""

        def __init__(self, dial: Callable[[Dial], Awaitable[DialAnswer]]) -> None:
            self._dial = dial

        async def __call__(self, dial: Dial) -> DialAnswer:
            answered = await self._dial(dial)
            telling, order = next(each for each in told if str(each[0]._attempt) == dial.reference)
            for event in order[: order.index("dial answered")]:
                await telling.telling[event]()
            return answered

    carrier = floor.world.carrier
    carrier.otherwise = answer
    dialed = carrier.dial
    carrier.dial = Early(dialed)  # type: ignore[method-assign]
    still = 0
    while waiting:
        claims = await floor.dialer().round()
        still = 0 if claims else still + 1
        assert still < MOST_EMPTY_ROUNDS, f"{len(waiting)} are never dialled"
        for claim, trunk in claims:
            floor.now = max(floor.now, claim.start_at)
            await floor.dialer().dial(claim, trunk)
        floor.later(seconds=0.4)
    carrier.dial = dialed  # type: ignore[method-assign]
    for telling, order in told:
        for event in order[order.index("dial answered") + 1 :]:
            await telling.telling[event]()
    # A conversation that began after its hang-up had been told is closed by the reaper's clock.
    floor.later(seconds=16)
    for _ in range(4):
        await floor.reap()
        floor.later(seconds=200)
