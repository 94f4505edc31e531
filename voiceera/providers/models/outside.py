"""A server of the user's own that decides what the agent says: told each turn, over HTTP or a WebSocket, signed.

docs/outside-brain.md describes what is sent and what may be answered. One socket lives as long as its call; over HTTP
each turn is a request, whose answer is read while it is written.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Annotated, Any, ClassVar

import httpx
import msgspec
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, SecretStr, UrlConstraints, field_validator

from voiceera.clock import utc_now
from voiceera.errors import Invalid, ProviderError
from voiceera.ids import new_id
from voiceera.providers.outbound import Allowed, TargetRefused, outbound_client
from voiceera.providers.outbound_socket import OutboundSocket, open_socket
from voiceera.rules import webhooks
from voiceera.rules.outside_brain import LONGEST_LINE, BadAnswer, Line, read_line

VENDOR = "external"
_TIMEOUT = httpx.Timeout(15.0, connect=3.0)
_TURN_SECONDS = 60.0
_encode = msgspec.json.encode
Signed = Callable[[bytes], dict[str, str]]
"""A body → the headers that prove who sent it."""
Address = Annotated[AnyUrl, UrlConstraints(allowed_schemes=["http", "https", "ws", "wss"], max_length=2000)]


class OutsideSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Address = Field(title="Address", description="http(s): a request a turn; ws(s): a socket a call.")


class OutsideCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: SecretStr = Field(
        min_length=28,
        max_length=200,
        title="Secret",
        description="What requests are signed with, as Standard Webhooks have it: whsec_ and base64.",
    )

    @field_validator("secret")
    @classmethod
    def _is_a_key(cls, secret: SecretStr) -> SecretStr:
        try:
            webhooks.secret_key(secret.get_secret_value())
        except (ValueError, Invalid):
            raise ValueError("must be whsec_ and the base64 of at least 16 bytes") from None
        return secret


class OutsideBrain:
    """One server; a `Talk` for each call."""

    Settings: ClassVar[type[OutsideSettings]] = OutsideSettings
    Credentials: ClassVar[type[OutsideCredentials]] = OutsideCredentials

    def __init__(
        self, settings: OutsideSettings, credentials: OutsideCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._url = str(settings.url)
        self._secret = credentials.secret.get_secret_value()
        self._allow = allow
        self._client = outbound_client(
            allow, timeout=_TIMEOUT, total_seconds=_TURN_SECONDS, maximum_bytes=LONGEST_LINE * 10, keep_seconds=120
        )

    def talk(self) -> "Talk":
        """For one call."""
        is_socket = self._url.startswith(("ws://", "wss://"))
        if is_socket:
            return SocketTalk(self._url, self._signed, self._allow)
        return HttpTalk(self._url, self._signed, self._client)

    def _signed(self, body: bytes) -> dict[str, str]:
        return webhooks.headers([self._secret], f"msg_{new_id().hex}", utc_now(), body)

    async def check(self) -> None:
        """Says hello, which wants no answer but a 2xx, or an open socket. Raises ProviderError."""
        talk = self.talk()
        try:
            await talk.greet()
        finally:
            await talk.close()

    async def close(self) -> None:
        await self._client.aclose()


class HttpTalk:
    def __init__(self, url: str, signed: Signed, client: httpx.AsyncClient) -> None:
        self._url = url
        self._signed = signed
        self._client = client

    async def greet(self) -> None:
        async with aclosing(self._lines(b'{"type":"hello"}')) as lines:
            async for _ in lines:
                pass

    def turn(self, turn: Mapping[str, Any]) -> AsyncGenerator[Line, None]:
        return self._lines(_encode(turn))

    async def close(self) -> None:
        """The connections are the provider's."""

    async def _lines(self, body: bytes) -> AsyncGenerator[Line, None]:
        headers = self._signed(body) | {"Content-Type": "application/json"}
        try:
            async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                if not response.is_success:
                    status = response.status_code
                    raise ProviderError(VENDOR, f"answered {status}", permanent=status in (401, 403, 404))
                is_plain = response.headers.get("Content-Type", "").startswith("text/plain")
                async with aclosing(_plain(response) if is_plain else _each(response)) as lines:
                    async for line in lines:
                        yield line
        except TargetRefused as refused:
            raise ProviderError(VENDOR, refused.message, permanent=True) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise ProviderError(VENDOR, f"no usable answer: {type(error).__name__}") from error
        except BadAnswer as bad:
            raise ProviderError(VENDOR, str(bad)) from None


async def _plain(response: httpx.Response) -> AsyncGenerator[Line, None]:
    async for text in response.aiter_text():
        if text:
            yield Line(say=text)


async def _each(response: httpx.Response) -> AsyncGenerator[Line, None]:
    left = b""
    async for piece in response.aiter_bytes():
        *whole, left = (left + piece).split(b"\n")
        for each in whole:
            if each.strip():
                yield read_line(each)
        if len(left) > LONGEST_LINE:
            raise BadAnswer("a line is too long")
    if left.strip():
        yield read_line(left)


class SocketTalk:
    """The socket is opened with the first turn; one that is lost is opened again with the next."""

    def __init__(self, url: str, signed: Signed, allow: tuple[Allowed, ...]) -> None:
        self._url = url
        self._signed = signed
        self._allow = allow
        self._socket: OutboundSocket | None = None

    async def greet(self) -> None:
        (await self._open()).send_text(b'{"type":"hello"}')

    async def turn(self, turn: Mapping[str, Any]) -> AsyncGenerator[Line, None]:
        socket = await self._open()
        socket.send_text(_encode(turn))
        async with aclosing(socket.messages()) as messages:
            async for message in messages:
                try:
                    line = read_line(message)
                except BadAnswer as bad:
                    raise ProviderError(VENDOR, str(bad)) from None
                if line.turn != turn["turn"]:
                    continue  # to a turn that was interrupted
                yield line
                if line.done:
                    return
        raise ProviderError(VENDOR, "the socket closed in the middle of a reply")

    async def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    async def _open(self) -> OutboundSocket:
        if self._socket is None or not self._socket.is_open:
            self._socket = await open_socket(VENDOR, self._url, self._signed(b"{}"), self._allow)
        return self._socket


Talk = HttpTalk | SocketTalk
