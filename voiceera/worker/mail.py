"""Mail as kinds of work: requests for a new password are looked up, mails are sent."""

from collections.abc import Sequence
from datetime import datetime

from voiceera.config import Settings
from voiceera.providers.mail import Mailer
from voiceera.services import password_resets as service
from voiceera.services.mail import Postman, mailer
from voiceera.store import mails, password_resets
from voiceera.store.base import Connection, Database
from voiceera.store.jobs import DueRow
from voiceera.worker.jobs import SWEPT_AT_ONCE, Kind


def mail_kinds(database: Database, settings: Settings, through: Mailer | None = None) -> list[Kind]:
    """`through`: None takes the server, or the outbox folder, that the settings name. Raises StartupError."""
    postman = Postman(database, settings, through or mailer(settings))

    async def look_up(row: DueRow, now: datetime) -> None:
        await service.look_up(database, row, now)

    async def requests_due(connection: Connection, now: datetime) -> Sequence[DueRow]:
        return await password_resets.due(connection, now, SWEPT_AT_ONCE)

    async def mails_due(connection: Connection, now: datetime) -> Sequence[DueRow]:
        return await mails.due(connection, now, SWEPT_AT_ONCE)

    return [
        Kind(password_resets.JOB, look_up, requests_due),
        Kind(mails.JOB, postman.deliver, mails_due),
    ]
