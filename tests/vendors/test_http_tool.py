"""A tool's endpoint, asked over a real socket: where arguments and secrets go, and where they do not."""

from typing import Any

import pytest

from tests.vendors.http_vendor import Answer, HttpVendor, http_vendor, never, streamed, whole
from voiceera.errors import ProviderError
from voiceera.providers.http_tool import HttpEndpoints, ToolCredentials, ToolSettings
from voiceera.providers.outbound import allow_list
from voiceera.rules.tools import HttpTool, Scalar

SECRET = "secret-of-the-shop-000"


def endpoints(vendor: HttpVendor, *hosts: str) -> HttpEndpoints:
    credentials = ToolCredentials.model_validate({"token": SECRET})
    return HttpEndpoints(
        ToolSettings(hosts=hosts or ("127.0.0.1",)), credentials, allow_list(f"127.0.0.1/32:{vendor.port}")
    )


def tool(vendor: HttpVendor, **fields: Any) -> HttpTool:
    given = {
        "kind": "http",
        "name": "look_up",
        "url": vendor.url + "/orders/{order}",
        "arguments": {"order": {}, "count": {"type": "integer", "required": False}},
        "headers": {"Authorization": "Bearer {{secret.token}}"},
    }
    return HttpTool.model_validate(given | fields)


async def ask(
    answer: Answer, *hosts: str, given: dict[str, Scalar] | None = None, **fields: Any
) -> tuple[str, HttpVendor]:
    async with http_vendor(answer) as vendor:
        near = endpoints(vendor, *hosts)
        try:
            return await near.call(tool(vendor, **fields), given or {"order": "7", "count": 2}), vendor
        finally:
            await near.close()


async def test_arguments_go_into_the_path_and_the_body_and_the_secret_into_a_header() -> None:
    answered, vendor = await ask(whole(200, b'{"state": "shipped"}'))
    assert answered == '{"state": "shipped"}'
    asked = vendor.asked[0]
    assert (asked.method, asked.path, asked.json()) == ("POST", "/orders/7", {"count": 2})
    assert asked.headers["authorization"] == f"Bearer {SECRET}"


async def test_a_gets_arguments_go_into_the_query_and_a_part_of_the_answer_is_picked() -> None:
    answered, vendor = await ask(whole(200, {"order": {"state": "shipped"}}), method="GET", result="order.state")
    assert answered == "shipped"
    assert (vendor.asked[0].path, vendor.asked[0].body) == ("/orders/7?count=2", b"")


async def test_an_argument_cannot_leave_its_place() -> None:
    _, vendor = await ask(whole(200, b"ok"), given={"order": "../../admin?x=1"})
    assert vendor.asked[0].path == "/orders/..%2F..%2Fadmin%3Fx%3D1"


async def test_a_secret_goes_to_no_host_but_its_own() -> None:
    with pytest.raises(ProviderError, match="may not go to this host"):
        await ask(never, "shop.example.com")


async def test_a_secret_that_is_not_there_is_not_sent_empty() -> None:
    with pytest.raises(ProviderError, match="no such secret"):
        await ask(never, headers={"X-Key": "{{secret.other}}"})


async def test_an_inside_address_is_refused() -> None:
    async with http_vendor(never) as vendor:
        near = HttpEndpoints(None, ToolCredentials())
        with pytest.raises(ProviderError, match="inside address"):
            await near.call(tool(vendor, headers={}), {"order": "7"})
        await near.close()
    assert vendor.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        whole(404, {"error": SECRET}),
        whole(500, b"oops"),
        whole(302, b""),
        streamed(b"x" * 200_000, content_type="text/plain"),
        streamed(b"half", content_type="text/plain", ends=False),
    ],
)
async def test_what_goes_wrong_is_told_without_what_was_answered(answer: Answer) -> None:
    with pytest.raises(ProviderError) as failed:
        await ask(answer)
    assert SECRET not in failed.value.message


async def test_a_long_answer_is_cut() -> None:
    answered, _ = await ask(whole(200, b"x" * 50_000, "text/plain"))
    assert len(answered) == 2000
