"""A hundred thousand random events: whatever happens, in whatever order, the conversation stays sane."""

import random
from collections.abc import Callable
from datetime import date

from voiceera.rules.calls import HangupCause, Speaker
from voiceera.rules.expectation import Expectation
from voiceera.rules.flows import Expect
from voiceera.rules.turn_events import (
    Answered,
    Beeped,
    Command,
    Digit,
    End,
    Event,
    Expecting,
    Forget,
    Hangup,
    HangupRequested,
    Hush,
    MachineAnswered,
    OptedOut,
    Partial,
    Private,
    ProviderFailed,
    PutOnHold,
    Recognize,
    Record,
    ReplyDone,
    Resume,
    Say,
    Sentence,
    SpeechStarted,
    SpeechStopped,
    SpeechSustained,
    Spoken,
    TakenOffHold,
    Think,
    ThinkAhead,
    Timer,
    TimerFired,
    Transferred,
    Understood,
    Voiced,
    Wait,
    Words,
    Yield,
)
from voiceera.rules.turn_policy import TurnPolicy
from voiceera.rules.turn_state import Floor
from voiceera.rules.turns import Conversation

EVENTS = 100_000
TEXTS = ("yes", "", "stop calling me", "my number is", "uh huh", "a rather long answer to that", "hello")
YES_NO = Expectation("ask", Expect(type="yes_no"), date(2026, 11, 24))
POLICIES = (
    TurnPolicy(),
    TurnPolicy(greet_first=False, max_reprompts=0),
    TurnPolicy(voicemail="leave_message", voicemail_message="Call us."),
    TurnPolicy(barge_in=False, voicemail="continue"),
    TurnPolicy(filler_after=0.3, fillers=("One moment.", "Let me see.")),
    TurnPolicy(early_reply=True),
)


class World:
    """Gives a conversation what may come, and now and then what may not; notes what it does."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.conversation = Conversation(chance.choice(POLICIES))
        self.now = 0.0
        self.timers: dict[Timer, float] = {}
        self.recognizing = 0
        self.is_speaking = False
        self.is_thinking = False
        self.is_held = False
        self.to_say: list[str] = []
        self.dropped: list[str] | None = None
        self.said: list[str] = []
        self.share = 0.0

    def step(self) -> list[Command]:
        return self.tell(self.happens())

    def tell(self, event: Event) -> list[Command]:
        before = self.conversation.floor
        self.note(event)
        commands = self.conversation.on(event, self.now, self.share)
        if before is Floor.ENDED:
            assert commands == []
        self.dropped = None
        for command in commands:
            self.perform(command)
        self.check(commands)
        return commands

    def note(self, event: Event) -> None:
        match event:
            case SpeechStarted():
                self.is_speaking = True
            case SpeechStopped():
                self.is_speaking = False
            case ReplyDone() | ProviderFailed():
                self.is_thinking = False
            case Spoken():
                self.share = 0.0
                self.to_say = self.to_say[1:]

    def happens(self) -> Event:
        chance = self.chance
        self.now += chance.choice((0.0, 0.01, 0.1, 0.5, 2.0))
        due = [timer for timer, until in self.timers.items() if until <= self.now]
        if due and chance.random() < 0.8:
            timer = chance.choice(due)
            del self.timers[timer]
            return TimerFired(timer)
        possible: list[Callable[[], Event]] = [self.speech, self.speech, self.anything]
        if self.recognizing and not self.is_speaking:
            self.recognizing -= 1
            return Words(chance.choice(TEXTS), 0.5, chance.random() < 0.2)
        if self.is_thinking:
            possible += [self.part, self.part, self.part]
        if self.to_say and not self.is_held:
            self.share = chance.random()
            possible += [Voiced, Spoken]
        return chance.choice(possible)()

    def speech(self) -> Event:
        if not self.is_speaking:
            return SpeechStarted(self.now - 0.1)
        return self.chance.choice((SpeechSustained(), SpeechStopped(self.now - 0.29), Partial("two words")))

    def part(self) -> Event:
        texts = ("One.", "Two and three.", "And four, which is longer.")
        rare: list[Event] = [End("done"), OptedOut(), ProviderFailed(), Transferred()]
        common: list[Event] = [
            Understood("ask", "yes"),
            Expecting(self.chance.choice((None, YES_NO))),
            Sentence(self.chance.choice(texts), self.chance.random() < 0.7),
            Sentence(self.chance.choice(texts)),
            Private(self.chance.random() < 0.5),
            ReplyDone(),
        ]
        return self.chance.choice(rare if self.chance.random() < 0.05 else common)

    def anything(self) -> Event:
        """Rare, late or impossible."""
        rare: list[Event] = [MachineAnswered(), Beeped(), ProviderFailed(True)]
        rare.append(HangupRequested(HangupCause.CALLER_HUNG_UP))
        late: list[Event] = [
            ReplyDone(),
            Sentence("Late."),
            TimerFired(Timer.ENDPOINT),
            TimerFired(Timer.REPROMPT),
            Digit("1"),
            PutOnHold(),
            TakenOffHold(),
            TakenOffHold(),
        ]
        return self.chance.choice(rare if self.chance.random() < 0.05 else late)

    def perform(self, command: Command) -> None:
        match command:
            case Wait(timer, until):
                self.timers[timer] = until
            case Think():
                assert not self.is_thinking, "one thought at a time"
                self.is_thinking = True
            case ThinkAhead(about):
                assert not self.is_thinking and about.text and not self.conversation.is_private
            case Say(text):
                self.to_say.append(text)
                self.said.append(text)
            case Yield():
                assert not self.is_held
                self.is_held = True
            case Resume():
                self.is_held = False
            case Hush():
                self.dropped, self.said, self.to_say = self.said, [], []
                self.is_thinking = self.is_held = False
            case Recognize():
                self.recognizing += 1
            case Record(turn) if turn.speaker is Speaker.AGENT:
                whole = " ".join(self.said if self.dropped is None else self.dropped)
                assert whole.startswith(turn.text), "history is what was heard, no more"
                assert turn.interrupted or turn.text == whole
                self.said = self.said if self.dropped is not None else []
            case Record(turn):
                assert turn.start_ms <= turn.end_ms

    def check(self, commands: list[Command]) -> None:
        conversation = self.conversation
        assert all(not isinstance(command, Hangup) for command in commands[:-1]), "hanging up comes last"
        awaited, is_on_hold = conversation.awaited, conversation._is_on_hold
        match conversation.floor:
            case Floor.ENDED:
                assert not awaited
            case Floor.LISTENING:
                assert Timer.REPROMPT in awaited or Timer.BEEP in awaited or is_on_hold
                assert not conversation._reply
            case Floor.HEARING:
                waits = awaited & {Timer.ENDPOINT, Timer.DIGITS, Timer.LAST_WORDS, Timer.BEEP}
                assert waits or conversation._speaking_since is not None or conversation._recognizing or is_on_hold
            case Floor.THINKING | Floor.SPEAKING:
                reply = conversation._reply
                assert reply is not None
                assert reply.is_composing or reply.waiting or reply.is_held
                has_reason = conversation._speaking_since is not None or is_on_hold
                assert not reply.is_held or has_reason, "a pause has a reason"


def test_nothing_that_happens_confuses_a_conversation() -> None:
    chance = random.Random(20261124)
    world = World(chance)
    world.tell(Answered(0.0))
    calls = 0
    for _ in range(EVENTS):
        if world.conversation.floor is Floor.ENDED:
            world.tell(SpeechStarted(world.now))
            world, calls = World(chance), calls + 1
            world.tell(Answered(0.0))
        world.step()
    assert calls > 500


def test_every_conversation_ends_when_nothing_happens_any_more() -> None:
    chance = random.Random(7)
    for _ in range(300):
        world = World(chance)
        world.tell(Answered(0.0))
        for _ in range(chance.randrange(40)):
            world.step()
        for _ in range(2000):
            if world.conversation.floor is Floor.ENDED:
                break
            timer, until = min(
                ((timer, world.timers[timer]) for timer in world.conversation.awaited), key=lambda pair: pair[1]
            )
            world.now = max(world.now, until)
            world.tell(TimerFired(timer))
        assert world.conversation.floor is Floor.ENDED


def test_forgetting_is_for_noise_only() -> None:
    conversation = Conversation(TurnPolicy())
    conversation.on(Answered(0.0), 0.0)
    conversation.on(Sentence("Hello there."), 0.0)
    conversation.on(ReplyDone(), 0.0)
    conversation.on(SpeechStarted(0.2), 0.3)
    assert Forget() in conversation.on(SpeechStopped(0.4), 0.7)
