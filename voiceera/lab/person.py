"""How a callee behaves: opens, listens, thinks, answers; interrupts, waits, hangs up. One coroutine a call."""

import asyncio
import random
from collections.abc import Mapping
from itertools import chain

from voiceera.lab.callees.directory import Callee
from voiceera.lab.callees.script import Act, Reply
from voiceera.lab.callees.wordings import another_intent, common_cues, word_it
from voiceera.lab.ear import AgentSpoke
from voiceera.lab.handset import AgentBegan, Handset, Sound
from voiceera.lab.hearing import Hearing, Understood
from voiceera.lab.ledger import Event
from voiceera.lab.speech import Speech, music, silence, tone

_BEEP_HERTZ, _BEEP_DBFS, _MUSIC_DBFS = 1000.0, -16.0, -26.0
_OPENING_SECONDS = (0.3, 0.8)
_PUZZLED_SECONDS = 0.6
"""What a callee adds to its thought when it made nothing of the agent's words: perhaps they go on."""
_LISTENED_BYTES_SECONDS = 5
_RECORDING_QUIET_SECONDS = 6.0
_FAREWELL_SECONDS = 3.0
_INTO_A_TURN = 0.5
"""Nobody interrupts the first half second of a turn."""


class Person:
    """One callee in one call. `scramble`: what it says is another's words, while the ledger notes its own."""

    def __init__(
        self, callee: Callee, handset: Handset, speech: Speech, hearing: Hearing, *, scramble: bool = False
    ) -> None:
        self._script = callee.script
        self._manner = callee.script.manner
        self._chance: random.Random = callee.chance
        self._handset = handset
        self._speech = speech
        self._hearing = hearing
        self._scramble = scramble
        self._cues = _all_cues(callee.script.cues)
        self._in_order = [reply for reply in callee.script.replies if reply.when not in ("repeat", "goodbye")]
        self._used: list[Reply] = []
        self._said: dict[str, tuple[str, ...]] = {}
        self._last: Act | None = None
        self._interruptions = list(callee.script.manner.interrupts)
        self._heard_seconds = 0.0
        self._is_leaving = False

    async def converse(self) -> None:
        """Returns when the callee hangs up."""
        await asyncio.sleep(self._chance.uniform(*_OPENING_SECONDS))
        for act in self._script.opening:
            if await self._do(act):
                return
        asked_who_is_there = False
        while True:
            sound = await self._next_sound(_FAREWELL_SECONDS if self._is_leaving else self._manner.patience)
            match sound:
                case None if self._is_leaving or asked_who_is_there:
                    return
                case None:
                    asked_who_is_there = True
                    await self._do(Act(intent="prompting"))
                case AgentBegan() as began:
                    if await self._interrupts(began):
                        return
                case AgentSpoke():
                    asked_who_is_there = False
                    if await self._answers(sound):
                        return

    async def _answers(self, spoke: AgentSpoke) -> bool:
        """Think, then do what fits; not if the agent goes on meanwhile. True: hang up."""
        self._heard_seconds += spoke.ended - spoke.began
        if spoke.ended < self._handset.last_said_at:  # the agent fell silent because we spoke: nothing to answer
            return False
        thought = spoke.ended + self._chance.uniform(*self._manner.delay)
        understood = await self._understand(spoke)
        if understood.cue is None:
            thought += _PUZZLED_SECONDS
        if await self._agent_goes_on(thought - self._handset.now()):
            return False
        reply = self._reply_to(understood)
        if reply is None:
            return False
        if reply.when == "goodbye":
            self._is_leaving = True
        return await self._do(reply)

    async def _understand(self, spoke: AgentSpoke) -> Understood:
        audio_format = self._handset.audio_format
        size = _LISTENED_BYTES_SECONDS * audio_format.sample_rate * audio_format.bytes_per_sample
        understood = await self._hearing.understand(spoke.audio[-size:], audio_format, self._cues)
        self._handset.note(Event.HEARD, words=understood.words, cue=understood.cue or "")
        return understood

    async def _agent_goes_on(self, seconds: float) -> bool:
        """Wait; True as soon as the agent speaks again."""
        try:
            await asyncio.wait_for(self._handset.agent_begins(), max(0.0, seconds))
        except TimeoutError:
            return False
        return True

    async def _interrupts(self, began: AgentBegan) -> bool:
        """Speak into the agent's turn, if that is this callee's manner and the turn lasts. True: hang up."""
        if not self._interruptions:
            return False
        due = self._interruptions[0].after - self._heard_seconds
        try:
            async with asyncio.timeout(max(_INTO_A_TURN, due) - (self._handset.now() - began.at)):
                while not isinstance(sound := await self._handset.sounds.get(), AgentSpoke):
                    pass
        except TimeoutError:
            del self._interruptions[0]
            reply = self._next_in_order()
            return reply is not None and await self._do(reply, note="interrupts")
        return await self._answers(sound)

    def _reply_to(self, understood: Understood) -> Reply | None:
        """The reply for the cue; without one, the next in order; with none left, the last one again. A script that
        heeds no cue says its replies one after the other, whatever it hears."""
        if not any(reply.when for reply in self._script.replies):
            return self._next_in_order()
        fitting = [] if understood.cue is None else [r for r in self._script.replies if r.when == understood.cue]
        fresh = [reply for reply in fitting if reply.again or not self._is_used(reply)]
        reply = fresh[0] if fresh else None
        if reply is None and understood.cue not in ("repeat", "goodbye"):
            reply = self._next_in_order()
        if reply is not None and reply.contradicted_by(understood.words):
            reply = reply.model_copy(update={"intent": reply.otherwise, "says": None})
        return reply

    def _is_used(self, reply: Reply) -> bool:
        """This very one: a script may say the same words twice."""
        return any(each is reply for each in self._used)

    def _next_in_order(self) -> Reply | None:
        fresh = [reply for reply in self._in_order if not self._is_used(reply)]
        if fresh:
            return fresh[0]
        return Reply(repeat=True) if self._last is not None else None

    async def _do(self, act: Act, note: str = "") -> bool:
        """True: hang up."""
        if isinstance(act, Reply) and not self._is_used(act):
            self._used.append(act)
        if act.repeat:
            if self._last is None:
                return False
            act = self._last
        if act.hang_up:
            return True
        if act.press:
            self._handset.press(act.press)
        elif act.record is not None:
            await self._record(act.record)
            return True
        elif act.says or act.intent or act.wav:
            await self._speak(act, note)
        else:
            await self._sound(act)
        return False

    async def _speak(self, act: Act, note: str) -> None:
        intent = act.intent or ""
        words = act.says or (word_it(intent, self._chance, self._said.get(intent, ())) if intent else act.wav or "")
        self._said[intent] = (*self._said.get(intent, ()), words)
        if isinstance(act, Reply) and act.when != "goodbye":
            self._last = act
        spoken = words
        if self._scramble and isinstance(act, Reply):
            spoken = word_it(another_intent(intent, self._chance), self._chance)
        voice, audio_format = self._script.voice, self._handset.audio_format
        if act.wav and not self._scramble:
            audio = await self._speech.play(act.wav, self._manner, voice.level_dbfs, audio_format)
        else:
            hesitation = self._chance.randrange(3)
            audio = await self._speech.say(spoken, voice, self._manner, audio_format, hesitation)
        await self._handset.say(audio, words.replace("|", "").replace("  ", " "), intent, note=note)

    async def _sound(self, act: Act) -> None:
        audio_format = self._handset.audio_format
        if act.beep is not None:
            await self._handset.say(tone(_BEEP_HERTZ, act.beep, _BEEP_DBFS, audio_format))
            self._handset.note(Event.BEEP)
        elif act.music is not None:
            await self._handset.say(music(act.music, _MUSIC_DBFS, audio_format))
        elif act.pause is not None:
            await self._handset.say(silence(act.pause, self._manner.noise_dbfs, audio_format))

    async def _record(self, seconds: float) -> None:
        """Keep what the agent says until it has been quiet for long, or the tape is full."""
        heard: list[AgentSpoke] = []
        try:
            async with asyncio.timeout(seconds):
                while (sound := await self._next_sound(_RECORDING_QUIET_SECONDS)) is not None:
                    if isinstance(sound, AgentSpoke):
                        heard.append(sound)
        except TimeoutError:
            pass
        finally:
            kept = sum(each.ended - each.began for each in heard)
            self._handset.note(Event.RECORDED, ms=round(kept * 1000))

    async def _next_sound(self, seconds: float) -> Sound | None:
        """None: the agent was silent for so long."""
        while True:
            try:
                return await asyncio.wait_for(self._handset.sounds.get(), seconds)
            except TimeoutError:
                if not self._handset.agent_is_speaking:
                    return None


def _all_cues(own: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    names = dict.fromkeys(chain(common_cues(), own))
    return {name: (*common_cues().get(name, ()), *own.get(name, ())) for name in names}
