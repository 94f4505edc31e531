"""The part of a worker that delivers webhooks, as a process that `benchmarks.webhooks` kills; its schedule scaled."""

import asyncio
import sys
from datetime import timedelta
from typing import Any

import msgspec

from voiceera import log
from voiceera.providers.outbound import allow_list
from voiceera.providers.webhook_sender import WebhookSender
from voiceera.services.deliveries import Pace, Post
from voiceera.store.base import Database
from voiceera.store.vault import Vault
from voiceera.worker.deliveries import Deliveries
from voiceera.worker.jobs import JobRunner


async def work(given: dict[str, Any]) -> None:
    database = Database(given["database_url"])
    pace = Pace(given["scale"], timedelta(seconds=given["lease_seconds"]))
    async with WebhookSender(allow_list(given["allow"]), timeout_seconds=given["timeout_seconds"]) as sender:
        post = Post(database, Vault(given["key"].encode()), sender, pace)
        never = asyncio.Event()
        runner = JobRunner(database, [Deliveries(post, never).kind()], sweep_seconds=given["sweep_seconds"])
        await runner.run(never)


if __name__ == "__main__":
    log.configure("worker", "ERROR")
    asyncio.run(work(msgspec.json.decode(sys.stdin.buffer.read())))
