"""The mail of a test: the worker's kinds of work gone through once, and the outbox that they write into."""

import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path

from voiceera.clock import utc_now
from voiceera.config import Settings
from voiceera.store.base import Database
from voiceera.worker.mail import mail_kinds

_LINK = re.compile(r"^http\S+#token=\S+", re.MULTILINE)


class Post:
    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._outbox = settings.data_dir / "outbox"
        self.kinds = mail_kinds(database, settings.with_public_url(8000))
        self._seen: set[Path] = set()

    async def goes_round(self) -> list[EmailMessage]:
        """Do what is due once; the letters that this brought."""
        for kind in self.kinds:
            async with self._database.platform() as connection:
                due = await kind.due(connection, utc_now())
            for row in due:
                await kind.handle(row, utc_now())
        fresh = set(self._outbox.glob("*.eml")) - self._seen
        self._seen |= fresh
        return [_read(path) for path in sorted(fresh, key=lambda path: path.stat().st_mtime_ns)]

    async def one(self, about: str) -> EmailMessage:
        """The one letter of this round whose subject has these words."""
        [letter] = [each for each in await self.goes_round() if about in str(each["Subject"])]
        return letter


def link(letter: EmailMessage) -> str:
    found = _LINK.search(letter.get_content())
    assert found, letter.get_content()
    return found.group()


def token(letter: EmailMessage) -> str:
    return link(letter).partition("#token=")[2]


def _read(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
