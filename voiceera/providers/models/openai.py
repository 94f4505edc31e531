"""Any model behind OpenAI's chat API, by its official SDK: OpenAI, Groq, vLLM, Ollama, llama.cpp and many more.

The SDK takes most of a second to import, so it is imported in a thread, when the first reply is asked for.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from voiceera.errors import ProviderError
from voiceera.providers.outbound import Allowed, TargetRefused, outbound_client
from voiceera.providers.protocols import Message, ModelPiece, TokensUsed, ToolRequest, ToolSpec

VENDOR = "openai"
_TIMEOUT = httpx.Timeout(20.0, connect=3.0)
_REPLY_SECONDS = 60.0
_KEEP_SECONDS = 120.0
"""Longer than turns lie apart: a reply shall not wait for a new TLS handshake."""
_PERMANENT = frozenset({400, 401, 403, 404, 422})


class OpenAISettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: HttpUrl = Field(
        HttpUrl("https://api.openai.com/v1"),
        title="API address",
        description="Anything that speaks OpenAI's chat API: http://localhost:11434/v1 for Ollama, for example.",
    )
    model: str = Field(
        "gpt-4.1-mini", min_length=1, max_length=200, title="Model", description="Unless an agent names one."
    )
    temperature: float | None = Field(None, ge=0, le=2, title="Temperature")
    max_tokens: int | None = Field(None, ge=1, le=100_000, title="Longest reply", description="In tokens.")
    counts_tokens: bool = Field(
        True, title="Counts tokens", description="Off for servers that refuse `stream_options`."
    )
    answers_in: Literal["json_schema", "json_object", "text"] = Field(
        "json_schema",
        title="Form of analyses",
        description="For servers that refuse `response_format` of this type: `json_object`, or `text` for none.",
    )


class OpenAICredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr = Field(
        SecretStr("none"), max_length=500, title="API key", description="Local servers take any."
    )


class GroqSettings(OpenAISettings):
    base_url: HttpUrl = Field(HttpUrl("https://api.groq.com/openai/v1"), title="API address")
    model: str = Field(
        "llama-3.3-70b-versatile",
        min_length=1,
        max_length=200,
        title="Model",
        description="Unless an agent names one.",
    )
    answers_in: Literal["json_schema", "json_object", "text"] = Field(
        "json_object", title="Form of analyses", description="`json_schema` for the models that know it."
    )


class OpenAILanguageModel:
    """One account, or one server."""

    Settings: ClassVar[type[OpenAISettings]] = OpenAISettings
    Credentials: ClassVar[type[OpenAICredentials]] = OpenAICredentials

    def __init__(
        self, settings: OpenAISettings, credentials: OpenAICredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._settings = settings
        self._key = credentials.api_key.get_secret_value()
        self._http = outbound_client(
            allow, timeout=_TIMEOUT, total_seconds=_REPLY_SECONDS, maximum_bytes=4_000_000, keep_seconds=_KEEP_SECONDS
        )
        self._sdk: asyncio.Task[Any] | None = None

    async def reply(
        self,
        system_prompt: str,
        history: tuple[Message, ...],
        tools: tuple[ToolSpec, ...] = (),
        model: str | None = None,
        answer_schema: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[ModelPiece, None]:
        client = await self._client()
        request = self._request(system_prompt, history, tools, model) | self._form(answer_schema)
        reply = _Reply()
        try:
            async with await client.chat.completions.create(**request) as stream:
                async for chunk in stream:
                    if text := reply.take(chunk):
                        yield text
        except Exception as error:  # the SDK lets through what its parts raise: all of it is the vendor's doing
            raise _failed(error) from error
        for piece in reply.rest():
            yield piece

    async def check(self) -> None:
        """Lists the models, which costs nothing. Raises ProviderError."""
        client = await self._client()
        try:
            await client.models.list()
        except Exception as error:
            raise _failed(error) from error

    def warm(self) -> None:
        """Begin to import the SDK now, while the agent still greets."""
        if self._sdk is None:
            self._sdk = asyncio.create_task(asyncio.to_thread(self._make_client))

    async def close(self) -> None:
        await self._http.aclose()

    async def _client(self) -> Any:
        self.warm()
        assert self._sdk is not None
        return await asyncio.shield(self._sdk)  # who waits may be interrupted; the next one needs it all the same

    def _make_client(self) -> Any:
        from openai import AsyncOpenAI

        http: Any = self._http  # the SDK's own type is another package's; it takes both
        return AsyncOpenAI(api_key=self._key, base_url=str(self._settings.base_url), http_client=http, max_retries=0)

    def _request(
        self, system_prompt: str, history: Sequence[Message], tools: Sequence[ToolSpec], model: str | None
    ) -> dict[str, Any]:
        settings = self._settings
        system = [{"role": "system", "content": system_prompt}] if system_prompt else []
        request: dict[str, Any] = {
            "model": model or settings.model,
            "messages": [*system, *map(_message, history)],
            "stream": True,
        }
        if tools:
            request["tools"] = [_tool(spec) for spec in tools]
        if settings.counts_tokens:
            request["stream_options"] = {"include_usage": True}
        if settings.temperature is not None:
            request["temperature"] = settings.temperature
        if settings.max_tokens is not None:
            request["max_tokens"] = settings.max_tokens
        return request

    def _form(self, schema: Mapping[str, Any] | None) -> dict[str, Any]:
        """Not `strict`, which takes a part of JSON schema only: the reply is checked here in any case."""
        if schema is None or self._settings.answers_in == "text":
            return {}
        if self._settings.answers_in == "json_object":
            return {"response_format": {"type": "json_object"}}
        form = {"name": "answer", "schema": dict(schema), "strict": False}
        return {"response_format": {"type": "json_schema", "json_schema": form}}


class _Reply:
    """Puts a reply's pieces together: a tool's arguments come in fragments, by the tool's place in the reply."""

    def __init__(self) -> None:
        self._requests: dict[int, ToolRequest] = {}
        self._used: TokensUsed | None = None
        self._has_text = False
        self._is_finished = False

    def take(self, chunk: Any) -> str:
        """The text in it."""
        if (usage := chunk.usage) is not None:
            self._used = TokensUsed(int(usage.prompt_tokens or 0), int(usage.completion_tokens or 0))
        text = ""
        for choice in chunk.choices:
            for fragment in choice.delta.tool_calls or ():
                self._put(fragment)
            text += choice.delta.content or ""
            self._is_finished = self._is_finished or choice.finish_reason is not None
        self._has_text = self._has_text or bool(text)
        return text

    def _put(self, fragment: Any) -> None:
        place, function = int(fragment.index or 0), fragment.function
        before = self._requests.get(place) or ToolRequest("", "", "")
        self._requests[place] = ToolRequest(
            fragment.id or before.id or f"call_{place}",
            before.name or function.name or "",
            before.arguments + (function.arguments or ""),
        )

    def rest(self) -> list[ModelPiece]:
        """What comes when the reply is complete. Raises ProviderError for one that broke off, or was none."""
        if not self._is_finished:
            raise ProviderError(VENDOR, "the reply broke off")
        if not self._has_text and not self._requests:
            raise ProviderError(VENDOR, "the reply is empty")
        return [*self._requests.values(), *([self._used] if self._used is not None else [])]


def _message(message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.requests:
        written["tool_calls"] = [
            {"id": each.id, "type": "function", "function": {"name": each.name, "arguments": each.arguments}}
            for each in message.requests
        ]
    if message.answers is not None:
        written["tool_call_id"] = message.answers
    return written


def _tool(spec: ToolSpec) -> dict[str, Any]:
    function = {"name": spec.name, "description": spec.description, "parameters": dict(spec.parameters)}
    return {"type": "function", "function": function}


def _failed(error: Exception) -> ProviderError:
    """Never with the vendor's own text in the message: it may quote the conversation, or the key."""
    if isinstance(error, ProviderError):
        return error
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TargetRefused):
            return ProviderError(VENDOR, cause.message, permanent=True)
        cause = cause.__cause__
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return ProviderError(VENDOR, f"answered {status}", permanent=status in _PERMANENT)
    return ProviderError(VENDOR, f"no usable answer: {type(error).__name__}")


class GroqLanguageModel(OpenAILanguageModel):
    """Groq speaks OpenAI's chat API (console.groq.com/docs/openai)."""

    Settings: ClassVar[type[OpenAISettings]] = GroqSettings
