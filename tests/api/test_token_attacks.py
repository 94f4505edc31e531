"""Forty ways to come in without having signed in, and what becomes of tokens that were once good."""

import asyncio
import base64
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from sqlalchemy import text

from tests.api.conftest import PASSWORD, Person, add_user, body, client_of, sign_in
from tests.api.post import Post, token
from voiceera.api.depends import Backend
from voiceera.rules.permissions import Role
from voiceera.store.base import Database
from voiceera.store.vault import Vault


def packed(value: Any) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def forgeries(ann: Person, bob: Person, backend: Backend) -> dict[str, str]:
    """What an attacker without our key can send."""
    good = ann.tokens["token"]
    head, middle, signature = good.split(".")
    payload = jwt.decode(good, options={"verify_signature": False})
    theirs = jwt.decode(bob.tokens["token"], options={"verify_signature": False})
    stranger = Vault(b"another key of thirty-two letters").derive("access tokens")
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    organization = ann.organization_id.replace("-", "")

    def unsigned(algorithm: Any) -> str:
        return f"{packed({'alg': algorithm, 'typ': 'JWT'})}.{middle}."

    return {
        "no signature": unsigned("none"),
        "no signature, in capitals": unsigned("NONE"),
        "no signature, mixed": unsigned("nOnE"),
        "no algorithm": f"{packed({'typ': 'JWT'})}.{middle}.",
        "an algorithm that is a list": unsigned(["HS256"]),
        "an algorithm that is null": unsigned(None),
        "the algorithm in lower case": f"{packed({'alg': 'hs256'})}.{middle}.{signature}",
        "another key": jwt.encode(payload, stranger, algorithm="HS256"),
        "an empty key": f"{head}.{middle}.{packed(hmac.digest(b'', f'{head}.{middle}'.encode(), 'sha256'))}",
        "a key that stands in the header": jwt.encode(
            payload, stranger, algorithm="HS256", headers={"jwk": {"kty": "oct", "k": packed(stranger)}}
        ),
        "a key at an address in the header": jwt.encode(
            payload, stranger, algorithm="HS256", headers={"jku": "http://evil.example/keys"}
        ),
        "a key that is a file": jwt.encode(payload, stranger, algorithm="HS256", headers={"kid": "../../dev/null"}),
        "a public key's algorithm": jwt.encode(payload, rsa_key, algorithm="RS256"),
        "empty signature": f"{head}.{middle}.",
        "a bit turned": f"{head}.{middle}.{signature[:-2]}AA",
        "a signature cut short": f"{head}.{middle}.{signature[:20]}",
        "another's claims under our signature": f"{head}.{packed(theirs)}.{signature}",
        "raised to administrator": f"{head}.{packed({**payload, 'role': 'admin'})}.{signature}",
        "a longer life": f"{head}.{packed({**payload, 'exp': payload['exp'] + 10**6})}.{signature}",
        "two parts": f"{head}.{middle}",
        "four parts": f"{good}.{signature}",
        "five parts, like an encrypted one": f"{head}..{middle}.{signature}.{signature}",
        "dots alone": "..",
        "claims that are no JSON": f"{head}.{packed(b'claims')}.{signature}",
        "claims that are a list": f"{head}.{packed([payload])}.{signature}",
        "twice in one header": f"{good} {good}",
        "very long": "x" * 30_000,
        "nothing of the kind": "x",
        "the refresh token": ann.tokens["refresh_token"],
        "the user's id": ann.id,
        "an API key that never was": f"vk_{organization}.{'x' * 43}",
        "an API key without an organization": "vk_" + "x" * 43,
        "an API key of nothing": "vk_",
        "a refresh token as API key": f"vk_{ann.tokens['refresh_token']}",
    }


def missigned(ann: Person, bob: Person, backend: Backend) -> dict[str, str]:
    """What our own key must not open either: claims that we never write, keys that are for something else."""
    payload = jwt.decode(ann.tokens["token"], options={"verify_signature": False})
    theirs = jwt.decode(bob.tokens["token"], options={"verify_signature": False})
    key = backend.vault.derive("access tokens")
    other = f"{packed({'alg': 'HS512', 'typ': 'JWT'})}.{packed(payload)}"

    def signed(**changes: object) -> str:
        kept = {name: value for name, value in {**payload, **changes}.items() if value is not None}
        return jwt.encode(kept, key, algorithm="HS256")

    return {
        "another algorithm": f"{other}.{packed(hmac.digest(key, other.encode(), 'sha512'))}",
        "another purpose's key": jwt.encode(payload, backend.vault.derive("secrets at rest"), algorithm="HS256"),
        "a header that asks for more": jwt.encode(payload, key, algorithm="HS256", headers={"crit": ["exp"]}),
        "another audience": signed(aud="somebody else"),
        "our audience among others": signed(aud=["voiceera-api", "somebody else"]),
        "no audience": signed(aud=None),
        "another issuer": signed(iss="somebody else"),
        "no issuer": signed(iss=None),
        "another type": signed(typ="refresh"),
        "no type": signed(typ=None),
        "no expiry": signed(exp=None),
        "expiry that is no number": signed(exp="never"),
        "expiry that is not a number": signed(exp=float("nan")),
        "expiry without end": signed(exp=float("inf")),
        "expiry that is true": signed(exp=True),
        "not valid yet": signed(nbf=payload["exp"]),
        "another user": signed(sub=str(UUID(int=1))),
        "another's user in our session": signed(sub=theirs["sub"]),
        "another organization": signed(org=str(UUID(int=1))),
        "our session in another's organization": signed(org=theirs["org"]),
        "another's session": signed(sid=theirs["sid"]),
        "no session": signed(sid=None),
        "a session that is no id": signed(sid=["x"]),
    }


async def test_forged_tokens_are_refused(ann: Person, bob: Person, anyone: httpx.AsyncClient, app: FastAPI) -> None:
    attacks = forgeries(ann, bob, app.state.backend) | missigned(ann, bob, app.state.backend)
    assert len(attacks) >= 40
    for name, forged in attacks.items():
        answer = await anyone.get("/auth/me", headers={"Authorization": f"Bearer {forged}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AUTH_003"), name
    await ann.get("/auth/me")


async def test_a_token_anywhere_but_in_its_header_opens_nothing(ann: Person, anyone: httpx.AsyncClient) -> None:
    good = ann.tokens["token"]
    for header in ("", "Bearer", "Bearer ", "Basic YTpi", good, f"Token {good}", f"Bearer: {good}", f"Digest {good}"):
        assert body(await anyone.get("/auth/me", headers={"Authorization": header}), 401)["code"] == "AUTH_003", (
            header
        )
    for headers in ({"Cookie": f"token={good}"}, {"X-Authorization": f"Bearer {good}"}, {"X-API-Key": good}):
        assert body(await anyone.get("/auth/me", headers=headers), 401)["code"] == "AUTH_003", headers
    assert (await anyone.get("/auth/me", params={"access_token": good})).status_code == 422


async def test_tokens_of_the_mail_open_nothing_else(ann: Person, anyone: httpx.AsyncClient, post: Post) -> None:
    await anyone.post("/auth/forgot-password", json={"email": ann.email})
    await ann.post("/invitations", email="mae@example.com")
    letters = {str(letter["To"]): token(letter) for letter in await post.goes_round()}
    reset, invitation = letters[ann.email], letters["mae@example.com"]
    for mailed in (reset, invitation):
        for bearer in (mailed, f"vk_{mailed}"):
            body(await anyone.get("/auth/me", headers={"Authorization": f"Bearer {bearer}"}), 401)
        body(await anyone.post("/auth/refresh-token", json={"refresh_token": mailed}), 401)
    swapped = {"token": reset, "password": PASSWORD, "first_name": "M", "last_name": "M"}
    body(await anyone.post("/invitations/accept", json=swapped), 401)
    body(await anyone.post("/auth/reset-password", json={"token": invitation, "new_password": PASSWORD}), 401)


async def test_forged_refresh_tokens_are_refused_and_end_nothing(
    ann: Person, bob: Person, anyone: httpx.AsyncClient
) -> None:
    good = ann.tokens["refresh_token"]
    head, _, secret = good.partition(".")
    for forged in (
        *("x", ".", head, f"{head}.", f".{secret}", good[:-1], good + "x", good.upper(), f" {good}"),
        *(f"{bob.organization_id.replace('-', '')}.{secret}", f"{'0' * 32}.{secret}", f"{'z' * 32}.{secret}"),
        *(ann.tokens["token"], f"vk_{good}", f"{head}.{secret}.{secret}", f"{head}.\x00"),
    ):
        answer = await anyone.post("/auth/refresh-token", json={"refresh_token": forged})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AUTH_003"), forged
    await ann.get("/auth/me")
    body(await anyone.post("/auth/refresh-token", json={"refresh_token": good}), 200)


async def test_of_fifty_that_refresh_at_once_one_wins_and_the_session_ends(
    ann: Person, anyone: httpx.AsyncClient
) -> None:
    same = {"refresh_token": ann.tokens["refresh_token"]}
    answers = await asyncio.gather(*(anyone.post("/auth/refresh-token", json=same) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 49
    # Nobody can tell the thief from the robbed: whoever won has to sign in again, too.
    won = next(body(answer, 200) for answer in answers if answer.status_code == 200)
    body(await anyone.get("/auth/me", headers={"Authorization": f"Bearer {won['token']}"}), 401)
    body(await anyone.post("/auth/refresh-token", json={"refresh_token": won["refresh_token"]}), 401)


async def test_reuse_ends_that_session_alone(ann: Person, app: FastAPI, anyone: httpx.AsyncClient) -> None:
    async with client_of(app) as client:
        elsewhere = await sign_in(client, ann.email)
        used = {"refresh_token": ann.tokens["refresh_token"]}
        body(await anyone.post("/auth/refresh-token", json=used), 200)
        body(await anyone.post("/auth/refresh-token", json=used), 401)
        await ann.get("/auth/me", 401)
        await elsewhere.get("/auth/me")


async def test_an_expired_refresh_token_is_refused(
    ann: Person, anyone: httpx.AsyncClient, database: Database
) -> None:
    async with database.platform() as connection:
        await connection.execute(text("UPDATE refresh_tokens SET expires_at = now()"))
    body(await anyone.post("/auth/refresh-token", json={"refresh_token": ann.tokens["refresh_token"]}), 401)


async def _logout(ann: Person, _root: Person, _backend: Backend) -> None:
    await ann.client.post("/auth/logout")


async def _deactivate(ann: Person, root: Person, _backend: Backend) -> None:
    await root.post(f"/admin{ann.path}/deactivate", 200)


async def _delete(ann: Person, _root: Person, backend: Backend) -> None:
    await add_user(backend, UUID(ann.organization_id), "second@example.com", Role.OWNER)
    await ann.delete(ann.path)


async def _expire(ann: Person, _root: Person, backend: Backend) -> None:
    """An hour goes by, as far as the access token knows."""
    claims = backend.accounts.tokens.is_ours(ann.tokens["token"])
    assert claims is not None
    old = backend.accounts.tokens.issue(claims, datetime.now(UTC) - timedelta(hours=1))
    ann.client.headers["Authorization"] = f"Bearer {old}"


@pytest.mark.parametrize(
    ("end", "code"),
    [(_logout, "AUTH_003"), (_deactivate, "AUTH_003"), (_delete, "AUTH_003"), (_expire, "AUTH_002")],
)
async def test_a_token_that_was_good_is_refused_everywhere_at_once(
    ann: Person,
    root: Person,
    app: FastAPI,
    end: Callable[[Person, Person, Backend], Awaitable[None]],
    code: str,
) -> None:
    await end(ann, root, app.state.backend)
    for path in ("/auth/me", "/agents", "/users", "/api-keys", "/organization", ann.path):
        assert (await ann.get(path, 401))["code"] == code, path
    assert (await ann.post("/agents", 401, name="Clara"))["code"] == code
