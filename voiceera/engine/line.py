"""The seam between a media socket and a conversation: one narrow Protocol each way."""

from typing import Protocol

from voiceera.rules.audio import AudioFormat
from voiceera.rules.calls import CallBrief, HangupCause, ToolUse, TurnRecord
from voiceera.rules.turn_state import Floor


class Line(Protocol):
    """The caller's end, as the engine sees it. A carrier's dialect (or a browser's, or a test's) implements it.

    Nothing here blocks or raises: a line that is gone swallows what is sent, and has told the call so.
    """

    audio_format: AudioFormat

    def send_audio(self, audio: bytes) -> None:
        """One frame (20 ms, the last of an utterance may be shorter) in the line's own format."""

    def flush(self) -> None:
        """For now nothing more comes: what a carrier that takes sound in pieces has not been sent yet goes out."""

    def clear(self) -> None:
        """Make the carrier drop what it has buffered and not played yet."""

    def mark(self, name: str) -> None:
        """Ask the carrier to say when all that was sent before this has been played (`LiveCall.on_mark`)."""

    def hang_up(self) -> None:
        """End the call at the carrier (closing the stream ends a call that lives by it)."""


class Switchboard(Protocol):
    """What the carrier does with a call besides carrying its sound; one for all calls of a process.

    Both raise ProviderError, with a message that tells the agent what did not work, and nothing secret.
    """

    async def transfer(self, brief: CallBrief, to: str) -> None:
        """Connect the caller to `to` (E.164). When it returns the carrier has taken the call over, and the line
        ends."""

    async def send_digits(self, brief: CallBrief, digits: str) -> None:
        """Press these keys (0–9, *, #) on the other side's telephone system. Raises OnlyAsSound where the carrier
        has no command for it."""


class CallObserver(Protocol):
    """Who follows a call while it lives: the store of turns, the live view. Called on the loop; must not block."""

    def turn(self, index: int, turn: TurnRecord) -> None:
        """A turn is complete; `index` counts from 0 and never skips."""

    def partial(self, text: str) -> None:
        """What the caller seems to be saying."""

    def speaking(self, text: str) -> None:
        """The agent starts to say this."""

    def floor(self, floor: Floor) -> None:
        """Who has the floor now."""

    def tool(self, use: ToolUse) -> None:
        """A tool was used, or tried."""


class LiveCall(Protocol):
    """A conversation under way, as the socket sees it. All calls come from the event loop's thread."""

    def on_audio(self, audio: bytes) -> None:
        """A frame from the caller, in the line's format. The hot path: once every 20 ms a call."""

    def on_digit(self, digit: str) -> None:
        """A key: 0–9, *, #."""

    def on_mark(self, name: str) -> None:
        """The carrier has played everything before this mark."""

    def hold(self) -> None:
        """The caller wants silence both ways until `release`."""

    def release(self) -> None: ...

    def on_closed(self) -> None:
        """The socket is gone: the caller hung up, or the line was lost."""

    def request_hangup(self, cause: HangupCause) -> None:
        """End the conversation as soon as possible, from outside."""
