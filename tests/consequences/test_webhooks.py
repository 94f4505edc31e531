"""What the routes of webhooks do: as a receiver on loopback sees it, from a worker that runs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.api.conftest import Person
from tests.api.post import Post as Mailbox
from tests.webhooks.receiver import Received, Receiver, answer, receiving
from voiceera.api.depends import Backend
from voiceera.config import Settings
from voiceera.providers.outbound import allow_list
from voiceera.providers.webhook_sender import WebhookSender
from voiceera.rules.webhooks import secret_of
from voiceera.services.deliveries import Pace, Post
from voiceera.worker.deliveries import Deliveries
from voiceera.worker.jobs import JobRunner


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
async def worker(backend: Backend, receiver: Receiver) -> AsyncIterator[None]:
    """The part of a worker that sends, its schedule a hundred times as fast."""
    stop = asyncio.Event()
    async with WebhookSender(allow_list(receiver.allow), timeout_seconds=5) as sender, asyncio.TaskGroup() as tasks:
        post = Post(backend.database, backend.vault, sender, Pace(scale=0.01))
        kinds = [Deliveries(post, stop).kind()]
        tasks.create_task(JobRunner(backend.database, kinds, drain_seconds=5, sweep_seconds=0.5).run(stop))
        yield
        stop.set()


@pytest.fixture
async def webhook(ann: Person, receiver: Receiver) -> Any:
    return await ann.post("/webhooks", url=receiver.url)


@pytest.fixture
async def campaign(line: Any) -> Any:
    return await line.launched()


async def something_happens(ann: Person, campaign: Any, moves: Sequence[str] = ("pause", "resume")) -> None:
    for move in moves:
        await ann.post(f"/campaigns/{campaign['id']}/{move}", 200)


async def other_things_arrive(ann: Person, campaign: Any, receiver: Receiver) -> list[Received]:
    """A second webhook hears what happens next; by then the first would have heard it, too."""
    before = len(receiver.received)
    await ann.post("/webhooks", url=receiver.url + "/other")
    await something_happens(ann, campaign)
    await receiver.until(before + 2)
    return receiver.received[before:]


@pytest.mark.consequence("GET /webhooks")
async def test_no_list_holds_a_secret(ann: Person, webhook: Any) -> None:
    answered = await ann.client.get("/webhooks")
    assert webhook["id"] in answered.text
    assert webhook["secret"] not in answered.text
    assert webhook["secret"].removeprefix("whsec_") not in answered.text


@pytest.mark.consequence("POST /webhooks")
async def test_the_next_event_arrives_signed(
    ann: Person, campaign: Any, webhook: Any, receiver: Receiver, worker: None
) -> None:
    await something_happens(ann, campaign, ["pause"])
    await receiver.until(1)
    told = receiver.received[0].verified(webhook["secret"])
    assert (told["type"], told["data"]["id"], told["data"]["status"]) == ("campaign.paused", campaign["id"], "paused")


@pytest.mark.consequence("POST /campaigns/{campaign_id}/launch")
async def test_a_launch_rings_and_tells(line: Any, webhook: Any, receiver: Receiver, worker: None) -> None:
    campaign = await line.launched(people=2)
    await receiver.until(1)
    told = receiver.received[0].verified(webhook["secret"])
    assert (told["type"], told["data"]["id"]) == ("campaign.launched", campaign["id"])
    await line.rounds()
    assert len(await line.rung()) == 2


@pytest.mark.consequence("GET /webhooks/{webhook_id}")
async def test_a_webhook_shows_its_failures_and_that_it_was_switched_off(
    ann: Person, campaign: Any, webhook: Any, receiver: Receiver, worker: None, post: Mailbox
) -> None:
    receiver.answers = [answer(500), answer(410)]
    await something_happens(ann, campaign, ["pause"])
    await receiver.until(2)
    path = f"/webhooks/{webhook['id']}"
    async with asyncio.timeout(20):
        while (shown := await ann.get(path))["is_active"]:
            pass
    assert (shown["consecutive_failures"], "410" in shown["disabled_reason"]) == (2, True)
    assert shown["failing_since"] <= shown["last_failure_at"] <= shown["disabled_at"]
    letter = await post.one("switched off")
    assert (letter["To"], "answered 410" in letter.get_content()) == (ann.email, True)
    assert f"http://127.0.0.1:8000{path}" in letter.get_content()


@pytest.mark.consequence("PUT /webhooks/{webhook_id}")
async def test_inactive_means_silence_and_a_new_secret_signs_beside_the_old(
    ann: Person, campaign: Any, webhook: Any, receiver: Receiver, worker: None
) -> None:
    path, new = f"/webhooks/{webhook['id']}", secret_of(b"n" * 32)
    await ann.put(path, secret=new)
    await something_happens(ann, campaign)
    await receiver.until(2)
    for each in receiver.received:
        assert each.verified(webhook["secret"]) == each.verified(new)
    await ann.put(path, is_active=False)
    heard = await other_things_arrive(ann, campaign, receiver)
    assert [each.headers["webhook-signature"].count("v1,") for each in heard] == [1, 1]


@pytest.mark.consequence("DELETE /webhooks/{webhook_id}")
async def test_nothing_arrives_at_a_deleted_webhook_retries_included(
    ann: Person, campaign: Any, webhook: Any, receiver: Receiver, worker: None
) -> None:
    receiver.answers = [answer(500)]
    await something_happens(ann, campaign, ["pause"])
    await receiver.until(1)
    refused = receiver.received[0].id
    await ann.delete(f"/webhooks/{webhook['id']}")
    await something_happens(ann, campaign, ["resume"])
    heard = await other_things_arrive(ann, campaign, receiver)
    assert refused not in {each.id for each in heard}
    assert len(heard) == 2


@pytest.mark.consequence("POST /webhooks/{webhook_id}/test")
async def test_a_test_reaches_the_receiver_and_says_what_it_replied(
    ann: Person, webhook: Any, receiver: Receiver
) -> None:
    receiver.answers = [answer(202, b"got it")]
    tested = await ann.post(f"/webhooks/{webhook['id']}/test", 200)
    assert receiver.received[0].verified(webhook["secret"])["type"] == "webhook.test"
    assert (tested["status_code"], tested["response_excerpt"]) == (202, "got it")


@pytest.mark.consequence("GET /webhooks/{webhook_id}/logs")
async def test_the_logs_tell_each_try_as_the_receiver_saw_it(
    ann: Person, campaign: Any, webhook: Any, receiver: Receiver, worker: None, backend: Backend
) -> None:
    receiver.answers = [answer(500, b"busy"), answer(200, b"fine")]
    await something_happens(ann, campaign, ["pause"])
    async with asyncio.timeout(20):
        while True:
            (entry,) = (await ann.get(f"/webhooks/{webhook['id']}/logs"))["items"]
            if entry["status"] == "delivered":
                break
    assert {each.id for each in receiver.received} == {entry["event_id"]}
    assert [(each["status_code"], each["response_excerpt"]) for each in entry["attempts"]] == [
        (500, "busy"),
        (200, "fine"),
    ]
    assert all(each["latency_ms"] > 0 for each in entry["attempts"])
    async with backend.database.platform() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM delivery_tries")) == len(receiver.received)
