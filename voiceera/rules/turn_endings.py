"""The ways a conversation ends: hung up, said goodbye, opted out, failed, or left on an answering machine."""

from voiceera.rules.calls import HangupCause
from voiceera.rules.opt_out import is_opt_out
from voiceera.rules.turn_events import (
    Beeped,
    Command,
    Digit,
    Event,
    Hangup,
    MachineAnswered,
    Partial,
    Sentence,
    SpeechStarted,
    SpeechStopped,
    Timer,
    TimerFired,
    Words,
)
from voiceera.rules.turn_state import Floor, Reply, TurnState


class TurnEndings(TurnState):
    def _hangup_requested(self, cause: HangupCause, at: float) -> list[Command]:
        if cause not in (HangupCause.CALLER_HUNG_UP, HangupCause.LINE_LOST):
            return self._end(Hangup(cause), at)
        if self._line_is_gone:
            return []
        self._line_is_gone, self._is_on_hold = True, False
        commands = [*self._judge_turn(), *self._drop_reply(at), *self._note_utterance()]
        if self._ending is None:
            self._ending = Hangup(cause)
        if self._speaking_since is not None:
            self._speaking_since = None
            commands += self._recognize(at)  # "stop calling me" *click*
        return commands + self._leave_if_quiet(at)

    def _end(self, hangup: Hangup, at: float) -> list[Command]:
        commands = [*self._judge_turn(), *self._drop_reply(at), *self._note_utterance()]
        self._awaited.clear()
        self.floor = Floor.ENDED
        return [*commands, hangup]

    def _note_utterance(self) -> list[Command]:
        """What the caller was saying, although nobody will answer it."""
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            return []
        self.opted_out = self.opted_out or is_opt_out(utterance.text)
        return self._record_caller(utterance)

    @property
    def _is_leaving(self) -> bool:
        """All is said; only the caller's last words are waited for."""
        return self._ending is not None and self._reply is None

    def _leave_if_quiet(self, at: float) -> list[Command]:
        if self._ending is None or (self._speaking_since is None and not self._recognizing):
            return self._end(self._ending or Hangup(HangupCause.AGENT_ENDED), at)
        self.floor = Floor.HEARING
        if Timer.LAST_WORDS in self._awaited:
            return []
        return [self._wait(Timer.LAST_WORDS, at + self.policy.last_words)]

    def _provider_failed(self, speechless: bool, at: float) -> list[Command]:
        failed = Hangup(HangupCause.PROVIDER_FAILED)
        self._recognizing = 0
        if speechless:
            return self._end(failed, at)
        if self._ending is not None:
            return self._leave_if_quiet(at) if self._is_leaving else []
        return self._say_last(self.policy.apology, failed, at)

    # ── last words ───────────────────────────────────────────────────────────────────────────────────────────────

    def _say_last(self, text: str, ending: Hangup, at: float) -> list[Command]:
        """Drop whatever was under way, say this in full, and end."""
        commands = [*self._judge_turn(), *self._drop_reply(at), *self._note_utterance()]
        self._ending, self._is_on_hold = ending, False
        self._stop(*(timer for timer in Timer if timer is not Timer.DURATION))
        if not text:
            return commands + self._leave_if_quiet(at)
        self._reply = Reply(is_composing=False)
        self.floor = Floor.THINKING
        return commands + self._say(Sentence(text, interruptible=False))

    def _opt_out(self, at: float) -> list[Command]:
        self.opted_out = True
        return self._say_last(self.policy.opt_out_reply, Hangup(HangupCause.OPTED_OUT, "opted_out"), at)

    def _overheard(self, words: Words, at: float) -> list[Command]:
        """Said while the agent may not be interrupted: nothing to answer, unless it is an opt-out."""
        commands = self._record_words(words)
        if not is_opt_out(words.text):
            return commands
        if self._ending is None:
            return commands + self._opt_out(at)
        self.opted_out = True
        return commands

    def _close(self, disposition: str | None) -> list[Command]:
        is_reprompt = self._reply is not None and self._reply.is_reprompt
        if self._ending is None:
            cause = HangupCause.CALLER_SILENT if is_reprompt else HangupCause.AGENT_ENDED
            self._ending = Hangup(cause, disposition)
        elif self._ending.cause is HangupCause.OPTED_OUT:
            self._ending = Hangup(HangupCause.OPTED_OUT, disposition or self._ending.disposition)
        return self._judge_turn()

    # ── the answering machine ────────────────────────────────────────────────────────────────────────────────────

    def _machine_answered(self, at: float) -> list[Command]:
        if self.policy.voicemail == "continue" or (self._ending and self._ending.cause is HangupCause.VOICEMAIL):
            return []
        if self.policy.voicemail == "hang_up":
            return self._end(Hangup(HangupCause.VOICEMAIL), at)
        commands = [*self._judge_turn(), *self._drop_reply(at), *self._note_utterance()]
        self._awaits_beep, self._ending = True, None
        self._stop(*(timer for timer in Timer if timer is not Timer.DURATION))
        self.floor = Floor.LISTENING if self._speaking_since is None else Floor.HEARING
        return [*commands, self._wait(Timer.BEEP, at + self.policy.beep_wait)]

    def _on_with_machine(self, event: Event, at: float) -> list[Command] | None:
        """A machine greets; its beep or its silence is waited for. None: as in any conversation."""
        match event:
            case SpeechStarted():
                self.floor = Floor.HEARING
                self._stop(Timer.BEEP)
                return []
            case SpeechStopped(ended):
                self.floor = Floor.LISTENING
                return [*self._recognize(ended), self._wait(Timer.BEEP, ended + self.policy.beep_wait)]
            case Beeped():
                return [self._wait(Timer.BEEP, at + self.policy.beep_tail)]
            case TimerFired(Timer.BEEP):
                self._awaits_beep = False
                return self._say_last(self.policy.voicemail_message, Hangup(HangupCause.VOICEMAIL), at)
            case Words() as words:
                return self._record_words(words)
            case Digit() | Partial() | MachineAnswered():
                return []
        return None
