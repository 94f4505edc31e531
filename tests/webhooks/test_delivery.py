"""From an event to the receiver: on the real database, over real sockets, on a clock that the test moves."""

import asyncio
import gzip
from datetime import timedelta

import pytest

from tests.webhooks.conftest import VAULT, PostOffice
from tests.webhooks.receiver import answer, hang
from voiceera.ids import new_id
from voiceera.rules.webhooks import DELAYS, Event
from voiceera.services import events, webhooks
from voiceera.store import webhooks as webhook_rows


async def test_an_event_arrives_signed_and_says_what_happened(office: PostOffice) -> None:
    _, secret = await office.subscribe("call.ended")
    await office.happens(Event.CALL_ENDED, id="c1", name="Ännchen")
    await office.deliver()
    (received,) = office.receiver.received
    body = received.verified(secret)
    assert (body["type"], body["data"]) == ("call.ended", {"id": "c1", "name": "Ännchen"})
    assert received.headers["content-type"] == "application/json"
    assert await office.statuses() == ["delivered"]
    (tried,) = await office.tries()
    assert (tried.status_code, tried.response_excerpt, tried.error) == (200, "thank you", None)


async def test_only_what_was_subscribed_to_arrives(office: PostOffice) -> None:
    await office.subscribe("call.ended", "campaign.paused")
    await office.subscribe(is_active=False)
    for event in (Event.CALL_STARTED, Event.CAMPAIGN_PAUSED, Event.CALL_ENDED):
        await office.happens(event)
    await office.deliver()
    assert sorted(office.receiver.types) == ["call.ended", "campaign.paused"]


async def test_where_nobody_listens_nothing_is_written(office: PostOffice) -> None:
    await office.subscribe("call.ended", is_active=False)
    await office.happens()
    assert await office.world.value("SELECT count(*) FROM events") == 0
    assert await office.jobs() == 0


async def test_an_event_that_was_rolled_back_never_happened(office: PostOffice) -> None:
    await office.subscribe()
    with pytest.raises(LookupError):
        async with office.world.scope() as connection:
            await events.emit(connection, office.world.organization_id, Event.CALL_ENDED, {}, office.now)
            raise LookupError
    await office.deliver()
    assert office.receiver.received == []


async def test_a_failing_delivery_is_tried_on_schedule_under_one_id_and_then_given_up(office: PostOffice) -> None:
    _, secret = await office.subscribe()
    office.receiver.otherwise = answer(500, b"out of order")
    await office.happens()
    await office.deliver()
    waits = [await office.deliver_at_next_try() for _ in DELAYS[1:]]
    for wait, delay in zip(waits, DELAYS[1:], strict=True):
        assert 0.9 <= wait / delay <= 1.1
    assert await office.statuses() == ["failed"]
    assert len({each.id for each in office.receiver.received}) == 1
    assert len({each.body for each in office.receiver.received}) == 1
    assert [tried.number for tried in await office.tries()] == list(range(1, 9))
    office.receiver.received[0].verified(secret)


async def test_a_receiver_that_recovers_gets_what_waited(office: PostOffice) -> None:
    webhook_id, _ = await office.subscribe()
    office.receiver.answers = [answer(503), answer(404)]
    await office.happens()
    await office.deliver()
    await office.deliver_at_next_try()
    failing = await office.webhook(webhook_id)
    assert (failing.consecutive_failures, failing.failing_since) == (
        2,
        failing.last_failure_at and failing.created_at,
    )
    await office.deliver_at_next_try()
    well = await office.webhook(webhook_id)
    assert (well.consecutive_failures, well.failing_since, await office.statuses()) == (0, None, ["delivered"])


async def test_a_redirect_is_a_failure_and_is_not_followed(office: PostOffice) -> None:
    await office.subscribe()
    office.receiver.answers = [answer(302, Location=office.receiver.url + "/elsewhere")]
    await office.happens()
    await office.deliver()
    assert len(office.receiver.received) == 1
    assert await office.statuses() == ["pending"]


async def test_a_410_switches_the_webhook_off_and_says_so(office: PostOffice) -> None:
    webhook_id, _ = await office.subscribe()
    office.receiver.answers = [answer(410)]
    await office.happens()
    await office.happens()
    office.receiver.otherwise = answer(410)
    await office.deliver()
    off = await office.webhook(webhook_id)
    assert not off.is_active
    assert "410" in (off.disabled_reason or "")
    assert "pending" not in await office.statuses()
    (line,) = await office.world.rows("SELECT * FROM audit WHERE action = 'webhook.disabled'")
    assert line.subject_id == webhook_id


async def test_five_days_of_failure_switch_a_webhook_off(office: PostOffice) -> None:
    webhook_id, _ = await office.subscribe()
    office.receiver.otherwise = answer(500)
    await office.happens()
    await office.deliver()
    await office.deliver_at_next_try()
    assert (await office.webhook(webhook_id)).is_active
    office.now += timedelta(days=5)
    await office.happens()
    await office.deliver()
    assert not (await office.webhook(webhook_id)).is_active
    assert set(await office.statuses()) <= {"failed", "canceled"}


async def test_retry_after_holds_for_everything_to_that_receiver(office: PostOffice) -> None:
    webhook_id, _ = await office.subscribe()
    office.receiver.answers = [answer(429, Retry_After="120")]
    await office.happens()
    await office.deliver()
    await office.happens()
    office.now += timedelta(seconds=119)
    await office.deliver()
    assert len(office.receiver.received) == 1
    assert (await office.webhook(webhook_id)).paused_until is not None
    office.now += timedelta(seconds=1)
    await office.deliver()
    assert len(office.receiver.received) == 3


@pytest.mark.parametrize("trickle", ["headers", "body"])
async def test_a_byte_now_and_then_does_not_keep_a_connection(office: PostOffice, trickle: str) -> None:
    async def slowly(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" + (b"" if trickle == "headers" else b"Content-Length: 500\r\n\r\n"))
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    await office.subscribe()
    office.receiver.answers = [slowly]
    await office.happens()
    await office.deliver()
    (tried,) = await office.tries()
    assert tried.error == "no whole answer within 1 s"
    assert await office.statuses() == ["pending"]


async def test_an_endless_answer_is_cut_and_counts(office: PostOffice) -> None:
    sent = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(b"y" * 65536)
            await writer.drain()
            sent += 65536

    await office.subscribe()
    office.receiver.answers = [flood]
    await office.happens()
    await office.deliver()
    (tried,) = await office.tries()
    assert (tried.response_excerpt, await office.statuses()) == ("y" * 1000, ["delivered"])
    assert sent < 50_000_000


async def test_a_gzip_bomb_is_not_unpacked(office: PostOffice) -> None:
    await office.subscribe()
    office.receiver.answers = [answer(200, gzip.compress(b"\0" * 10_000_000), Content_Encoding="gzip")]
    await office.happens()
    await office.deliver()
    assert await office.statuses() == ["delivered"]
    assert [tried.response_excerpt for tried in await office.tries()] == [""]


async def test_an_answer_of_any_bytes_can_be_stored(office: PostOffice) -> None:
    await office.subscribe()
    office.receiver.answers = [answer(200, b"\0\xff\xfe nul")]
    await office.happens()
    await office.deliver()
    assert [tried.response_excerpt for tried in await office.tries()] == ["��� nul"]


async def test_a_receiver_that_hangs_holds_up_no_other(office: PostOffice) -> None:
    await office.subscribe("call.started")
    office.receiver.otherwise = hang
    for _ in range(20):
        await office.happens(Event.CALL_STARTED)
    await office.deliver()
    assert office.receiver.most_at_once == 5
    assert set(await office.statuses()) == {"pending"}


async def test_a_worker_that_died_in_mid_delivery_leaves_it_to_the_next(office: PostOffice) -> None:
    webhook_id, _ = await office.subscribe()
    await office.happens()
    key = office.world.organization_id, webhook_id
    assert len(await office.post.claim(*key, office.now, 10)) == 1
    await office.deliver()
    assert office.receiver.received == []
    office.now += office.post.pace.lease
    await office.deliver()
    assert await office.statuses() == ["delivered"]


async def test_switching_off_and_deleting_stop_retries_too(office: PostOffice) -> None:
    off, _ = await office.subscribe("call.ended")
    gone, _ = await office.subscribe("call.ended")
    office.receiver.otherwise = answer(500)
    await office.happens()
    await office.deliver()
    async with office.world.scope() as connection:
        key = office.world.organization_id
        before = await webhook_rows.get(connection, key, off, hold=True)
        doomed = await webhook_rows.get(connection, key, gone, hold=True)
        assert before is not None and doomed is not None
        await webhooks.change(connection, VAULT, before, {"is_active": False}, office.now)
        await webhooks.delete(connection, VAULT, doomed, office.now)
    office.now += timedelta(days=3)
    await office.happens()
    await office.deliver()
    assert len(office.receiver.received) == 2
    assert await office.statuses() == ["canceled"] * 2


async def test_a_new_secret_signs_beside_the_old_one_for_a_day(office: PostOffice) -> None:
    webhook_id, old = await office.subscribe()
    new = webhooks.new_secret()
    async with office.world.scope() as connection:
        before = await webhook_rows.get(connection, office.world.organization_id, webhook_id, hold=True)
        assert before is not None
        await webhooks.change(connection, VAULT, before, {"secret": new}, office.now)
    await office.happens()
    await office.deliver()
    (both,) = office.receiver.received
    assert both.verified(old) == both.verified(new)
    assert len(both.headers["webhook-signature"].split(" ")) == 2
    office.now += timedelta(days=1)
    await office.happens()
    await office.deliver()
    assert len(office.receiver.received[-1].headers["webhook-signature"].split(" ")) == 1


async def test_a_delivery_sent_again_keeps_its_message_id(office: PostOffice) -> None:
    webhook_id, _ = await office.subscribe()
    await office.happens()
    await office.deliver()
    (first,) = await office.world.rows("SELECT id FROM deliveries")
    async with office.world.scope() as connection:
        await webhooks.resend(connection, office.world.organization_id, webhook_id, first.id, office.now)
    await office.deliver()
    one, other = office.receiver.received
    assert (one.id, one.body) == (other.id, other.body)
    assert await office.statuses() == ["delivered"] * 2


async def test_secrets_lie_sealed_in_the_database(office: PostOffice) -> None:
    _, secret = await office.subscribe()
    sealed = await office.world.value("SELECT secrets FROM webhooks")
    assert secret.encode() not in sealed
    assert secret.removeprefix("whsec_").encode() not in sealed


async def test_events_of_long_ago_are_forgotten(office: PostOffice) -> None:
    await office.subscribe()
    await office.happens()
    await office.deliver()
    office.now += timedelta(days=31)
    await office.deliver()
    for table in ("events", "deliveries", "delivery_tries"):
        assert await office.world.value(f"SELECT count(*) FROM {table}") == 0


async def test_many_events_arrive_each_once(office: PostOffice) -> None:
    await office.subscribe()
    wanted = {str(new_id()) for _ in range(100)}
    for each in wanted:
        await office.happens(Event.CALL_ENDED, id=each)
    await office.deliver()
    assert len(office.receiver.received) == 100
    assert len({each.id for each in office.receiver.received}) == 100
    assert office.receiver.most_at_once <= 5
