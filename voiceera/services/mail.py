"""Writing and sending the mail that is due. A mail's secret is made when it is sent, and only its hash is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from voiceera import ids
from voiceera.config import Settings
from voiceera.errors import ProviderError, StartupError
from voiceera.log import get_logger
from voiceera.providers.mail import Mailer, OutboxMailer, SmtpMailer
from voiceera.rules.mails import MailKind, letter, next_try
from voiceera.store import invitations, mails, organizations, password_resets, users, webhooks
from voiceera.store.base import Connection, Database, widen
from voiceera.store.jobs import DueRow
from voiceera.store.mails import Mail

log = get_logger("mail")

_LEASE = timedelta(minutes=2)
"""How long one worker may take over a mail before another tries."""


@dataclass(frozen=True)
class _Written:
    kind: MailKind
    values: Mapping[str, str]


class Postman:
    """Any number may go round: a mail is claimed by updating its row. Killed between sending and writing that down,
    one mail goes out twice, under the same Message-ID."""

    def __init__(self, database: Database, settings: Settings, mailer: Mailer) -> None:
        """`settings.public_url` is where links lead: never what a request said of itself."""
        self._database = database
        self._mailer = mailer
        self._public_url = settings.public_url.rstrip("/")
        self._from = sender(settings)
        self._reset_lifetime = timedelta(minutes=settings.reset_token_minutes)

    async def deliver(self, row: DueRow, now: datetime) -> None:
        """Send one mail, if it is due and still has something to say."""
        async with self._database.organization(row.organization_id) as connection:
            mail = await mails.claim(connection, row.organization_id, row.row_id, now, now + _LEASE)
            if mail is None:
                return
            written = await self._write(connection, mail, now)
            if written is None:
                await mails.end(connection, mail, "dropped", now)
                return
        try:
            await self._mailer.send(self._message(mail, written, now))
        except ProviderError as error:
            await self._put_off(mail, error, now)
        else:
            async with self._database.organization(mail.organization_id) as connection:
                await mails.end(connection, mail, "sent", now)
            log.info("mail_sent", mail_id=str(mail.id), kind=mail.kind)

    async def _put_off(self, mail: Mail, error: ProviderError, now: datetime) -> None:
        again = None if error.permanent else next_try(mail.kind, mail.created_at, mail.tries, now)
        problem = error.message + (f": {error.details}" if error.details else "")
        async with self._database.organization(mail.organization_id) as connection:
            if again is None:
                await mails.end(connection, mail, "failed", now, problem)
            else:
                await mails.put_off(connection, mail, again, problem)
        log.warning("mail_not_sent", mail_id=str(mail.id), kind=mail.kind, problem=problem, is_over=again is None)

    async def _write(self, connection: Connection, mail: Mail, now: datetime) -> _Written | None:
        """What to say, as things stand now; None when there is nothing to say any more."""
        match mail.kind:
            case MailKind.PASSWORD_RESET:
                return await self._write_reset(connection, mail, now)
            case MailKind.INVITATION:
                return await self._write_invitation(connection, mail, now)
            case MailKind.WEBHOOK_DISABLED:
                return await self._write_disabled(connection, mail)
            case _:
                return _Written(mail.kind, {"link": f"{self._public_url}/forgot-password"})

    async def _write_reset(self, connection: Connection, mail: Mail, now: datetime) -> _Written | None:
        user = await users.get(connection, mail.organization_id, mail.subject_id)
        if user is None or not user.is_active or user.email != mail.recipient:
            return None
        token = _token(mail.organization_id)
        expires_at = now + self._reset_lifetime
        await password_resets.add_token(connection, mail.organization_id, user.id, token, now, expires_at)
        return _Written(mail.kind, {"link": f"{self._public_url}/reset-password#token={token}"})

    async def _write_invitation(self, connection: Connection, mail: Mail, now: datetime) -> _Written | None:
        invitation = await invitations.get(connection, mail.organization_id, mail.subject_id)
        if invitation is None or invitation.expires_at <= now:
            return None
        name = (await organizations.get(connection, mail.organization_id)).name
        await widen(connection)
        if await users.find_login(connection, mail.recipient) is not None:
            return _Written(MailKind.INVITATION_TO_A_USER, {"organization": name})
        token = _token(mail.organization_id)
        await invitations.set_token(connection, mail.organization_id, invitation.id, token)
        link = f"{self._public_url}/accept-invitation#token={token}"
        expires = f"{invitation.expires_at:%d %B %Y, %H:%M} UTC"
        return _Written(mail.kind, {"organization": name, "link": link, "expires": expires})

    async def _write_disabled(self, connection: Connection, mail: Mail) -> _Written | None:
        webhook = await webhooks.get(connection, mail.organization_id, mail.subject_id)
        if webhook is None or webhook.is_active:
            return None
        # The host alone: a path or a query may be the receiver's secret.
        host = urlsplit(webhook.url).hostname or "its receiver"
        link = f"{self._public_url}/webhooks/{webhook.id}"
        return _Written(mail.kind, {"host": host, "reason": webhook.disabled_reason or "it failed", "link": link})

    def _message(self, mail: Mail, written: _Written, now: datetime) -> EmailMessage:
        said = letter(written.kind, written.values)
        message = EmailMessage(policy=SMTP)
        message["From"] = self._from
        message["To"] = Address(addr_spec=mail.recipient)
        message["Subject"] = said.subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{mail.id}@{self._from.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        # Quoted-printable would break the link for whoever reads the file as it is.
        message.set_content(said.text, cte="7bit" if said.text.isascii() else "quoted-printable")
        return message


def mailer(settings: Settings) -> Mailer:
    """The server that is set, or the outbox folder."""
    if settings.smtp_host is None:
        return OutboxMailer(settings.data_dir / "outbox")
    password = None if settings.smtp_password is None else settings.smtp_password.get_secret_value()
    return SmtpMailer(settings.smtp_host, settings.smtp_port, settings.smtp_user, password, settings.smtp_tls)


def sender(settings: Settings) -> Address:
    """Who our mail is from. Raises StartupError for what is no address."""
    if not settings.mail_from:
        return Address("VoiceERA", "no-reply", _domain(settings.public_url))
    name, address = parseaddr(settings.mail_from)
    try:
        return Address(name, addr_spec=address)
    except (ValueError, IndexError):
        raise StartupError("VOICEERA_MAIL_FROM must be an address: VoiceERA <calls@example.com>.") from None


def _domain(public_url: str) -> str:
    host = urlsplit(public_url).hostname or "localhost"
    try:
        ip_address(host)
    except ValueError:
        return host
    return "localhost"


def _token(organization_id: UUID) -> str:
    return f"{organization_id.hex}.{ids.new_secret()}"
