"""A campaign as a state machine: whatever happens to it, in any order, its counts add up and nobody is rung twice."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.databases import Databases
from tests.dialing.floor import Floor
from tests.world import make_world, number, quick
from voiceera.errors import Conflict
from voiceera.providers.protocols import CarrierTraits, Dial, DialAnswer, EndedAs, Placed
from voiceera.rules.audio import ULAW_8K
from voiceera.rules.calls import AnsweredBy, CallBrief, CallResult, HangupCause
from voiceera.rules.campaigns import MOVES, Action, ContactDraft
from voiceera.services import calls, campaigns, contacts
from voiceera.services.claiming import Claim
from voiceera.services.trunks import Trunk
from voiceera.store import do_not_call
from voiceera.store.base import Database
from voiceera.store.postgres import PostgresServer

T = TypeVar("T")
PEOPLE = 3
LONGEST_QUEUE = 200


class Killed(BaseException):
    """The dialer's process is gone: nothing after this runs."""


class CampaignModel(RuleBasedStateMachine):
    """What happens is drawn; what must hold is asked of the rows and of the carrier, which counts every ring."""

    postgres: ClassVar[PostgresServer]
    databases: ClassVar[Databases]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.directory = tempfile.TemporaryDirectory()
        self.name = self.run(self.databases.take())
        self.database = Database(self.postgres.url_of(self.name))
        self.claims: list[tuple[str, Claim, Trunk]] = []
        self.briefs: list[CallBrief] = []
        self.rings: Counter[str] = Counter()
        self.opted_out: set[str] = set()
        self.finished: dict[UUID, str] = {}
        self.added = 0
        self.run(self._begin())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def _begin(self) -> None:
        world = await make_world(self.database)
        await world.connect_carrier()
        world.carrier.traits = CarrierTraits(1000, False, 60, False, False)
        self.floor = Floor(world)
        self.campaign_id = await self.floor.launch(people=PEOPLE, config=quick(max_attempts_per_day=20))

    def teardown(self) -> None:
        self.run(self._all_come_to_an_end())
        self.run(self.database.close())
        self.run(self.databases.give_back(self.name))
        self.loop.close()
        self.directory.cleanup()

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(action=st.sampled_from([Action.LAUNCH, Action.PAUSE, Action.RESUME]))
    def move(self, action: Action) -> None:
        before = self.run(self.floor.status(self.campaign_id))
        done = {Action.LAUNCH: campaigns.launch, Action.PAUSE: campaigns.pause, Action.RESUME: campaigns.resume}
        assert self._is_done(done[action]) is (before in MOVES[action])

    @rule(hang_up=st.booleans())
    def stop(self, hang_up: bool) -> None:
        before = self.run(self.floor.status(self.campaign_id))
        assert self._is_done(campaigns.stop, hang_up=hang_up) is (before in MOVES[Action.STOP])

    def _is_done(self, operation: Any, **more: Any) -> bool:
        async def operate() -> bool:
            key = (self.floor.world.organization_id, self.campaign_id)
            try:
                async with self.floor.world.scope() as connection:
                    await operation(connection, *key, self.floor.now, **more)
            except Conflict:
                return False
            return True

        return self.run(operate())

    @precondition(lambda self: self.added < 2)
    @rule()
    def add_somebody(self) -> None:
        async def add() -> None:
            drafts = [ContactDraft(phone_number=number(500 + self.added))]
            async with self.floor.world.scope() as connection:
                await contacts.add(
                    connection, self.floor.world.organization_id, self.campaign_id, drafts, self.floor.now
                )

        try:
            self.run(add())
        except Conflict:
            return
        self.added += 1

    @rule(index=st.integers(0, PEOPLE - 1))
    def opt_out(self, index: int) -> None:
        async def listen() -> None:
            key = (self.floor.world.organization_id, number(100 + index))
            async with self.floor.world.scope() as connection:
                await do_not_call.add(connection, *key, reason="asked for", now=self.floor.now)

        self.run(listen())
        self.opted_out.add(number(100 + index))

    # ── the dialers ──────────────────────────────────────────────────────────────────────────────────────────────

    @rule(name=st.sampled_from(["one", "two"]))
    def claim(self, name: str) -> None:
        self.claims += [(name, claim, trunk) for claim, trunk in self.run(self.floor.dialer(name).round())]

    @precondition(lambda self: self.claims)
    @rule(
        answer=st.sampled_from(["accepted", "accepted", "busy", "refused", "invalid", "unknown", "rings", "killed"]),
        data=st.data(),
    )
    def dial(self, answer: str, data: st.DataObject) -> None:
        name, claim, trunk = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        self.floor.now = max(self.floor.now, claim.start_at)
        status = self.run(self.floor.status(self.campaign_id))
        carrier = self.floor.world.carrier
        before = len(carrier.dialed)
        carrier.answers = [lambda dial: self._answer(answer, dial)]
        try:
            self.run(self.floor.dialer(name).dial(claim, trunk))
        except Killed:
            self.floor.dialers.pop(name)
        carrier.answers = []
        for dial in carrier.dialed[before:]:
            assert status == "active"
            assert dial.to not in self.opted_out

    def _answer(self, answer: str, dial: Dial) -> DialAnswer:
        if answer in ("accepted", "rings", "killed"):
            self.rings[dial.reference] += 1
            self.floor.world.carrier.place(dial, f"c-{dial.reference}", self.floor.now)
        match answer:
            case "accepted":
                # `place` has been called: an accepted answer of the script's own would do it again
                self.floor.world.carrier.calls.pop()
                return DialAnswer(Placed.ACCEPTED, f"c-{dial.reference}")
            case "busy":
                return DialAnswer(Placed.BUSY_NOW)
            case "refused":
                return DialAnswer(Placed.REFUSED, reason="out of credit")
            case "invalid":
                return DialAnswer(Placed.REFUSED, invalid_number=True)
            case "killed":
                raise Killed
        return DialAnswer(Placed.UNKNOWN)

    @precondition(lambda self: self.claims)
    @rule()
    def crash(self) -> None:
        """All that a dialer had in its hands is gone with it."""
        name = self.claims[0][0]
        self.claims = [each for each in self.claims if each[0] != name]
        self.floor.dialers.pop(name, None)

    @rule(seconds=st.sampled_from([0.05, 1, 5, 16, 31, 61, 130, 3600]))
    def time_passes(self, seconds: float) -> None:
        self.floor.later(seconds=seconds)

    @rule()
    def reap(self) -> None:
        self.run(self.floor.reap())

    # ── the carrier and the engine ───────────────────────────────────────────────────────────────────────────────

    def _rung(self, data: st.DataObject) -> UUID | None:
        references = sorted(self.rings)
        return UUID(data.draw(st.sampled_from(references))) if references else None

    @precondition(lambda self: self.rings)
    @rule(data=st.data())
    def rings_at_the_callee(self, data: st.DataObject) -> None:
        if (attempt := self._rung(data)) is not None:
            self.run(self.floor.rings(attempt))

    @precondition(lambda self: self.rings)
    @rule(ended_as=st.sampled_from([*EndedAs]), is_told=st.booleans(), data=st.data())
    def carrier_ends(self, ended_as: EndedAs, is_told: bool, data: st.DataObject) -> None:
        attempt = self._rung(data)
        if attempt is None:
            return
        self.floor.world.carrier.end(f"c-{attempt}", ended_as)
        if is_told:
            self.run(self.floor.ends(attempt, ended_as))

    @precondition(lambda self: self.rings)
    @rule(data=st.data(), opens=st.booleans())
    def answers(self, data: st.DataObject, opens: bool) -> None:
        attempt = self._rung(data)
        if attempt is not None and (brief := self.run(self._answered(attempt, opens))) is not None:
            self.briefs.append(brief)

    async def _answered(self, attempt: UUID, opens: bool) -> CallBrief | None:
        world, now = self.floor.world, self.floor.now
        invitation = await calls.answered(world.database, world.organization_id, attempt, world.trunk, now)
        if invitation is None or not opens:
            return None
        token = invitation.url.rsplit("/", 1)[1]
        return await calls.redeem_media_token(world.database, token, "plivo", now, Path(self.directory.name))

    @precondition(lambda self: self.briefs)
    @rule(said=st.sampled_from(["yes", "nothing", "never again", "later", "broken"]), again=st.booleans())
    def talk_ends(self, said: str, again: bool) -> None:
        brief = self.briefs[0] if again else self.briefs.pop(0)
        cause = {"nothing": HangupCause.CALLER_HUNG_UP, "broken": HangupCause.ERROR}
        result = CallResult(
            started_at=self.floor.now,
            ended_at=self.floor.now,
            cause=cause.get(said, HangupCause.AGENT_ENDED),
            answered_by=AnsweredBy.HUMAN,
            audio_format=ULAW_8K,
            disposition="confirmed" if said == "yes" else None,
            opted_out=said == "never again",
            callback_at=self.floor.now + timedelta(hours=1) if said == "later" else None,
        )
        self.run(calls.close(self.database, brief, result, self.floor.now))
        if said == "never again":
            rows = self.run(self.floor.world.rows("SELECT phone_number FROM do_not_call"))
            self.opted_out |= {row.phone_number for row in rows}

    # ── what always holds ────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def counts_add_up(self) -> None:
        self.run(self.floor.counted(self.campaign_id))

    @invariant()
    def whoever_is_in_progress_has_one_attempt_and_nobody_else_has_any(self) -> None:
        wrong = self.run(
            self.floor.world.rows("""
                SELECT c.id, c.state, count(a.id) AS open FROM contacts c LEFT JOIN attempts a
                    ON a.organization_id = c.organization_id AND a.contact_id = c.id
                    AND a.state NOT IN ('ended', 'unknown_final')
                GROUP BY c.id, c.state HAVING count(a.id) <> CASE c.state WHEN 'in_progress' THEN 1 ELSE 0 END
            """)
        )
        assert wrong == []

    @invariant()
    def no_attempt_rings_twice(self) -> None:
        assert not self.rings or max(self.rings.values()) == 1

    @invariant()
    def what_is_over_stays_as_it_is(self) -> None:
        rows = self.run(self.floor.world.rows("SELECT id, state, outcome FROM attempts WHERE outcome IS NOT NULL"))
        over = {row.id: f"{row.state} {row.outcome}" for row in rows}
        assert {key: over.get(key) for key in self.finished} == self.finished
        self.finished = over

    async def _all_come_to_an_end(self) -> None:
        """None lost, none stuck: when the carrier has ended all that rang, every contact gets to its end."""
        self.claims.clear()
        floor = self.floor
        if await floor.status(self.campaign_id) == "paused":
            async with floor.world.scope() as connection:
                await campaigns.resume(connection, floor.world.organization_id, self.campaign_id, floor.now)
        for _ in range(LONGEST_QUEUE):
            for call in floor.world.carrier.calls:
                if call.live:
                    floor.world.carrier.end(call.carrier_call_id, EndedAs.BUSY)
            await floor.dial()
            floor.later(hours=2)
            await floor.reap()
            if await floor.status(self.campaign_id) in ("completed", "stopped"):
                break
        floor.later(hours=2)
        await floor.reap()
        await floor.reap()
        counts = await floor.counted(self.campaign_id)
        assert counts["pending"] == counts["in_progress"] == 0, counts


@pytest.fixture
def model(postgres: PostgresServer, databases: Databases) -> type[CampaignModel]:
    CampaignModel.postgres, CampaignModel.databases = postgres, databases
    return CampaignModel


def test_whatever_happens_to_a_campaign_its_counts_add_up(
    model: type[CampaignModel], request: pytest.FixtureRequest
) -> None:
    is_full = request.config.getoption("--full-sweep")
    run_state_machine_as_test(
        model,
        settings=settings(
            max_examples=300 if is_full else 10,
            stateful_step_count=60 if is_full else 30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=not is_full,
        ),
    )
