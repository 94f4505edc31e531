"""Webhooks over the API: what is taken, what is refused, what is shown."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Person
from tests.webhooks.receiver import Receiver, answer, receiving
from voiceera.config import Settings
from voiceera.ids import new_id
from voiceera.rules.webhooks import Event, secret_of

SECRET = secret_of(b"s" * 32)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def settings(tmp_path: Path, receiver: Receiver) -> Settings:
    return Settings(
        data_dir=tmp_path,
        argon2_memory_kib=64,
        argon2_passes=1,
        rate_limit_requests=10_000,
        outbound_allow=receiver.allow,
    )


@pytest.fixture
async def webhook(ann: Person, receiver: Receiver) -> Any:
    return await ann.post("/webhooks", url=receiver.url, events=["call.ended"])


async def test_the_secret_is_shown_once(ann: Person, webhook: Any) -> None:
    assert webhook["secret"].startswith("whsec_")
    shown = await ann.get(f"/webhooks/{webhook['id']}")
    (listed,) = (await ann.get("/webhooks"))["items"]
    assert shown == listed
    assert shown["secret"] == "whsec_••••" + webhook["secret"][-4:]


async def test_events_are_published_and_checked(ann: Person, receiver: Receiver) -> None:
    assert [each["event"] for each in await ann.get("/webhooks/events")] == list(Event)
    refused = await ann.post("/webhooks", 422, url=receiver.url, events=["call.ended", "call.exploded"])
    assert [problem["field"] for problem in refused["fields"]] == ["events.1"]
    assert (await ann.post("/webhooks", 422, url=receiver.url, events=[]))["fields"][0]["field"] == "events"
    taken = await ann.post("/webhooks", url=receiver.url, events=["call.ended", "*", "call.ended"])
    assert taken["events"] == ["*", "call.ended"]


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/x", "example.com", "http://", "https://user:pass@example.com/", "http://example.com/#x",
     "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://169.254.169.254/latest/meta-data",
     "http://2130706433/", "http://0x7f.1/", "http://10.0.0.1:99999/", "http://exa mple.com/", "http://münchen.de/",
     "javascript:alert(1)", "http://[fe80::1%25eth0]/"],
)  # fmt: skip
async def test_a_url_that_cannot_be_delivered_to_is_refused(ann: Person, url: str) -> None:
    assert [problem["field"] for problem in (await ann.post("/webhooks", 422, url=url))["fields"]] == ["url"]


async def test_a_change_takes_the_fields_given_and_a_masked_secret_back(ann: Person, webhook: Any) -> None:
    path = f"/webhooks/{webhook['id']}"
    shown = await ann.get(path)
    assert (await ann.put(path, **shown))["secret"] == shown["secret"]
    changed = await ann.put(path, events=["*"], description="all")
    assert (changed["url"], changed["events"], changed["description"]) == (webhook["url"], ["*"], "all")
    rotated = await ann.put(path, secret=SECRET)
    assert rotated["secret"].endswith(SECRET[-4:])
    assert rotated["previous_secret_until"] is not None
    for refused in (
        {"secret": "whsec_x"},
        {"url": None},
        {"events": ["x"]},
        {"id": str(new_id())},
        {"colour": "red"},
    ):
        await ann.put(path, 422, **refused)


async def test_a_test_shows_what_the_receiver_answered(ann: Person, webhook: Any, receiver: Receiver) -> None:
    receiver.answers = [answer(200, b"welcome"), answer(500, b"no")]
    for status, delivered, excerpt in ((200, True, "welcome"), (500, False, "no")):
        tested = await ann.post(f"/webhooks/{webhook['id']}/test", 200)
        assert (tested["status_code"], tested["delivered"], tested["response_excerpt"]) == (
            status,
            delivered,
            excerpt,
        )
    assert receiver.types == ["webhook.test", "webhook.test"]
    logs = await ann.get(f"/webhooks/{webhook['id']}/logs")
    assert [entry["status"] for entry in logs["items"]] == ["failed", "delivered"]
    assert logs["items"][0]["attempts"][0]["status_code"] == 500


async def test_logs_are_filtered_by_status_and_event(ann: Person, webhook: Any) -> None:
    await ann.post(f"/webhooks/{webhook['id']}/test", 200)
    path = f"/webhooks/{webhook['id']}/logs"
    for query, total in (
        ({"status": "delivered"}, 1),
        ({"status": "failed"}, 0),
        ({"event": "webhook.test"}, 1),
        ({"event": "call.ended"}, 0),
        ({"search": "test"}, 1),
        ({"date_to": "2020-01-01"}, 0),
    ):
        assert (await ann.get(path, 200, **query))["total"] == total
    await ann.get(path, 422, state="failed")


async def test_webhooks_are_found_by_what_they_are(ann: Person, webhook: Any, receiver: Receiver) -> None:
    other = await ann.post("/webhooks", url=receiver.url + "/other", description="CRM", is_active=False)
    for query, expected in (
        ({"is_active": True}, [webhook["id"]]),
        ({"is_active": False}, [other["id"]]),
        ({"search": "crm"}, [other["id"]]),
        ({"sort": "url"}, [webhook["id"], other["id"]]),
    ):
        assert [each["id"] for each in (await ann.get("/webhooks", 200, **query))["items"]] == expected


async def test_a_delivery_is_sent_again_unless_the_webhook_is_off(ann: Person, webhook: Any) -> None:
    path = f"/webhooks/{webhook['id']}"
    delivery = (await ann.post(f"{path}/test", 200))["delivery_id"]
    again = await ann.post(f"{path}/logs/{delivery}/resend", 202)
    assert again["resent_from"] == delivery
    await ann.post(f"{path}/logs/{new_id()}/resend", 404)
    await ann.put(path, is_active=False)
    assert (await ann.post(f"{path}/logs/{delivery}/resend", 409))["code"] == "WEBHOOK_002"


async def test_a_strangers_webhook_does_not_exist(ann: Person, bob: Person, webhook: Any) -> None:
    delivery = (await ann.post(f"/webhooks/{webhook['id']}/test", 200))["delivery_id"]
    for webhook_id in (webhook["id"], str(new_id())):
        path = f"/webhooks/{webhook_id}"
        for refused in (
            await bob.get(path, 404),
            await bob.put(path, 404, is_active=False),
            await bob.delete(path, 404),
            await bob.post(f"{path}/test", 404),
            await bob.get(f"{path}/logs", 404),
            await bob.post(f"{path}/logs/{delivery}/resend", 404),
        ):
            assert refused["code"] == "WEBHOOK_001"
    assert (await bob.get("/webhooks"))["total"] == 0
