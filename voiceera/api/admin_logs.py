"""The system's log for the operator: warnings and errors of every role, and who did what."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field, StringConstraints

from voiceera.api.depends import Administering
from voiceera.api.envelope import listed
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Instant, Items, Shown, Success
from voiceera.store import system_logs
from voiceera.store.system_logs import LogFilter

routes = router("Admin")

Level = Literal["warning", "error", "critical", "audit"]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class LogLine(Shown):
    """`role` and `process` (host and process id) say who wrote it; an audit line has neither: there, `user_id` did
    what `event` says. `details` holds the rest, secrets and personal data cut out."""

    id: UUID
    created_at: Instant
    level: Level
    role: str | None = Field(examples=["api"])
    process: str | None
    component: str = Field(examples=["dialer"])
    event: str = Field(examples=["round_failed"])
    request_id: str | None
    user_id: UUID | None
    organization_id: UUID | None
    details: dict[str, Any]


class LogsQuery(DatedQuery):
    level: Level | None = None
    component: Word | None = None
    role: Word | None = None
    user_id: UUID | None = None
    request_id: Annotated[Word | None, Field(description="The answer's `X-Request-ID`; of a call, its id.")] = None


@routes.get("/admin/logs")
async def list_logs(work: Administering, query: Annotated[LogsQuery, Query()]) -> Success[Items[LogLine]]:
    """Warnings and errors of every role, and the audit, newest first; `search` looks into events and details."""
    wanted = LogFilter(
        level=query.level,
        component=query.component,
        role=query.role,
        user_id=query.user_id,
        request_id=query.request_id,
        search=query.search,
        span=query.span(),
    )
    async with work.backend.database.platform() as connection:
        found = await system_logs.find(connection, query.page(), wanted)
    return listed(found.map(LogLine.model_validate))
