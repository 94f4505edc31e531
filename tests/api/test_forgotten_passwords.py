"""A forgotten password: nobody learns who has an account, and a link lets its owner in once."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.api.conftest import PASSWORD, Person, body, client_of, sign_in
from tests.api.post import Post, link, token
from tests.api.statements import statements
from voiceera.clock import utc_now
from voiceera.config import Settings
from voiceera.store.base import Database

NEW_PASSWORD = "another horse battery"


async def ask(client: httpx.AsyncClient, email: str, **headers: str) -> httpx.Response:
    return await client.post("/auth/forgot-password", json={"email": email}, headers=headers)


async def reset(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/auth/reset-password", json={"token": token, "new_password": NEW_PASSWORD})


async def test_the_answer_and_the_work_are_the_same_for_whoever_is_asked_about(
    ann: Person, anyone: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    passwords = app.state.backend.accounts.passwords
    answers, hashes, sent = [], [], []
    for email in (ann.email, "nobody@example.com"):
        before = passwords.hashed
        with statements(database) as seen:
            answers.append(body(await ask(anyone, email), 200))
        hashes.append(passwords.hashed - before)
        sent.append(seen)
    assert answers[0] == answers[1]
    assert hashes[0] == hashes[1]
    assert sent[0] == sent[1]


async def test_only_the_owner_of_an_address_gets_a_mail(ann: Person, anyone: httpx.AsyncClient, post: Post) -> None:
    for email in ("nobody@example.com", "ANN@example.com"):
        body(await ask(anyone, email), 200)
    letters = await post.goes_round()
    assert [(each["To"], each["Auto-Submitted"]) for each in letters] == [("ann@example.com", "auto-generated")]
    assert await post.goes_round() == [], "each is sent once"


async def test_a_link_works_once_and_ends_every_session(ann: Person, anyone: httpx.AsyncClient, post: Post) -> None:
    await ask(anyone, ann.email)
    mailed = token(await post.one("new password"))
    body(await reset(anyone, mailed), 200)
    assert (await ann.get("/auth/me", 401))["code"] == "AUTH_003"
    used = {"refresh_token": ann.tokens["refresh_token"]}
    body(await anyone.post("/auth/refresh-token", json=used), 401)
    body(await anyone.post("/auth/login", json={"email": ann.email, "password": PASSWORD}), 401)
    await sign_in(anyone, ann.email, NEW_PASSWORD)
    assert body(await reset(anyone, mailed), 401)["code"] == "AUTH_003"
    assert (await post.one("was changed"))["To"] == ann.email


async def test_of_many_that_use_a_link_at_once_one_wins(
    ann: Person, anyone: httpx.AsyncClient, post: Post, settings: Settings
) -> None:
    await ask(anyone, ann.email)
    mailed = token(await post.one("new password"))
    answers = await asyncio.gather(*(reset(anyone, mailed) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19


async def test_one_link_used_voids_the_others(ann: Person, anyone: httpx.AsyncClient, post: Post) -> None:
    tokens = []
    for _ in range(2):
        await ask(anyone, ann.email)
        tokens.append(token(await post.one("new password")))
    body(await reset(anyone, tokens[0]), 200)
    body(await reset(anyone, tokens[1]), 401)


@pytest.mark.parametrize(
    "change", [{"email": "grace@example.com"}, {"password": "x" * 8, "current_password": PASSWORD}]
)
async def test_a_change_of_address_or_password_voids_links_under_way(
    ann: Person, anyone: httpx.AsyncClient, post: Post, change: dict[str, str]
) -> None:
    await ask(anyone, ann.email)
    mailed = token(await post.one("new password"))
    await ann.put(ann.path, **change)
    body(await reset(anyone, mailed), 401)
    assert (await post.one("was changed"))["To"] == "ann@example.com"


async def test_a_link_is_good_for_an_hour(
    ann: Person, anyone: httpx.AsyncClient, post: Post, database: Database
) -> None:
    await ask(anyone, ann.email)
    mailed = token(await post.one("new password"))
    async with database.platform() as connection:
        left = await connection.scalar(text("SELECT expires_at - created_at FROM reset_tokens"))
        await connection.execute(text("UPDATE reset_tokens SET expires_at = now()"))
    assert left == timedelta(hours=1)
    body(await reset(anyone, mailed), 401)


async def test_tokens_stand_in_the_database_as_hashes_only(
    ann: Person, anyone: httpx.AsyncClient, post: Post, database: Database
) -> None:
    await ask(anyone, ann.email)
    secret = token(await post.one("new password")).partition(".")[2]
    async with database.platform() as connection:
        for table in ("reset_tokens", "mails", "reset_requests", "audit", "pgqueuer"):
            held = await connection.scalar(text(f"SELECT string_agg(t::text, ' ') FROM {table} AS t")) or ""
            assert secret not in held
            assert "ann@example.com" not in held, "what was sent needs no address any more"


@pytest.mark.parametrize(
    "forged",
    [
        "x",
        "",
        "." * 60,
        "0" * 32 + ".x",
        "{organization}." + "x" * 43,
        "{organization}.",
        "{access}",
        "{refresh}",
        "{cut}",
        "{other}",
    ],
)
async def test_a_forged_token_is_refused(
    ann: Person, bob: Person, anyone: httpx.AsyncClient, post: Post, forged: str
) -> None:
    await ask(anyone, ann.email)
    mailed = token(await post.one("new password"))
    told = forged.format(
        organization=ann.organization_id.replace("-", ""),
        access=ann.tokens["token"],
        refresh=ann.tokens["refresh_token"],
        cut=mailed[:-1],
        other=f"{bob.organization_id.replace('-', '')}.{mailed.partition('.')[2]}",
    )
    answer = await reset(anyone, told[:200])
    assert body(answer, 401)["code"] == "AUTH_003"
    await ann.get("/auth/me")


async def test_a_request_cannot_say_where_the_link_leads(ann: Person, anyone: httpx.AsyncClient, post: Post) -> None:
    poison = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    body(await ask(anyone, ann.email, **poison), 200)
    letter = await post.one("new password")
    assert link(letter).startswith("http://127.0.0.1:8000/reset-password#token=")
    assert "evil" not in letter.as_string()


async def test_a_mailbox_is_not_filled_by_whoever_asks(ann: Person, anyone: httpx.AsyncClient, post: Post) -> None:
    for _ in range(8):
        body(await ask(anyone, ann.email), 200)
    assert len(await post.goes_round()) == 5


async def test_the_deactivated_and_the_deleted_get_no_mail(
    ann: Person, root: Person, anyone: httpx.AsyncClient, post: Post
) -> None:
    await ask(anyone, ann.email)
    mailed = token(await post.one("new password"))
    await root.post(f"/admin{ann.path}/deactivate", 200)
    body(await reset(anyone, mailed), 401)
    await ask(anyone, ann.email)
    assert await post.goes_round() == []


async def test_asking_is_throttled_by_address_and_email_together(anyone: httpx.AsyncClient) -> None:
    tries = await asyncio.gather(*(ask(anyone, "ann@example.com") for _ in range(60)))
    refused = [answer for answer in tries if answer.status_code == 429]
    assert len(refused) == 10 or utc_now().second < 30, "unless the minute turned over"
    assert all(int(answer.headers["Retry-After"]) <= 60 for answer in refused)


async def test_the_page_behind_the_link_runs_only_its_own_script(app: FastAPI) -> None:
    async with client_of(app) as client:
        for path in ("/forgot-password", "/reset-password", "/accept-invitation"):
            page = await client.get(path)
            assert page.headers["content-type"].startswith("text/html")
            assert "default-src 'none'" in page.headers["content-security-policy"]
            assert "unsafe" not in page.headers["content-security-policy"]
