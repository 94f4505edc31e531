"""OpenAI's chat API as its documentation has it (chat/completions, stream: true): chunks of server-sent events."""

import json
from typing import Any

from tests.vendors.http_vendor import Answer, streamed


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish, "logprobs": None}]
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": choices,
    } | more
    return f"data: {json.dumps(body)}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def usage(prompt: int, completion: int) -> bytes:
    counted = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return chunk(choices=[], usage=counted)


def text(*words: str | float) -> list[bytes | float]:
    return [word if isinstance(word, float) else chunk({"content": word}) for word in words]


def says(*words: str | float) -> Answer:
    """A whole reply, word by word; a number is a pause."""
    return streamed(chunk({"role": "assistant"}), *text(*words), chunk(finish="stop"), usage(20, 5), DONE)


def uses(name: str, arguments: str, *words: str, id_: str = "call_1") -> Answer:
    """A reply that asks for a tool, its arguments in two fragments."""
    half = len(arguments) // 2
    first = {"index": 0, "id": id_, "type": "function", "function": {"name": name, "arguments": arguments[:half]}}
    second = {"index": 0, "function": {"arguments": arguments[half:]}}
    return streamed(
        *text(*words),
        chunk({"tool_calls": [first]}),
        chunk({"tool_calls": [second]}),
        chunk(finish="tool_calls"),
        usage(30, 10),
        DONE,
    )
