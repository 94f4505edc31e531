"""Sending mail: over SMTP, or into a folder where no server is set."""

import asyncio
import os
import secrets
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Literal, Protocol

import aiosmtplib

from voiceera.errors import ProviderError
from voiceera.log import get_logger

log = get_logger("mail")

_TIMEOUT_SECONDS = 30
_REFUSED_FOR_GOOD = range(550, 555)
"""RFC 5321, 4.2.2: mailbox unavailable and its kin; other 5xx (authentication, TLS) are the operator's to mend."""


class Mailer(Protocol):
    async def send(self, message: EmailMessage) -> None:
        """Raises ProviderError; `permanent` when this recipient will never get it."""


@dataclass(frozen=True)
class SmtpMailer:
    host: str
    port: int
    user: str | None
    password: str | None
    tls: Literal["starttls", "tls", "none"]

    def __repr__(self) -> str:
        return f"SmtpMailer({self.host}:{self.port})"

    async def send(self, message: EmailMessage) -> None:
        try:
            await aiosmtplib.send(
                message,
                hostname=self.host,
                port=self.port,
                username=self.user,
                password=self.password,
                use_tls=self.tls == "tls",
                start_tls=self.tls == "starttls",
                timeout=_TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _failed(refused.recipients[0].code) from None
        except aiosmtplib.SMTPResponseException as refused:
            raise _failed(refused.code) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as problem:
            # A server's words may repeat the address: only the kind of trouble goes on.
            raise ProviderError("smtp", "could not be talked to", details=type(problem).__name__) from None


@dataclass(frozen=True)
class OutboxMailer:
    """Writes each message as a file that mail programs open."""

    directory: Path

    async def send(self, message: EmailMessage) -> None:
        try:
            path = await asyncio.to_thread(self._write, message)
        except OSError as problem:
            raise ProviderError("outbox", "could not be written", details=problem.strerror) from None
        log.info("mail_written", path=str(path), hint="set VOICEERA_SMTP_HOST to have mail sent")

    def _write(self, message: EmailMessage) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.directory / f"{secrets.token_hex(8)}.eml"
        unfinished = path.with_suffix(".part")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())
        unfinished.rename(path)
        return path


def _failed(code: int) -> ProviderError:
    return ProviderError("smtp", f"answered {code}", permanent=code in _REFUSED_FOR_GOOD)
