"""The peer of `benchmarks.api`: the same lists of the same rows the usual way, SQLAlchemy's ORM and pydantic.

A FastAPI application with mapped classes, a session a request and a response model, which does what the platform
does: it checks the token's signature and its session, counts the caller's requests, sets the scope of row-level
security and caps the total. Reads {"url", "key"} from standard input (the database, and what tokens are signed
under), and says {"port"} when it listens.
"""

import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from time import time as seconds
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from voiceera.api.call_logs import CallLog
from voiceera.api.shapes import Items, Success
from voiceera.roles.ports import bound_socket
from voiceera.store import calls, recordings, sessions
from voiceera.store.base import driver_url, metadata

CAP = 10_000


class Base(DeclarativeBase):
    metadata = metadata


def mapped(table: Table) -> Any:
    return type(table.name, (Base,), {"__table__": table})


Call = mapped(calls.calls)
Recording = mapped(recordings.recordings)
SignedIn = mapped(sessions.sessions)


class CallsQuery(BaseModel):
    skip: int = 0
    limit: int = 10
    sort: str = "-created_at"
    status: str | None = None
    direction: str | None = None
    disposition: str | None = None
    phone_number: str | None = None
    agent_id: UUID | None = None
    campaign_id: UUID | None = None
    date_from: date | None = None
    date_to: date | None = None
    timezone: str = "UTC"

    def conditions(self) -> list[Any]:
        names = ("status", "direction", "disposition", "phone_number", "agent_id", "campaign_id")
        given = [(name, getattr(self, name)) for name in names]
        wanted = [getattr(Call, name) == value for name, value in given if value is not None]
        zone = ZoneInfo(self.timezone)
        if self.date_from:
            wanted.append(Call.created_at >= datetime.combine(self.date_from, time.min, zone).astimezone(UTC))
        if self.date_to:
            end = datetime.combine(self.date_to + timedelta(days=1), time.min, zone)
            wanted.append(Call.created_at < end.astimezone(UTC))
        return wanted

    def order(self) -> list[Any]:
        column, is_down = getattr(Call, self.sort.removeprefix("-")), self.sort.startswith("-")
        return [
            (each.desc() if is_down else each.asc()).nulls_last()
            if each.nullable
            else each.desc()
            if is_down
            else each
            for each in (column, Call.created_at, Call.id)
        ]


def create_app(url: str, key: bytes) -> FastAPI:
    factory = async_sessionmaker(create_async_engine(driver_url(url), pool_size=10, max_overflow=0))
    counts: Counter[tuple[str, int]] = Counter()
    app = FastAPI()

    async def signed_in(request: Request, response: Response) -> AsyncIterator[tuple[AsyncSession, UUID]]:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, key, ["HS256"], audience="voiceera-api", issuer="voiceera")
        except jwt.InvalidTokenError:
            raise HTTPException(401) from None
        window = int(seconds() // 10)
        counts[claims["sub"], window] += 1
        response.headers["X-RateLimit-Remaining"] = str(10**7 - counts[claims["sub"], window])
        async with factory() as session, session.begin():
            scope = text("SELECT set_config('voiceera.organization_id', :id, true)")
            await session.execute(scope, {"id": claims["org"]})
            found = await session.get(SignedIn, (UUID(claims["org"]), UUID(claims["sid"])))
            if found is None or found.ended_at is not None:
                raise HTTPException(401)
            yield session, UUID(claims["org"])

    @app.get("/call-logs")
    async def list_call_logs(
        caller: Annotated[tuple[AsyncSession, UUID], Depends(signed_in)], query: Annotated[CallsQuery, Query()]
    ) -> Success[Items[CallLog]]:
        session, organization_id = caller
        wanted = [Call.organization_id == organization_id, *query.conditions()]
        capped = select(Call.id).where(*wanted).limit(CAP + 1).subquery()
        total = await session.scalar(select(func.count()).select_from(capped)) or 0
        its_own = (Recording.organization_id == Call.organization_id) & (Recording.call_id == Call.id)
        page = select(Call, Recording).outerjoin(Recording, its_own).where(*wanted)
        rows = await session.execute(page.order_by(*query.order()).offset(query.skip).limit(query.limit + 1))
        found = [_shown(call, recording) for call, recording in rows]
        items = found[: query.limit]
        return Success(data=Items(items=items, total=min(total, CAP), skip=query.skip, limit=query.limit))

    return app


def _shown(call: Any, recording: Any) -> CallLog:
    url = f"http://127.0.0.1/call-recordings/{call.id}/download" if recording is not None else None
    columns = {column.key: getattr(call, column.key) for column in calls.calls.columns}
    return CallLog.model_validate(columns | {"recording_url": url})


def main() -> None:
    given = json.loads(sys.stdin.readline())
    with bound_socket("127.0.0.1", 0, "") as listener:
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
        config = uvicorn.Config(
            create_app(given["url"], bytes.fromhex(given["key"])),
            loop="uvloop",
            http="httptools",
            log_config=None,
            access_log=False,
        )
        uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
