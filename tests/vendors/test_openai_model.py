"""The adapter against a server that speaks OpenAI's chat API over a real socket, well and badly."""

from typing import Any

import pytest
from pydantic import SecretStr

from tests.vendors.chat import DONE, chunk, says, text, uses
from tests.vendors.http_vendor import Answer, HttpVendor, http_vendor, streamed, whole
from voiceera.errors import ProviderError
from voiceera.providers.models.openai import OpenAICredentials, OpenAILanguageModel, OpenAISettings
from voiceera.providers.outbound import allow_list
from voiceera.providers.protocols import Message, ModelPiece, TokensUsed, ToolRequest
from voiceera.rules.tools import TransferCall, spec

HELLO = (Message("user", "Hello?"),)


def model_at(vendor: HttpVendor, **settings: Any) -> OpenAILanguageModel:
    return OpenAILanguageModel(
        OpenAISettings.model_validate({"base_url": vendor.url + "/v1", **settings}),
        OpenAICredentials(api_key=SecretStr("sk-test")),
        allow_list(f"127.0.0.1/32:{vendor.port}"),
    )


async def pieces_of(answer: Answer, *, history: tuple[Message, ...] = HELLO, **asked: Any) -> tuple[list[Any], Any]:
    async with http_vendor(answer) as vendor:
        model = model_at(vendor)
        try:
            pieces: list[ModelPiece] = [piece async for piece in model.reply("Be kind.", history, **asked)]
        finally:
            await model.close()
        return pieces, vendor.asked[0]


async def test_a_reply_comes_as_it_is_written_with_its_count_of_tokens() -> None:
    pieces, asked = await pieces_of(says("Good ", "morning."))
    assert pieces == ["Good ", "morning.", TokensUsed(20, 5)]
    assert (asked.method, asked.path) == ("POST", "/v1/chat/completions")
    assert asked.headers["authorization"] == "Bearer sk-test"
    sent = asked.json()
    assert (sent["model"], sent["stream"], sent["stream_options"]) == ("gpt-4.1-mini", True, {"include_usage": True})
    assert sent["messages"] == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello?"}]


async def test_a_tool_that_is_asked_for_in_fragments_comes_whole() -> None:
    tool = spec(TransferCall(kind="transfer_call", numbers={"billing": "+12025550177"}))
    request = ToolRequest("call_1", "transfer_call", '{"to": "billing"}')
    pieces, asked = await pieces_of(uses("transfer_call", '{"to": "billing"}', "One moment."), tools=(tool,))
    assert pieces == ["One moment.", request, TokensUsed(30, 10)]
    (told,) = asked.json()["tools"]
    assert told["function"]["parameters"]["properties"]["to"]["enum"] == ["billing"]
    assert "+1202" not in asked.body.decode()


async def test_tools_that_were_used_stand_in_the_history() -> None:
    request = ToolRequest("call_1", "look_up", "{}")
    history = (*HELLO, Message("assistant", "", requests=(request,)), Message("tool", "42", answers="call_1"))
    _, asked = await pieces_of(says("It is 42."), history=history, model="another")
    sent = asked.json()
    assert sent["model"] == "another"
    assert sent["messages"][2]["tool_calls"][0]["function"] == {"name": "look_up", "arguments": "{}"}
    assert sent["messages"][3] == {"role": "tool", "content": "42", "tool_call_id": "call_1"}


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        (whole(401, {"error": {"message": "Incorrect API key provided: sk-test"}}), True),
        (whole(404, {"error": {"message": "no such model"}}), True),
        (whole(429, {"error": {"message": "slow down"}}), False),
        (whole(500, b"oops"), False),
        (whole(200, b"<html>a proxy</html>", "text/html"), False),
        (streamed(b"data: {not json\n\n"), False),
        (streamed(b'data: ["a", "b"]\n\n'), False),
        (streamed(b'data: {"choices": "none"}\n\n'), False),
        (streamed(b'data: {"error": {"message": "overloaded"}}\n\n'), False),
        (streamed(*text("Half a"), ends=False), False),
        (streamed(*text("Half a"), DONE), False),
        (streamed(chunk(finish="stop"), DONE), False),
        (streamed(b"\xff\xfe\x00" * 20), False),
    ],
)
async def test_what_goes_wrong_is_the_vendors_error_and_quotes_nothing(answer: Answer, permanent: bool) -> None:
    with pytest.raises(ProviderError) as failed:
        await pieces_of(answer)
    assert (failed.value.vendor, failed.value.permanent) == ("openai", permanent)
    assert "sk-test" not in failed.value.message


async def test_a_server_that_is_not_there_is_an_error() -> None:
    async with http_vendor(whole(200)) as vendor:
        model = model_at(vendor)
    with pytest.raises(ProviderError):
        await model.check()
    await model.close()


async def test_an_inside_address_is_refused() -> None:
    async with http_vendor(says("Never.")) as vendor:
        model = OpenAILanguageModel(
            OpenAISettings.model_validate({"base_url": vendor.url}), OpenAICredentials(), allow=()
        )
        with pytest.raises(ProviderError) as refused:
            await anext(aiter(model.reply("", HELLO)))
        assert refused.value.permanent and "inside" in refused.value.message
        assert vendor.asked == []
        await model.close()


async def test_the_check_lists_the_models() -> None:
    async with http_vendor(whole(200, {"object": "list", "data": []})) as vendor:
        model = model_at(vendor)
        await model.check()
        await model.close()
    assert (vendor.asked[0].method, vendor.asked[0].path) == ("GET", "/v1/models")
