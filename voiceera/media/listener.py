"""The listener of a media process: lets calls in, holds them, and lets go of all of them in the end.

`/media/{carrier}/{token}`: 404 for a carrier not known here, 401 for no token, 403 for one that opens nothing,
503 when the process is full, going down, or cannot ask. `/voice`: anybody, who then has to say who they are; 503 the
same.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

from structlog.contextvars import bound_contextvars

from voiceera import clock
from voiceera.engine.line import CallObserver, Line, LiveCall
from voiceera.errors import VoiceEraError
from voiceera.log import get_logger
from voiceera.media.book import CallBook
from voiceera.media.dialects.registry import DIALECTS
from voiceera.media.door import Door, Refused, Visitor
from voiceera.media.follower import Follower
from voiceera.media.live_view import LiveView
from voiceera.media.socket import MediaSocket
from voiceera.media.voice_socket import AWAY, FULL, VoiceSocket
from voiceera.rules.audio import ULAW_8K, AudioFormat
from voiceera.rules.calls import AnsweredBy, CallBrief, CallResult, HangupCause
from voiceera.services.browser_calls import Wanted

MOST_DOORS = 1000
"""Connections that have not been let in yet."""
MOST_STRANGERS = 1000
"""Voice sockets that have not said who they are."""
LONGEST_TOKEN = 256
VOICE_PATH = "/voice"
STORE_TRIES = (0.5, 2.0, 5.0, 15.0)
"""Seconds between tries to write a result down; its first try is before the line is hung up."""
LAST_WORDS_SECONDS = 5.0
"""How long calls that are ended at shutdown may take to be written down."""

log = get_logger("media")


class Conversation(LiveCall, Protocol):
    async def wait(self) -> CallResult:
        """The result, once it is over. Never raises for what happened in it."""


class Seat(Line, Protocol):
    """A socket that holds a call."""

    def over(self, result: CallResult) -> None:
        """The conversation is over and written down: say so, and hang up."""


class Conversations(Protocol):
    """The engine, as the listener sees it."""

    def start(self, line: Line, brief: CallBrief, observer: CallObserver) -> Conversation: ...


class MediaListener:
    """`capacity` calls at a time. All methods belong to one event loop."""

    def __init__(
        self, conversations: Conversations, book: CallBook, *, capacity: int, view: LiveView | None = None
    ) -> None:
        self.capacity = capacity
        self.is_draining = False
        self._conversations = conversations
        self._book = book
        self._view = view
        self._server: asyncio.Server | None = None
        self._doors: set[Door] = set()
        self._admitting = 0
        self._sockets: dict[UUID, Seat] = {}
        self._strangers: set[VoiceSocket] = set()
        self._calls: dict[UUID, Conversation] = {}
        self._ending: set[UUID] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()

    @property
    def live(self) -> int:
        """Calls that hold a seat: being let in, talking, or being written down."""
        return self._admitting + len(self._sockets)

    async def open(self, host: str, port: int) -> int:
        """Start to listen; returns the port. Raises OSError when it is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Door(self._admit, self._spawn, self._doors, MOST_DOORS), host, port, backlog=512
        )
        listening: int = self._server.sockets[0].getsockname()[1]
        return listening

    def hang_up(self, call_id: UUID, cause: HangupCause = HangupCause.REQUESTED) -> bool:
        """End one call; False if it is not here."""
        if (call := self._calls.get(call_id)) is not None:
            call.request_hangup(cause)
            return True
        if call_id in self._ending:  # it is being written down, and whoever is on the line is told then
            return True
        if (socket := self._sockets.get(call_id)) is not None:
            socket.hang_up()
            return True
        return False

    async def drain(self, seconds: float) -> None:
        """Refuse new calls from now on; wait until the live ones are over, or `seconds`."""
        self.is_draining = True
        self._note_idle()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    async def close(self) -> None:
        """End every call that is left, write it down, and stop listening."""
        self.is_draining = True
        for call_id in tuple(self._sockets):
            self.hang_up(call_id, HangupCause.SHUTTING_DOWN)
        await self.drain(LAST_WORDS_SECONDS)
        if self._server is not None:
            self._server.close()
        for door in tuple(self._doors):
            door.close()
        for stranger in tuple(self._strangers):
            stranger.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ── letting in ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _has_room(self) -> bool:
        return not self.is_draining and self.live < self.capacity

    async def _admit(self, path: str) -> Visitor:
        if path.partition("?")[0] == VOICE_PATH:
            return self._voice_socket()
        carrier, token = _carrier_and_token(path)
        if not self._has_room:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE)
        self._admitting += 1
        try:
            brief = await self._book.redeem(token, carrier)
        except Exception as error:  # whatever keeps us from asking, nobody comes in unasked
            log.exception("token_not_asked", carrier=carrier)
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE) from error
        finally:
            self._admitting -= 1
        if brief is None:
            log.warning("token_refused", carrier=carrier)
            raise Refused(HTTPStatus.FORBIDDEN)
        socket = MediaSocket(
            DIALECTS[carrier](),
            begin=lambda socket, _started: self._begin(socket, brief),
            on_gone=lambda _socket, call: None if call else self._never_started(brief),
        )
        self._sockets[brief.call_id] = socket
        return socket

    def _voice_socket(self) -> VoiceSocket:
        """A stranger's; a seat is taken when they have said who they are."""
        if not self._has_room or len(self._strangers) >= MOST_STRANGERS:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE)
        socket = VoiceSocket(
            on_auth=lambda socket, wanted: self._spawn(self._let_in(socket, wanted)),
            on_metadata=lambda brief, values: self._spawn(self._note(brief, values)),
            on_gone=self._strangers.discard,
        )
        self._strangers.add(socket)
        return socket

    async def _let_in(self, socket: VoiceSocket, wanted: Wanted) -> None:
        if not self._has_room:
            socket.turn_away(FULL)
            return
        self._admitting += 1
        try:
            brief = await self._book.begin(wanted)
        except VoiceEraError as refusal:
            log.warning("voice_refused", code=refusal.code)
            socket.turn_away(refusal)
            return
        except Exception:  # whatever keeps us from asking, nobody comes in unasked
            log.exception("voice_not_asked")
            socket.turn_away(AWAY)
            return
        finally:
            self._admitting -= 1
        self._strangers.discard(socket)
        self._sockets[brief.call_id] = socket
        if socket.is_gone:
            self._never_started(brief, socket.audio_format)
            return
        try:
            socket.begin(brief, lambda: self._begin(socket, brief, socket))
        except VoiceEraError as refusal:
            socket.turn_away(refusal)
            self._never_started(brief, socket.audio_format)

    async def _note(self, brief: CallBrief, values: dict[str, str]) -> None:
        try:
            await self._book.note_metadata(brief, values)
        except Exception:  # the call goes on without it
            log.exception("metadata_not_kept", call_id=str(brief.call_id))

    def _begin(self, socket: Seat, brief: CallBrief, observer: CallObserver | None = None) -> LiveCall:
        follower = Follower(brief, self._book, self._view, observer)
        with bound_contextvars(**_trace(brief)):  # the tasks made in here keep it
            conversation = self._conversations.start(socket, brief, follower)
            self._calls[brief.call_id] = conversation
            self._spawn(self._hold(socket, brief, conversation, follower))
        return conversation

    def _never_started(self, brief: CallBrief, audio_format: AudioFormat = ULAW_8K) -> None:
        """Let in, and gone before the start: the call ends as a lost line."""
        now = clock.utc_now()
        result = CallResult(now, now, HangupCause.LINE_LOST, AnsweredBy.UNKNOWN, audio_format)
        self._spawn(self._let_go(brief, result, None))

    # ── letting go ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _hold(self, socket: Seat, brief: CallBrief, conversation: Conversation, follower: Follower) -> None:
        try:
            result = await conversation.wait()
        except Exception as error:
            log.exception("conversation_failed", call_id=str(brief.call_id))
            now = clock.utc_now()
            result = CallResult(
                now, now, HangupCause.ERROR, AnsweredBy.UNKNOWN, socket.audio_format, error=type(error).__name__
            )
        self._ending.add(brief.call_id)
        self._calls.pop(brief.call_id, None)
        await follower.finish()
        await self._let_go(brief, result, socket)

    async def _let_go(self, brief: CallBrief, result: CallResult, socket: Seat | None) -> None:
        """Write the result down, then end the line; a book that does not answer keeps nobody on the phone."""
        is_stored = await self._store(brief, result)
        if socket is not None:
            socket.over(result)
        self._ending.discard(brief.call_id)
        for pause in STORE_TRIES:
            if is_stored:
                break
            await asyncio.sleep(pause)
            is_stored = await self._store(brief, result)
        if not is_stored:
            log.error("result_lost", call_id=str(brief.call_id))
        self._sockets.pop(brief.call_id, None)

    async def _store(self, brief: CallBrief, result: CallResult) -> bool:
        try:
            async with asyncio.timeout(5):
                await self._book.close(brief, result)
        except Exception:  # the caller tries again, then gives up and says so
            log.exception("result_not_stored", call_id=str(brief.call_id))
            return False
        return True

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._note_idle()

    def _note_idle(self) -> None:
        """Every seat is given up by a task, so the last task's end is the moment to look."""
        if self._tasks or self.live:
            self._idle.clear()
        else:
            self._idle.set()


def _trace(brief: CallBrief) -> dict[str, str]:
    """What every log line about the call carries."""
    return {"request_id": brief.request_id or str(brief.call_id), "organization_id": str(brief.organization_id)}


def _carrier_and_token(path: str) -> tuple[str, str]:
    """Raises Refused for a path that is no media socket's."""
    parts = path.partition("?")[0].split("/")
    if len(parts) != 4 or parts[:2] != ["", "media"] or parts[2] not in DIALECTS:
        raise Refused(HTTPStatus.NOT_FOUND)
    token = parts[3]
    if not token or len(token) > LONGEST_TOKEN:
        raise Refused(HTTPStatus.UNAUTHORIZED)
    return parts[2], token
