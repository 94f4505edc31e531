"""A call's tools: what the brain may do besides talking, checked against the agent's own configuration, and noted."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from voiceera.engine.line import Switchboard
from voiceera.errors import OnlyAsSound, ProviderError
from voiceera.log import get_logger
from voiceera.providers.protocols import ToolRequest
from voiceera.rules.calls import CallBrief, ToolUse
from voiceera.rules.numbers import digits_in
from voiceera.rules.tools import (
    LONGEST_ANSWER,
    LONGEST_ARGUMENTS,
    MOST_USES,
    BadArguments,
    CollectPrivate,
    EndCall,
    HttpTool,
    OptOut,
    RecordOutcome,
    Scalar,
    ScheduleCallback,
    SendDtmf,
    SwitchLanguage,
    Tool,
    ToolSpec,
    TransferCall,
    checked,
    name_of,
    spec,
)
from voiceera.rules.turn_events import CallerTurn, End, Language, OptedOut, Part, Private, Transferred
from voiceera.rules.turn_state import UNSAID
from voiceera.rules.words import words_of

CARRIER_SECONDS = 8.0
"""How long a carrier may take to do what it is asked."""
_Noting = OptOut | ScheduleCallback | RecordOutcome
_Immediate = EndCall | SendDtmf | CollectPrivate | SwitchLanguage | HttpTool | _Noting
_PLACEHOLDER = re.compile(r"\{\{ *private\.([a-z][a-z0-9_]{0,63}) *\}\}")
_KEYS = re.compile(r"[0-9*#]{1,32}")
_ALWAYS: dict[str, Tool] = {
    "end_call": EndCall(kind="end_call"),
    "opt_out": OptOut(kind="opt_out"),
    "send_dtmf": SendDtmf(kind="send_dtmf"),
    "schedule_callback": ScheduleCallback(kind="schedule_callback"),
    "record_outcome": RecordOutcome(kind="record_outcome"),
}
"""What a flow may use undeclared: its author wrote the step."""

log = get_logger("tools")


class HttpCaller(Protocol):
    async def call(self, brief: CallBrief, tool: HttpTool, arguments: dict[str, Scalar]) -> str:
        """What the endpoint answered (a 2xx), cut to size. Raises ProviderError, with nothing secret in it."""


@dataclass(frozen=True)
class ToolAnswer:
    """`text` is for the brain; `parts` are what follows for the conversation; `say`: what to say before them."""

    text: str
    worked: bool = True
    parts: tuple[Part, ...] = ()
    say: str = ""


CONNECTED = ToolAnswer("The caller is connected.")


@dataclass(frozen=True)
class ToolDesk:
    """Who does what tools ask for, in every call of a process. None: this process cannot."""

    switchboard: Switchboard | None = None
    http: HttpCaller | None = None


class CallTools:
    """`all_heard` returns when the caller has heard all that was ordered to be said, `sound_keys` when they have
    heard the tones of keys; `spawn` makes a task that the call owns: what a carrier was asked for goes on when the
    caller interrupts."""

    def __init__(
        self,
        brief: CallBrief,
        desk: ToolDesk,
        *,
        now: Callable[[], datetime],
        elapsed: Callable[[], float],
        all_heard: Callable[[], Awaitable[None]],
        sound_keys: Callable[[str], Coroutine[Any, Any, None]],
        spawn: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"],
        post: Callable[[Part], None],
        noted: Callable[[ToolUse], None],
    ) -> None:
        self._brief = brief
        self._desk = desk
        self._now = now
        self._elapsed = elapsed
        self._all_heard = all_heard
        self._sound_keys = sound_keys
        self._spawn = spawn
        self._post = post
        self._noted = noted
        self._declared: dict[str, Tool] = {name_of(tool): tool for tool in brief.agent.tools}
        self.uses: list[ToolUse] = []
        self.results: dict[str, str] = {}
        """What was noted of the outcome."""
        self.disposition: str | None = None
        self.callback_at: datetime | None = None
        self._collecting: CollectPrivate | None = None
        self._private: dict[str, str] = {}
        self._secrets: set[str] = set()

    # ── what is nobody's business ────────────────────────────────────────────────────────────────────────────────

    def hide(self, secrets: Collection[str]) -> None:
        """Texts that shall stand nowhere."""
        self._secrets |= {secret for secret in secrets if secret}

    def hidden(self, text: str) -> str:
        """The text without them."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, UNSAID)
        return text

    def private_turn(self, about: CallerTurn) -> CallerTurn | None:
        """The caller's answer to `collect_private` as a model is told of it; None: nothing of the kind was asked."""
        tool, self._collecting = self._collecting, None
        if tool is None:
            return None
        digits = about.digits or "".join(digits_in(words_of(about.text)))
        if not digits or (tool.digits is not None and len(digits) != tool.digits):
            wanted = "digits" if tool.digits is None else f"{tool.digits} digits"
            told = f"(What the caller said was not understood as {wanted}. Ask again, by {tool.name}.)"
        else:
            self._private[tool.name] = digits
            self.hide({digits})
            told = f"(The caller gave {len(digits)} digits. They are in {{{{private.{tool.name}}}}}.)"
        return replace(about, text=told, digits="", rejected=False)

    def _with_private(self, given: dict[str, Scalar]) -> dict[str, Scalar]:
        """Arguments with what they refer to."""

        def value_of(match: re.Match[str]) -> str:
            if match[1] not in self._private:
                raise BadArguments(f"nothing was collected as {match[1]}")
            return self._private[match[1]]

        return {
            name: _PLACEHOLDER.sub(value_of, value) if isinstance(value, str) else value
            for name, value in given.items()
        }

    # ── using them ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What a model is told that it may use; nothing once the call has used its fill."""
        return () if len(self.uses) >= MOST_USES else tuple(spec(tool) for tool in self._declared.values())

    async def use(self, request: ToolRequest, *, by_flow: bool = False) -> ToolAnswer:
        """Do it, and note it. Whatever goes wrong is an answer: a brain goes on."""
        began = self._elapsed()
        tool = self._declared.get(request.name) or (_ALWAYS.get(request.name) if by_flow else None)
        if tool is None:
            answer = ToolAnswer(f"There is no tool {request.name[:64]!r}.", worked=False)
        elif len(self.uses) >= MOST_USES:
            answer = ToolAnswer("No more tools in this call.", worked=False)
        else:
            answer = await self._answer(tool, request, began)
        if answer is not CONNECTED:
            self._note(request, answer, began)
        return answer

    async def _answer(self, tool: Tool, request: ToolRequest, began: float) -> ToolAnswer:
        try:
            given = checked(tool, request.arguments)
            if isinstance(tool, TransferCall):
                return await self._transfer(tool.numbers[str(given["to"])], request, began)
            return await self._do(tool, given)
        except BadArguments as bad:
            return ToolAnswer(f"Not done: {bad}.", worked=False)
        except ProviderError as error:
            log.warning("tool_failed", call_id=str(self._brief.call_id), tool=name_of(tool), reason=error.message)
            return ToolAnswer(f"It did not work: {error.message}.", worked=False)
        except TimeoutError:
            return ToolAnswer("It did not work: no answer in time.", worked=False)

    async def _do(self, tool: _Immediate, given: dict[str, Scalar]) -> ToolAnswer:
        match tool:
            case EndCall():
                return ToolAnswer("The call ends.", parts=(End(self.disposition),), say=str(given.get("say", "")))
            case OptOut():
                return ToolAnswer(
                    "Noted: not to be called again.", parts=(OptedOut(),), say=str(given.get("say", ""))
                )
            case SendDtmf():
                return await self._press(str(given["digits"]))
            case ScheduleCallback(max_days=days):
                return self._call_back(str(given["at"]), timedelta(days=days))
            case RecordOutcome():
                return self._record(given)
            case CollectPrivate():
                self._collecting = tool
                told = f"The caller is asked. What they answer is hidden, and then in {{{{private.{tool.name}}}}}."
                return ToolAnswer(told, parts=(Private(True),), say=str(given.get("say", "")))
            case SwitchLanguage():
                tag = str(given["language"])
                return ToolAnswer(f"From now on {tag} is heard and spoken.", parts=(Language(tag),))
            case HttpTool():
                if self._desk.http is None:
                    raise ProviderError("voiceera", "there is no way out for requests", permanent=True)
                async with asyncio.timeout(tool.timeout):
                    return ToolAnswer(
                        (await self._desk.http.call(self._brief, tool, self._with_private(given))) or "(nothing)"
                    )

    # ── what the carrier does ────────────────────────────────────────────────────────────────────────────────────

    async def _transfer(self, number: str, request: ToolRequest, began: float) -> ToolAnswer:
        switchboard = self._switchboard()

        async def hand_over() -> None:
            await switchboard.transfer(self._brief, number)
            self._note(request, CONNECTED, began)  # here, because the conversation ends with the next line
            self._post(Transferred())

        await self._all_heard()
        await self._to_the_end(hand_over())
        return CONNECTED

    async def _press(self, digits: str) -> ToolAnswer:
        if _KEYS.fullmatch(digits) is None:
            raise BadArguments("digits must be 1 to 32 of 0-9, * and #")
        switchboard = self._switchboard()
        await self._all_heard()
        try:
            await self._to_the_end(switchboard.send_digits(self._brief, digits))
        except OnlyAsSound:
            await self._to_the_end(self._sound_keys(digits))
        return ToolAnswer("Pressed.")

    def _switchboard(self) -> Switchboard:
        if self._desk.switchboard is None:
            raise ProviderError("voiceera", "this call has no telephone line", permanent=True)
        return self._desk.switchboard

    async def _to_the_end(self, work: Coroutine[Any, Any, None]) -> None:
        """A carrier that was asked cannot be un-asked: an interruption cancels the wait, not the work."""
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def do() -> None:
            try:
                async with asyncio.timeout(CARRIER_SECONDS):
                    await work
            except (ProviderError, TimeoutError) as error:
                if not outcome.done():
                    outcome.set_exception(error)
                return
            if not outcome.done():
                outcome.set_result(None)

        self._spawn(do())
        await outcome

    # ── what is noted ────────────────────────────────────────────────────────────────────────────────────────────

    def _call_back(self, at: str, horizon: timedelta) -> ToolAnswer:
        try:
            instant = datetime.fromisoformat(at)
        except ValueError:
            raise BadArguments("at is not an ISO 8601 date and time") from None
        now = self._now()
        if instant.tzinfo is None:
            raise BadArguments("at needs an offset, like +05:30")
        if not now < instant <= now + horizon:
            raise BadArguments(f"at must be later than now ({now:%Y-%m-%dT%H:%M}Z) and within {horizon.days} days")
        self.callback_at = instant
        return ToolAnswer("Noted.")

    def _record(self, given: dict[str, Scalar]) -> ToolAnswer:
        outcome = given.pop("disposition", None)
        self.disposition = str(outcome) if outcome is not None else self.disposition
        self.results |= {name: _text(value) for name, value in given.items()}
        return ToolAnswer("Noted.")

    def _note(self, request: ToolRequest, answer: ToolAnswer, began: float) -> None:
        use = ToolUse(
            request.name[:64],
            self.hidden(request.arguments)[:LONGEST_ARGUMENTS],
            self.hidden(answer.text)[:LONGEST_ANSWER],
            answer.worked,
            round(1000 * began),
            round(1000 * (self._elapsed() - began)),
        )
        self.uses.append(use)
        self._noted(use)


def _text(value: Scalar) -> str:
    return value if isinstance(value, str) else json.dumps(value)
