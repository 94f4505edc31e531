"""A6: whatever a user writes for a URL, the server inside sees nothing: through webhooks and integrations."""

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.conftest import Person
from tests.webhooks.inside_targets import URLS, Canary, canary
from tests.webhooks.receiver import answer, receiving
from voiceera.providers.outbound import allow_list
from voiceera.providers.webhook_sender import WebhookSender
from voiceera.services import integrations

CREDENTIALS = {"auth_id": "MAXXXXXXXXXXXXXXXXXX", "auth_token": "a token of nobody's"}


@pytest.fixture
async def inside() -> AsyncIterator[Canary]:
    async with canary() as bird:
        yield bird


def test_there_are_sixty_forms_and_more() -> None:
    assert len(set(URLS)) == len(URLS) > 60


async def test_the_canary_sings_when_somebody_comes(inside: Canary) -> None:
    """Else the tests below could not fail."""
    allow = allow_list(f"127.0.0.1/32:{inside.port}, [::1/128]:{inside.port}")
    async with WebhookSender(allow) as sender:
        for host in ("127.0.0.1", "[::1]", "localhost", "0x7f.1", "[::ffff:127.0.0.1]"):
            assert (await sender.post(f"http://{host}:{inside.port}/", {}, b"{}")).excerpt == "secret"
    assert inside.connections == 5


async def test_no_form_is_sent_to(inside: Canary) -> None:
    """A row may hold any of them: names change hands, and so may rows."""
    async with WebhookSender((), timeout_seconds=5) as sender:
        for url in URLS:
            reply = await sender.post(url.format(port=inside.port), {}, b"{}")
            assert (reply.status_code, reply.error is None) == (None, False), url
    assert inside.connections == 0


async def test_no_form_gets_a_webhook_that_reaches_inside(ann: Person, inside: Canary) -> None:
    for url in URLS:
        answered = await ann.client.post("/webhooks", json={"url": url.format(port=inside.port)})
        if answered.status_code == 201:  # a name that nobody knows: it may have an address one day
            tested = await ann.post(f"/webhooks/{answered.json()['data']['id']}/test", 200)
            assert not tested["delivered"], url
        else:
            assert answered.status_code == 422, url
    assert inside.connections == 0


async def test_no_form_gets_an_integration_that_reaches_inside(ann: Person, inside: Canary) -> None:
    given: dict[str, Any] = {"type": "telephony", "provider": "plivo", "credentials": CREDENTIALS}
    for number, url in enumerate(URLS):
        config = {"base_url": url.format(port=inside.port)}
        answered = await ann.client.post("/integrations", json={"name": f"line {number}", "config": config, **given})
        if answered.status_code == 201:
            tested = await ann.post(f"/integrations/{answered.json()['data']['id']}/test", 200)
            assert tested["status"] == "failing", url
            assert "secret" not in tested["detail"]
        else:
            assert answered.status_code == 422, url
    assert inside.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_inside_is_not_followed(inside: Canary, status: int) -> None:
    async with receiving() as outside:
        outside.otherwise = answer(status, Location=f"http://127.0.0.1:{inside.port}/")
        allow = allow_list(outside.allow)
        async with WebhookSender(allow) as sender:
            assert (await sender.post(outside.url, {}, b"{}")).status_code == status
        config = {"base_url": outside.url}
        assert not (await integrations.test("telephony", "plivo", config, CREDENTIALS, allow)).works
    assert inside.connections == 0


async def test_a_name_that_changes_its_address_is_asked_once(inside: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the name server says one thing to who checks, and another to who connects."""
    async with receiving() as outside:
        answers = [outside.port, inside.port]
        asked = []

        def hostile(_host: str, port: int, **_more: Any) -> list[Any]:
            asked.append(port)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (("127.0.0.1", "127.0.0.2")[len(asked) > 1], port))]

        monkeypatch.setattr(socket, "getaddrinfo", hostile)
        async with WebhookSender(allow_list(outside.allow)) as sender:
            reply = await sender.post(f"http://rebind.example:{outside.port}/hook", {}, b"{}")
            assert (reply.status_code, len(asked)) == (200, 1)
            assert outside.received[0].headers["host"] == f"rebind.example:{outside.port}"
    async with WebhookSender(allow_list(outside.allow)) as sender:
        again = await sender.post(f"http://rebind.example:{answers[1]}/hook", {}, b"{}")
    assert (again.status_code, inside.connections) == (None, 0)


async def test_a_name_with_one_inside_address_among_others_is_refused(
    inside: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mixed(_host: str, port: int, **_more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in ("1.1.1.1", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", mixed)
    async with WebhookSender((), timeout_seconds=5) as sender:
        reply = await sender.post(f"http://mixed.example:{inside.port}/", {}, b"{}")
    assert "inside address" in (reply.error or "")
    assert inside.connections == 0
