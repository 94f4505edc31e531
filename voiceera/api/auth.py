"""Authentication: register, sign in, refresh, who am I, sign out, a forgotten password."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import EmailStr, Field, SecretStr, StringConstraints

from voiceera.api.depends import Reading, Visiting, VisitingAlways
from voiceera.api.envelope import created, success
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Shown, Success
from voiceera.errors import Unauthenticated
from voiceera.rules.permissions import Role
from voiceera.services import password_resets
from voiceera.services.accounts import SignedIn
from voiceera.store import sessions
from voiceera.store.users import User

routes = router("Authentication")

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
Password = Annotated[SecretStr, Field(min_length=8, max_length=200)]

_refresh_bearer = HTTPBearer(
    auto_error=False, scheme_name="refresh", description="The refresh token that `/auth/login` answered with."
)


class Registration(Body):
    email: EmailStr
    password: Password
    first_name: Name
    last_name: Name
    organization_name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] | None = None


class Credentials(Body):
    email: Annotated[str, StringConstraints(strip_whitespace=True, max_length=320)]
    password: Annotated[SecretStr, Field(max_length=200)]


class RefreshRequest(Body):
    refresh_token: SecretStr


class Forgotten(Body):
    email: EmailStr


class PasswordReset(Body):
    token: Annotated[SecretStr, Field(max_length=200)]
    new_password: Password


class Told(Shown):
    message: str


class UserShown(Shown):
    id: UUID
    email: str
    first_name: str
    last_name: str
    role: Role
    organization_id: UUID
    is_active: bool
    created_at: Instant
    last_login_at: Instant | None


class TokensShown(Shown):
    """`expires_in`: seconds until the access token expires."""

    token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int
    user: UserShown


def user_shown(user: User) -> UserShown:
    return UserShown.model_validate(user)


def _tokens_shown(signed_in: SignedIn) -> TokensShown:
    return TokensShown(
        token=signed_in.token,
        refresh_token=signed_in.refresh_token,
        expires_in=signed_in.expires_in,
        user=user_shown(signed_in.user),
    )


@routes.post("/auth/register", status_code=201)
async def register(visit: Visiting, body: Registration) -> Created[UserShown]:
    """Register a new user, as the owner of a new organization."""
    user = await visit.backend.accounts.register(
        email=body.email,
        password=body.password.get_secret_value(),
        first_name=body.first_name,
        last_name=body.last_name,
        organization_name=body.organization_name,
        origin=visit.origin,
        now=visit.now,
    )
    return created(user_shown(user), "User registered successfully")


@routes.post("/auth/login")
async def login(visit: VisitingAlways, body: Credentials) -> Success[TokensShown]:
    """Sign in. Answers an access token for 15 minutes and a refresh token for 30 days."""
    signed_in = await visit.backend.accounts.login(
        email=body.email, password=body.password.get_secret_value(), origin=visit.origin, now=visit.now
    )
    return success(_tokens_shown(signed_in))


@routes.post("/auth/refresh-token")
async def refresh_token(
    visit: VisitingAlways,
    credential: Annotated[HTTPAuthorizationCredentials | None, Depends(_refresh_bearer)],
    body: RefreshRequest | None = None,
) -> Success[TokensShown]:
    """New tokens for a refresh token, sent as bearer or in the body. It works once; reuse ends its session."""
    if credential is not None:
        token = credential.credentials
    elif body is not None:
        token = body.refresh_token.get_secret_value()
    else:
        raise Unauthenticated("AUTH_003", "A refresh token is needed.")
    return success(_tokens_shown(await visit.backend.accounts.refresh(token, visit.origin, visit.now)))


@routes.post("/auth/forgot-password")
async def forgot_password(visit: Visiting, body: Forgotten) -> Success[Told]:
    """Have a link to a new password mailed. The answer is the same whether or not the address is known."""
    await password_resets.ask(visit.backend.accounts, body.email, visit.origin, visit.now)
    return success(Told(message="If there is an account for this address, a mail is on its way to it."))


@routes.post("/auth/reset-password")
async def reset_password(visit: Visiting, body: PasswordReset) -> Success[Told]:
    """Set a new password with the token that was mailed; it works once. All sessions end."""
    token, password = body.token.get_secret_value(), body.new_password.get_secret_value()
    await password_resets.reset(visit.backend.accounts, token, password, visit.origin, visit.now)
    return success(Told(message="The new password is set; sign in with it."))


@routes.get("/auth/me")
async def get_current_user(work: Reading) -> Success[UserShown]:
    """Who the token belongs to."""
    return success(user_shown(work.caller.user))


@routes.post("/auth/logout", status_code=204)
async def logout(
    work: Reading,
    everywhere: Annotated[bool, Query(alias="all", description="End all of the user's sessions.")] = False,
) -> None:
    """End this session: its access token answers 401 from now on."""
    user, session_id = work.caller.user, work.caller.session_id
    if everywhere:
        await sessions.end_all(work.connection, work.organization_id, user.id, "logout", work.now)
    elif session_id is not None:
        await sessions.end(work.connection, work.organization_id, session_id, "logout", work.now)
    await work.note("logout", "user", user.id)
