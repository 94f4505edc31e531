"""Turn-taking: who has the floor, decided from events alone. No I/O, no clock.

    LISTENING ──caller speaks──▶ HEARING ──silence──▶ THINKING ──first sentence──▶ SPEAKING
        ▲                          │  ▲                  │                             │
        └──────noise, no words─────┘  └──caller goes on──┴──caller takes the floor─────┤
        └───────────────────────────────────all heard──────────────────────────────────┘
    any ──hang-up, last word, maximum duration, failure──▶ ENDED

The caller takes the floor in two steps. The agent *yields* (falls silent) at the first sure speech. The take-over is
*confirmed* after 0.3 s of it or two words; a shorter noise was a cough, and the agent goes on from the last
sample heard. It goes on, too, when the confirmed speech turns out to hold no words, or only "uh-huh".
"""

from voiceera.rules.backchannels import is_backchannel
from voiceera.rules.calls import HangupCause, Speaker, TurnRecord
from voiceera.rules.endpointing import is_unfinished, keys_wanted, silence_needed
from voiceera.rules.loops import is_loop
from voiceera.rules.opt_out import is_opt_out
from voiceera.rules.turn_events import (
    Answered,
    CallerTurn,
    Command,
    Digit,
    End,
    Event,
    Expecting,
    Forget,
    Hangup,
    HangupRequested,
    Language,
    MachineAnswered,
    Mute,
    Opening,
    OptedOut,
    Partial,
    Private,
    ProviderFailed,
    PutOnHold,
    ReplyDone,
    Resume,
    Sentence,
    Silence,
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
    UseLanguage,
    Voiced,
    Words,
)
from voiceera.rules.turn_holds import TurnHolds
from voiceera.rules.turn_state import Floor, Reply, Utterance


class Conversation(TurnHolds):
    """Feed it what happens, in order; perform what it answers, in order. After ENDED it answers nothing."""

    def on(self, event: Event, at: float, heard_share: float = 0.0) -> list[Command]:
        """What to do about `event`, which happened `at`; `heard_share`: how much of the sentence that is being said
        the caller has heard by now (0–1)."""
        if self.floor is Floor.ENDED or not self._is_due(event, at):
            return []
        if self._reply is not None:
            self._reply.share = heard_share
        if isinstance(event, Words):
            self._recognizing = max(0, self._recognizing - 1)
        if self._is_on_hold and (commands := self._on_hold(event)) is not None:
            return commands
        match event:
            case SpeechStarted(began):
                self._speaking_since = began
            case SpeechStopped(ended):
                self._last_stretch = (self._speaking_since or ended, ended)
                self._speaking_since = None
        if self._awaits_beep and (commands := self._on_with_machine(event, at)) is not None:
            return commands
        return self._on(event, at)

    def _on(self, event: Event, at: float) -> list[Command]:
        match self.floor, event:
            # the call as a whole
            case _, Answered(recording_began):
                return self._answered(recording_began, at)
            case _, HangupRequested(cause):
                return self._hangup_requested(cause, at)
            case _, PutOnHold():
                return self._put_on_hold(at)
            case _, TakenOffHold():
                return self._take_off_hold(at)
            case _, TimerFired(Timer.DURATION):
                return self._end(Hangup(HangupCause.MAXIMUM_DURATION), at)
            case _, MachineAnswered():
                return self._machine_answered(at)
            case _, ProviderFailed(speechless):
                return self._provider_failed(speechless, at)
            case _, Transferred():
                return self._end(Hangup(HangupCause.TRANSFERRED, "transferred"), at)
            # last words: the goodbye is said or the caller has hung up, and the caller still speaks
            case Floor.HEARING, SpeechStopped(ended) if self._is_leaving:
                return self._recognize(ended)
            case Floor.HEARING, Words() as words if self._is_leaving:
                return [*self._overheard(words, at), *self._leave_if_quiet(at)]
            case _, TimerFired(Timer.LAST_WORDS):
                return self._end(self._ending or Hangup(HangupCause.AGENT_ENDED), at)
            case Floor.HEARING, _ if self._is_leaving:
                return []
            # the caller speaks
            case Floor.LISTENING, SpeechStarted(began):
                return self._hear(began)
            case Floor.HEARING, SpeechStarted():
                self._stop(Timer.ENDPOINT)
                return []
            case Floor.THINKING | Floor.SPEAKING, SpeechStarted() if self._may_be_interrupted:
                return self._hold(at)
            case Floor.THINKING | Floor.SPEAKING, SpeechSustained() if self._is_held:
                return self._hear(self._speaking_since or at)
            case Floor.THINKING | Floor.SPEAKING, Partial(text) if self._is_held:
                is_sure = len(text.split()) >= self.policy.confirm_words
                return self._hear(self._speaking_since or at) if is_sure else []
            case Floor.THINKING | Floor.SPEAKING, SpeechStopped() if self._is_held:
                return [Forget(), *self._go_on(at)]  # a cough
            case Floor.THINKING | Floor.SPEAKING, SpeechStopped(ended):
                return self._recognize(ended)
            case Floor.HEARING, SpeechStopped(ended):
                return self._pause_in_turn(ended, at)
            case Floor.HEARING, Words() as words:
                return self._words(words, at)
            case Floor.HEARING, TimerFired(Timer.ENDPOINT | Timer.DIGITS):
                return self._complete_if_over(at)
            case Floor.THINKING | Floor.SPEAKING, Words() as words:
                return self._overheard(words, at)
            case Floor.LISTENING, Words(text) as words if text:
                return self._late_words(words, at)
            case _, Digit(key) if self._ending is None:
                return self._digit(key, at)
            # the brain replies
            case _, Expecting(expectation):
                self.expectation = expectation
                return []
            case _, Understood(step, result):
                return self._judge_turn(step, result)
            case _, Sentence() as sentence if self._is_composing:
                return [*self._judge_turn(), *self._say(sentence)]
            case _, Private(on):
                return self._keep_private(on)
            case _, Language(tag) if self._is_composing:
                return [*self._judge_turn(), UseLanguage(tag)]
            case _, OptedOut() if self._is_composing:
                self.opted_out, self._ending = True, Hangup(HangupCause.OPTED_OUT, "opted_out")
                return self._judge_turn()
            case _, End(disposition) if self._is_composing:
                return self._close(disposition)
            case Floor.THINKING, TimerFired(Timer.FILLER) if self._is_composing and not self._is_held:
                return self._fill_in()
            case _, ReplyDone() if self._reply is not None:
                self._reply.is_composing = False
                return [*self._judge_turn(), *self._finish_if_said(at)]
            # the agent is heard
            case _, Voiced() if self._reply is not None:
                self._reply.began = at if self._reply.began is None else self._reply.began
                return []
            case _, Spoken() if self._reply is not None and self._reply.waiting:
                return self._spoken(self._reply, at)
            # nobody says anything
            case Floor.LISTENING, TimerFired(Timer.REPROMPT):
                return self._reprompt(at)
            case Floor.LISTENING, TimerFired(Timer.SILENCE):
                return self._end(Hangup(HangupCause.CALLER_SILENT), at)
        return []  # late: it no longer matters

    # ── the call as a whole ──────────────────────────────────────────────────────────────────────────────────────

    def _answered(self, recording_began: float, at: float) -> list[Command]:
        self._answered_at = recording_began
        limit = self._wait(Timer.DURATION, at + self.policy.maximum_duration)
        greets_at_once = self.policy.greet_first and not self.policy.hello_wait
        return [limit, *(self._think(Opening()) if greets_at_once else self._listen(at))]

    # ── the caller speaks ────────────────────────────────────────────────────────────────────────────────────────

    def _hear(self, began: float) -> list[Command]:
        """The caller has the floor."""
        self._stop(Timer.REPROMPT, Timer.SILENCE)
        self.floor = Floor.HEARING
        if self._utterance is None:
            self._utterance = Utterance(began, began)
        return []

    @property
    def _may_be_interrupted(self) -> bool:
        if not self.policy.barge_in or self._ending is not None or self._reply is None:
            return False
        return not self._reply.waiting or self._reply.waiting[0].interruptible

    @property
    def _is_held(self) -> bool:
        return self._reply is not None and self._reply.is_held

    def _keep_private(self, on: bool) -> list[Command]:
        """What the caller said before still falls under what held then."""
        judged = self._judge_turn()
        if on == self.is_private:
            return judged
        self.is_private = on
        return [*judged, Mute(on)]

    def _go_on(self, at: float) -> list[Command]:
        """There were no words in it: the agent has the floor again, if it had it."""
        self._stop(Timer.ENDPOINT, Timer.DIGITS)
        self._utterance = None
        if self._reply is None:
            self._silent_for += at - self._listening_since
            return self._listen(at)
        self._reply.is_held = False
        self.floor = Floor.SPEAKING if self._reply.said_anything else Floor.THINKING
        return [Resume(), *self._finish_if_said(at)]

    def _take_off_hold(self, at: float) -> list[Command]:
        if not self._is_on_hold:
            return []
        self._is_on_hold = False
        if self.floor is Floor.HEARING:
            return [self._wait(Timer.ENDPOINT, at)]
        self._listening_since = at
        return self._go_on(at)

    def _pause_in_turn(self, ended: float, at: float) -> list[Command]:
        so_far = self._utterance.text if self._utterance else ""
        needed = silence_needed(so_far, self.expectation, self.policy.endpointing)
        return [*self._recognize(ended), self._wait(Timer.ENDPOINT, max(at, ended + needed))]

    def _words(self, words: Words, at: float) -> list[Command]:
        utterance = self._utterance
        if utterance is None:
            return []
        utterance.words.append(words)
        if self._speaking_since is not None:
            return []
        if self._is_only_a_nod(utterance):
            return [*self._record_caller(utterance), *self._go_on(at)]
        needed = silence_needed(utterance.text, self.expectation, self.policy.endpointing)
        over_at = utterance.last_speech + needed
        if over_at > at:
            return [*self._think_ahead(utterance), self._wait(Timer.ENDPOINT, over_at)]
        self._stop(Timer.ENDPOINT)
        return self._complete_if_over(at)

    def _think_ahead(self, utterance: Utterance) -> list[Command]:
        """They may be done. Not where much could still change what is asked: a reply that they have broken into, more
        words on their way, or a private answer."""
        if not self.policy.early_reply or not self._has_opened or self._ending is not None or self.is_private:
            return []
        if self._reply is not None or self._recognizing or utterance.digits or not utterance.text:
            return []
        if is_unfinished(utterance.text) or is_opt_out(utterance.text):
            return []
        return [ThinkAhead(self._turn_of(utterance))]

    def _late_words(self, words: Words, at: float) -> list[Command]:
        """Said over the agent's last words."""
        if self._is_nod(words.text):
            return self._record_words(words)
        self._utterance = Utterance(*self._last_stretch, [words])
        return self._complete(at)

    def _is_only_a_nod(self, utterance: Utterance) -> bool:
        """Said into the agent's speech, to greet or to agree: no reason to stop."""
        if self._reply is None or utterance.digits or self._recognizing:
            return False
        return self._is_hello(utterance) or self._is_nod(utterance.text)

    def _is_hello(self, utterance: Utterance) -> bool:
        """It answers the telephone, not the agent."""
        after = utterance.began - self._answered_at
        if self._turns_taken > 0 or after > self.policy.opening or is_opt_out(utterance.text):
            return False
        is_short = utterance.last_speech - utterance.began <= self.policy.longest_hello
        sounds_so = is_backchannel(utterance.text) or utterance.is_rejected
        return sounds_so or (is_short and after <= self.policy.pick_up)

    def _is_nod(self, text: str) -> bool:
        is_answer = self.expectation is not None and self.expectation.complete(text)
        return is_backchannel(text) and not is_answer

    def _complete_if_over(self, at: float) -> list[Command]:
        waits = self._awaited.keys() & {Timer.ENDPOINT, Timer.DIGITS}
        if waits or self._speaking_since is not None or self._recognizing:
            return []
        return self._complete(at)

    def _complete(self, at: float) -> list[Command]:
        """The caller's turn is over."""
        self._stop(Timer.ENDPOINT, Timer.DIGITS, Timer.REPROMPT, Timer.SILENCE)
        utterance, self._utterance = self._utterance, None
        if utterance is None or not (utterance.text or utterance.digits or utterance.is_rejected):
            return self._go_on(at)
        if self._ending is not None:
            self.opted_out = self.opted_out or is_opt_out(utterance.text)
            return [*self._record_caller(utterance), *self._go_on(at)]
        if is_opt_out(utterance.text):
            dropped = [*self._judge_turn(), *self._drop_reply(at)]
            step = self.expectation.step if self.expectation is not None else None
            return [*dropped, *self._record_caller(utterance, step, "opt_out"), *self._opt_out(at)]
        unheard = self._reply is not None and not self._reply.heard_text and not utterance.digits
        commands = [*self._judge_turn(), *self._drop_reply(at)]
        self._unjudged = utterance
        if is_loop([*self._lately, TurnRecord(Speaker.CALLER, utterance.text, 0, 0)]):
            return [*commands, *self._end(Hangup(HangupCause.LOOP), at)]
        self._turns_taken += 1
        self._reprompts, self._silent_for = 0, 0.0
        if not self._has_opened:
            return commands + self._think(Opening(utterance.text))
        turn = self._turn_of(utterance, unheard=unheard)
        return [*commands, *self._think(turn), *self._wait_to_fill_in(at)]

    def _turn_of(self, utterance: Utterance, *, unheard: bool = False) -> CallerTurn:
        return CallerTurn(
            utterance.text,
            utterance.confidence,
            utterance.digits,
            utterance.is_rejected,
            unheard,
            utterance.last_speech,
            silence_needed(utterance.text, self.expectation, self.policy.endpointing),
        )

    def _digit(self, key: str, at: float) -> list[Command]:
        commands: list[Command] = []
        if self.floor in (Floor.THINKING, Floor.SPEAKING) and self._may_be_interrupted:
            commands += [*self._hold(at), *self._hear(at)]
        elif self.floor is Floor.LISTENING:
            commands += self._hear(at)
        self._utterance = self._utterance or Utterance(at, at)
        self._utterance.last_speech = at
        if key != "#":
            self._utterance.digits += key
        is_full = key == "#" or len(self._utterance.digits) >= keys_wanted(self.expectation)
        if self.floor is not Floor.HEARING:
            return commands  # typed ahead; taken when the agent has finished
        if is_full:
            return commands + self._complete(at)
        return [*commands, self._wait(Timer.DIGITS, at + self.policy.endpointing.between_digits)]

    # ── the brain replies, the agent is heard ────────────────────────────────────────────────────────────────────

    @property
    def _is_composing(self) -> bool:
        return self._reply is not None and self._reply.is_composing

    def _think(self, about: Opening | CallerTurn | Silence) -> list[Command]:
        self._has_opened = True
        self._reply = Reply(is_reprompt=isinstance(about, Silence))
        self.floor = Floor.THINKING
        return [Think(about)]

    def _wait_to_fill_in(self, at: float) -> list[Command]:
        if self.policy.filler_after is None or not self.policy.fillers:
            return []
        return [self._wait(Timer.FILLER, at + self.policy.filler_after)]

    def _fill_in(self) -> list[Command]:
        """The reply is on its way: say so. What the caller said is judged when it comes."""
        fillers = self.policy.fillers
        return self._say(Sentence(fillers[self._turns_taken % len(fillers)]), is_filler=True)

    def _spoken(self, reply: Reply, at: float) -> list[Command]:
        reply.heard.append(reply.waiting.popleft().text)
        reply.share, reply.last_heard = 0.0, at
        spoke_on = self._speaking_since is not None and not reply.is_held
        if spoke_on and reply.waiting and self._may_be_interrupted:
            # they began while it was not allowed, and still speak
            return [*self._hold(at), *self._hear(self._speaking_since or at)]
        return self._finish_if_said(at)

    def _finish_if_said(self, at: float) -> list[Command]:
        reply = self._reply
        if reply is None or reply.is_composing or reply.waiting or reply.is_held:
            return []
        commands = self._drop_reply(at)
        if self._ending is not None:
            return commands + self._leave_if_quiet(at)
        if reply.is_reprompt and self._reprompts > self.policy.max_reprompts:
            if not reply.said_anything:
                return [*commands, *self._end(Hangup(HangupCause.CALLER_SILENT), at)]
            self._reprompts = 0  # the brain has another way
        return commands + self._listen(at)

    # ── nobody says anything ─────────────────────────────────────────────────────────────────────────────────────

    def _listen(self, at: float) -> list[Command]:
        self._listening_since = at
        if self._speaking_since is not None:
            return self._hear(self._speaking_since)
        if self._utterance is not None and self._utterance.digits:
            self.floor = Floor.HEARING
            if len(self._utterance.digits) >= keys_wanted(self.expectation):
                return self._complete(at)
            return [self._wait(Timer.DIGITS, at + self.policy.endpointing.between_digits)]
        self._utterance = None
        self.floor = Floor.LISTENING
        left = max(0.0, self.policy.silence_hangup - self._silent_for)
        waits_for_hello = self.policy.greet_first and not self._has_opened
        patience = self.policy.hello_wait if waits_for_hello else self.policy.reprompt_after
        return [
            self._wait(Timer.REPROMPT, at + patience),
            self._wait(Timer.SILENCE, at + left),
        ]

    def _reprompt(self, at: float) -> list[Command]:
        self._stop(Timer.SILENCE)
        self._silent_for += at - self._listening_since
        if not self._has_opened:
            return self._think(Opening())
        self._reprompts += 1
        return self._think(Silence(self._reprompts, last=self._reprompts > self.policy.max_reprompts))
