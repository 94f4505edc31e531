"""How long an organization keeps what was said and heard."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from voiceera.rules.sent import Sent

Days = Annotated[int, Field(ge=1, le=3650)]


class Retention(Sent):
    """In days from the call. Nothing given: it is kept until somebody deletes it."""

    recordings_days: Days | None = None
    """Then the recording is erased; the call, its transcript and its analysis stay."""
    calls_days: Days | None = None
    """Then the call is erased with all that belongs to it, as by DELETE: reports count it no more."""

    def recordings_before(self, now: datetime) -> datetime | None:
        """Recordings of calls before that instant go: never later than the calls themselves."""
        return _before(min((days for days in (self.recordings_days, self.calls_days) if days), default=None), now)

    def calls_before(self, now: datetime) -> datetime | None:
        return _before(self.calls_days, now)


def _before(days: int | None, now: datetime) -> datetime | None:
    return None if days is None else now - timedelta(days=days)
