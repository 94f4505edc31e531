"""Language models by a plugin."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from voiceera.providers.bridge.plugins import ONE_TRY, Bridged, C, S, agents, failures
from voiceera.providers.protocols import Message, ModelPiece, TokensUsed, ToolRequest, ToolSpec


class BridgedModel(Bridged[S, C]):
    """Base of every bridged model: `make(model)` builds the plugin's LLM; None: the integration's model."""

    async def reply(
        self,
        system_prompt: str,
        history: tuple[Message, ...],
        tools: tuple[ToolSpec, ...] = (),
        model: str | None = None,
        answer_schema: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[ModelPiece, None]:
        with failures(self.vendor):
            llm = self._made_for(model)
            asked = f"{system_prompt}\n\n{_in_words(answer_schema)}" if answer_schema else system_prompt
            stream = llm.chat(
                chat_ctx=context(asked, history), tools=[declared(tool) for tool in tools], conn_options=ONE_TRY
            )
        with failures(self.vendor):
            async with stream, aclosing(self._pieces(stream)) as pieces:
                async for piece in pieces:
                    yield piece

    async def check(self) -> None:
        """Asks for one word. Raises ProviderError."""
        async with aclosing(self.reply("Answer with one word.", (Message("user", "Hello."),))) as pieces:
            async for _ in pieces:
                return

    async def _pieces(self, stream: Any) -> AsyncGenerator[ModelPiece, None]:
        async for chunk in stream:
            if chunk.delta is not None and chunk.delta.content:
                yield str(chunk.delta.content)
            for call in chunk.delta.tool_calls if chunk.delta is not None else ():
                yield ToolRequest(call.call_id, call.name, call.arguments or "{}")
            if chunk.usage is not None:
                yield TokensUsed(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)


def context(system_prompt: str, history: tuple[Message, ...]) -> Any:
    """The conversation in the plugins' own words."""
    ctx = agents.llm.ChatContext.empty()
    ctx.add_message(role="system", content=system_prompt)
    names: dict[str, str] = {}
    for message in history:
        if message.answers is not None:
            name = names.get(message.answers, "")
            output = {"call_id": message.answers, "name": name, "output": message.content, "is_error": False}
            ctx.items.append(agents.llm.FunctionCallOutput(**output))
            continue
        if message.content:
            ctx.add_message(role=message.role, content=message.content)
        for request in message.requests:
            names[request.id] = request.name
            call = {"call_id": request.id, "name": request.name, "arguments": request.arguments}
            ctx.items.append(agents.llm.FunctionCall(**call))
    return ctx


def declared(tool: ToolSpec) -> Any:
    """Its declaration alone: the plugins run nothing, since requests are checked and carried out here."""

    async def never(raw_arguments: dict[str, object]) -> None:
        raise NotImplementedError

    schema = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return agents.llm.function_tool(never, raw_schema=schema)


def _in_words(schema: Mapping[str, Any]) -> str:
    return f"Answer with JSON alone, and only such as fits this schema:\n{json.dumps(schema)}"
