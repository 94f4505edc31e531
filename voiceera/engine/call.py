"""One live call.

Everything that happens becomes an event in one queue; one loop asks the conversation and performs what it answers.
Audio frames are not events: they go straight to the recording and the ear.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any, assert_never

from voiceera.clock import utc_now
from voiceera.engine.agent_voice import AgentVoice
from voiceera.engine.answered_by import AnsweredByWatch
from voiceera.engine.brains import Brain, brain_for
from voiceera.engine.caller_ear import CallerEar
from voiceera.engine.ear_opening import EarOpening
from voiceera.engine.key_sounds import KeySounds
from voiceera.engine.line import CallObserver, Line
from voiceera.engine.playback import Playback
from voiceera.engine.recorder import Recorder
from voiceera.engine.shared import Shared
from voiceera.engine.timers import Timers
from voiceera.engine.tools import CallTools
from voiceera.engine.turn_clock import LatencyOfTurns
from voiceera.errors import ProviderError
from voiceera.log import get_logger
from voiceera.providers.protocols import TextToSpeech, Voice
from voiceera.rules.calls import (
    AnsweredBy,
    CallBrief,
    CallResult,
    Direction,
    HangupCause,
    RecordingFile,
    Speaker,
    TurnRecord,
)
from voiceera.rules.phrases import opening_phrases
from voiceera.rules.speech_segments import SegmentRules
from voiceera.rules.templates import fill
from voiceera.rules.turn_events import (
    Answered,
    CallerTurn,
    Command,
    Digit,
    Event,
    Forget,
    Hangup,
    HangupRequested,
    Hush,
    Mute,
    Opening,
    Partial,
    ProviderFailed,
    PutOnHold,
    Recognize,
    Record,
    ReplyDone,
    Resume,
    Say,
    Silence,
    Spoken,
    TakenOffHold,
    Think,
    ThinkAhead,
    TimerFired,
    UseLanguage,
    Voiced,
    Wait,
    Words,
    Yield,
)
from voiceera.rules.turn_policy import TurnPolicy
from voiceera.rules.turns import Conversation

SETUP_SECONDS = 8.0
"""How long finding a call's providers may take."""
PLAYED_OUT_SECONDS = 1.0
"""How long the carrier may take to say that it has played our last word."""
CLOSING_SECONDS = 10.0
OVERDUE_SECONDS = 15.0
"""After the maximum duration, the watchdog ends a call whose loop has not."""
_LAST_MARK = "end"

log = get_logger("engine")


class Call:
    """A conversation under way: a `LiveCall`, and a `CallResult` to wait for."""

    def __init__(self, shared: Shared, line: Line, brief: CallBrief, observer: CallObserver) -> None:
        """Raises Unavailable when the process cannot hear one more caller."""
        self.brief = brief
        self._shared = shared
        self._line = line
        self._observer = observer
        self._clock = shared.clock
        self._loop = asyncio.get_running_loop()
        self._started_at = utc_now()
        self._began = self._clock()
        policy = TurnPolicy.of(
            brief.agent,
            fill(brief.agent.conversation.voicemail_message or "", brief.variables),
            brief.direction,
        )
        self._conversation = Conversation(policy)
        self._floor = self._conversation.floor
        self._events: deque[Event] = deque()
        self._is_handling = False
        self._timers = Timers(self._clock, lambda timer: self._post(TimerFired(timer)))
        self._tasks: set[asyncio.Task[None]] = set()
        self._thinking: asyncio.Task[None] | None = None
        self._brain: Brain | None = None
        self._voice: AgentVoice | None = None
        self._last_voice: TextToSpeech | None = None
        self._ear_opening: EarOpening | None = None
        self._switches = 0
        self._turns: list[TurnRecord] = []
        self._latency = LatencyOfTurns()
        self._hangup: Hangup | None = None
        self._error: str | None = None
        self._over = asyncio.Event()
        self._line_is_open = True
        self._played_out = asyncio.Event()
        self._ear = CallerEar(
            shared.voice_activity,
            line.audio_format,
            SegmentRules(sustained=policy.barge_in_confirm),
            post=self._post,
            expected=self._expected_phrases,
            spawn=self._spawn,
        )
        self._recorder = Recorder(brief.recording_path, line.audio_format, shared.recordings, self._began)
        self._playback = Playback(
            line,
            shared.wheel,
            on_first_frame=self._on_first_frame,
            on_finished=self._on_finished,
            recorder=self._recorder,
            clock=self._clock,
        )
        self._keys = KeySounds(self._playback, line.audio_format)
        self._tools = CallTools(
            brief,
            shared.tools,
            now=utc_now,
            elapsed=lambda: self._clock() - self._began,
            all_heard=self._all_heard,
            sound_keys=self._keys.play,
            spawn=self._spawn,
            post=self._post,
            noted=observer.tool,
        )
        self._watch: AnsweredByWatch | None = None
        self._answered_by = AnsweredBy.HUMAN
        if brief.direction is Direction.OUTBOUND:
            self._watch = AnsweredByWatch(line.audio_format, self._began, self._post)
        self._watchdog = self._loop.call_later(policy.maximum_duration + OVERDUE_SECONDS, self._overdue)
        self.running = self._loop.create_task(self._run())

    # ── the line ─────────────────────────────────────────────────────────────────────────────────────────────────

    def on_audio(self, audio: bytes) -> None:
        if self._over.is_set():
            return
        now = self._clock()
        self._recorder.caller(audio, now)
        self._ear.on_audio(audio)
        if self._watch is not None:
            self._watch.on_audio(audio, now)
            if self._watch.is_over:
                self._end_watch(self._watch)

    def on_digit(self, digit: str) -> None:
        self._post(Digit(digit))

    def on_mark(self, name: str) -> None:
        if name == _LAST_MARK:
            self._played_out.set()

    def hold(self) -> None:
        self._post(PutOnHold())

    def release(self) -> None:
        self._post(TakenOffHold())

    def on_closed(self) -> None:
        self._line_is_open = False
        self._played_out.set()
        self._post(HangupRequested(HangupCause.CALLER_HUNG_UP))

    def request_hangup(self, cause: HangupCause) -> None:
        self._post(HangupRequested(cause))

    async def wait(self) -> CallResult:
        """The result, once the conversation is over and the recording closed. Never raises for what happened in it.

        The line is not hung up yet: whoever waits stores the result first, and calls `Line.hang_up` then.
        """
        return await asyncio.shield(self.running)

    # ── the loop ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _post(self, event: Event) -> None:
        """Something happened. Events that come up while one is handled wait for their turn."""
        self._events.append(event)
        if self._is_handling:
            return
        self._is_handling = True
        try:
            while self._events and not self._over.is_set():
                self._handle(self._events.popleft())
        except Exception as fault:  # a call ends with a cause, whatever happens in it
            self._crash(fault)
        finally:
            self._is_handling = False

    def _handle(self, event: Event) -> None:
        now = self._clock()
        if self._watch is not None:
            self._watch.on_event(event, now)
        if isinstance(event, Words):
            self._latency.words_came(now)
        elif isinstance(event, Partial) and not self._conversation.is_private:
            self._observer.partial(event.text)
        heard_share = self._voice.heard_share if self._voice is not None else 0.0
        for command in self._conversation.on(event, now, heard_share):
            self._perform(command, now)
        if self._conversation.floor is not self._floor:
            self._floor = self._conversation.floor
            self._observer.floor(self._floor)

    def _perform(self, command: Command, now: float) -> None:
        match command:
            case ThinkAhead(turn):
                if self._brain is not None:
                    self._brain.think_ahead(turn, tuple(self._turns))
            case Think(about):
                self._latency.thinks_about(about, now)
                self._thinking = self._spawn(self._think(about))
            case Say(text, is_filler, recording):
                if not is_filler:
                    self._latency.first_sentence(now)
                if self._voice is not None:
                    self._voice.say(text, recording, is_filler=is_filler)
            case Yield():
                self._playback.pause()
            case Resume():
                self._playback.resume()
            case Hush():
                self._hush()
            case Recognize():
                self._latency.words_asked(now)
                self._ear.recognize()
            case Forget():
                self._ear.forget()
            case Wait(timer, until):
                self._timers.set(timer, until)
            case Record(record):
                self._record(record)
            case Mute(on):
                self._recorder.mute(on)
            case UseLanguage(tag):
                self._use_language(tag)
            case Hangup():
                self._hangup = command
                self._over.set()
            case _:
                assert_never(command)

    def _use_language(self, tag: str) -> None:
        if self._voice is not None:
            self._voice.use_language(tag)
        if self._ear_opening is not None:
            self._ear_opening.listen_in(tag)

    def _hush(self) -> None:
        if self._thinking is not None:
            self._thinking.cancel()
            self._thinking = None
        if self._voice is not None:
            self._voice.hush()

    def _record(self, turn: TurnRecord) -> None:
        turn = replace(turn, text=self._tools.hidden(turn.text))
        if turn.speaker is Speaker.AGENT:
            turn = replace(turn, latency=self._latency.take())
        self._turns.append(turn)
        self._observer.turn(len(self._turns) - 1, turn)

    def _on_first_frame(self, tag: str, at: float) -> None:
        if self._keys.are(tag):
            return
        if self._voice is None or not self._voice.is_filler(tag):
            self._latency.sent(at)
        if self._voice is not None:
            self._observer.speaking(self._tools.hidden(self._voice.text_of(tag)))
        self._post(Voiced())

    def _on_finished(self, tag: str, at: float) -> None:
        if self._keys.are(tag):
            self._keys.finished(tag)
            return
        if self._voice is not None:
            self._voice.finished(tag)
        self._post(Spoken())

    # ── what takes time ──────────────────────────────────────────────────────────────────────────────────────────

    async def _think(self, about: Opening | CallerTurn | Silence) -> None:
        assert self._brain is not None
        parts = self._brain.reply(about, tuple(self._turns))
        try:
            async with aclosing(parts) as stream:
                async for part in stream:
                    self._post(part)
        except (ProviderError, TimeoutError) as error:
            self._provider_failed("brain", error)
            return
        self._post(ReplyDone())

    async def _set_up(self) -> None:
        """Find the providers and begin. The caller is heard and recorded meanwhile."""
        try:
            async with asyncio.timeout(SETUP_SECONDS):
                found = await self._shared.providers_for(self.brief)
            providers = found.secured(self._shared.health, self._note_switch)
            today = self._started_at.date()
            self._brain = brain_for(self.brief, providers.language_model, self._tools, today, providers.talk)
        except (ProviderError, TimeoutError) as error:
            self._note_failure("set-up", error)
            self._post(ProviderFailed(speechless=True))
            return
        parameters = self.brief.agent.voice_parameters
        self._voice = AgentVoice(
            providers.text_to_speech,
            Voice(self.brief.agent.language, parameters.voice_id, parameters.speed),
            self._line.audio_format,
            self._playback,
            voices=parameters.voices,
            recorded=self._recorded,
            spawn=self._spawn,
            on_first_sound=lambda: self._latency.first_sound(self._clock()),
            on_failed=self._voice_failed,
        )
        self._last_voice = providers.last_voice
        self._ear_opening = EarOpening(
            self._ear,
            providers.speech_to_text,
            self.brief,
            self._line.audio_format,
            self._shared.phrases_of(self.brief),
            within_seconds=SETUP_SECONDS,
            failed=self._provider_failed,
            spawn=self._spawn,
        )
        self._ear_opening.listen_in(self.brief.agent.language)
        self._post(Answered(self._began))

    async def _recorded(self, name: str) -> bytes | None:
        """The operator's recording; whatever is wrong with it, there is a voice for its text."""
        try:
            return await self._shared.prompts(self.brief, name, self._line.audio_format)
        except Exception:
            log.exception("prompt_not_found", call_id=str(self.brief.call_id), name=name)
            return None

    async def _all_heard(self) -> None:
        if self._voice is not None:
            await self._voice.all_heard()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """A task that the call owns: it ends with the call, and its fault ends the call."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._crash(fault)

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self) -> CallResult:
        try:
            self._spawn(self._set_up())
            await self._over.wait()
            hangup = self._hangup or Hangup(HangupCause.ERROR)
            await self._play_out()
        finally:
            recording = await self._close()
        if self._watch is not None:
            self._end_watch(self._watch)
        if hangup.cause is HangupCause.VOICEMAIL:
            self._answered_by = AnsweredBy.MACHINE
        return CallResult(
            started_at=self._started_at,
            ended_at=utc_now(),
            cause=hangup.cause,
            answered_by=self._answered_by,
            audio_format=self._line.audio_format,
            disposition=hangup.disposition or self._tools.disposition,
            turns=tuple(self._turns),
            results=self._results(),
            opted_out=self._conversation.opted_out,
            callback_at=self._tools.callback_at,
            tools=tuple(self._tools.uses),
            usage=self._usage(),
            interruptions=self._conversation.interruptions,
            recording=recording,
            error=self._error,
        )

    def _results(self) -> dict[str, str]:
        found = (dict(self._brain.results) if self._brain is not None else {}) | self._tools.results
        return {name: self._tools.hidden(value) for name, value in found.items()}

    def _usage(self) -> dict[str, int]:
        counted = dict(self._brain.usage) if self._brain is not None else {}
        return counted | ({"provider_switches": self._switches} if self._switches else {})

    async def _play_out(self) -> None:
        """What was sent last may still be on its way: hanging up now would cut it."""
        if self._line_is_open and self._turns and self._turns[-1].speaker is Speaker.AGENT:
            self._line.mark(_LAST_MARK)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._played_out.wait(), PLAYED_OUT_SECONDS)

    async def _close(self) -> RecordingFile | None:
        """Let go of everything. Faults are logged: the result stands."""
        self._over.set()
        self._watchdog.cancel()
        self._timers.close()
        self._playback.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        recording = None
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._ear.close()
                if self._brain is not None:
                    await self._brain.close()
                recording = await self._recorder.close(self._clock())
        except Exception as fault:  # whatever a provider or a disk does now, the call is over
            log.exception("call_not_closed", call_id=str(self.brief.call_id))
            self._error = self._error or f"{type(fault).__name__} while closing"
        return recording

    def _provider_failed(self, part: str, error: Exception, *, speechless: bool = False) -> None:
        self._note_failure(part, error)
        self._post(ProviderFailed(speechless))

    def _voice_failed(self, error: Exception) -> None:
        """Nothing more is heard of this voice; another may be left to say the apology."""
        last, self._last_voice = self._last_voice, None
        if last is not None and self._voice is not None:
            self._voice.speak_with(last)
        self._provider_failed("text-to-speech", error, speechless=last is None)

    def _note_switch(self, provider: object, error: Exception) -> None:
        """One of several providers failed, and another goes on."""
        self._switches += 1
        vendor = error.vendor if isinstance(error, ProviderError) else type(provider).__name__
        log.warning("provider_switched", call_id=str(self.brief.call_id), vendor=vendor, reason=str(error))

    def _note_failure(self, part: str, error: Exception) -> None:
        vendor = error.vendor if isinstance(error, ProviderError) else None
        log.warning("provider_failed", call_id=str(self.brief.call_id), part=part, vendor=vendor, reason=str(error))
        self._error = f"{part}: {error or 'no answer in time'}"

    def _crash(self, fault: BaseException) -> None:
        if self._over.is_set():
            return
        log.error("call_failed", call_id=str(self.brief.call_id), exc_info=fault)
        self._error = f"{type(fault).__name__}: {fault}"
        self._hangup = Hangup(HangupCause.ERROR)
        self._over.set()

    def _overdue(self) -> None:
        """The watchdog, outside the loop: no call outlives its maximum duration by much."""
        log.error("call_overdue", call_id=str(self.brief.call_id), floor=self._conversation.floor)
        self._error = "the conversation did not end in time"
        self._hangup = Hangup(HangupCause.MAXIMUM_DURATION)
        self._over.set()

    def _end_watch(self, watch: AnsweredByWatch) -> None:
        self._answered_by, self._watch = watch.verdict, None

    def _expected_phrases(self) -> tuple[str, ...]:
        if (expectation := self._conversation.expectation) is not None:
            return expectation.phrases
        has_spoken = any(turn.speaker is Speaker.AGENT for turn in self._turns)
        return () if has_spoken else opening_phrases()
