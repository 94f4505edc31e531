"""Registering, signing in, refreshing, signing out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from voiceera import ids
from voiceera.config import Settings
from voiceera.errors import TooMany, Unauthenticated
from voiceera.services.passwords import Passwords
from voiceera.services.tokens import Claims, Tokens
from voiceera.store import audit, organizations, sessions, throttles, users
from voiceera.store.base import Connection, Database, unhurried
from voiceera.store.users import User
from voiceera.store.vault import Vault


@dataclass(frozen=True)
class Origin:
    """Where a request comes from."""

    address: str | None
    user_agent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class SignedIn:
    """`expires_in` in seconds."""

    token: str
    refresh_token: str
    expires_in: int
    user: User


class Accounts:
    """What needs passwords and keys; each method is its own transaction, since a refusal is remembered too."""

    def __init__(self, database: Database, settings: Settings, vault: Vault) -> None:
        self.database = database
        self.settings = settings
        self.tokens = Tokens(vault, settings)
        self.passwords = Passwords(settings)

    async def register(
        self,
        *,
        email: str,
        password: str,
        first_name: str,
        last_name: str,
        organization_name: str | None,
        origin: Origin,
        now: datetime,
    ) -> User:
        """A new organization with its owner. Raises Conflict for an address that is taken, TooMany."""
        await self.throttle("register", email, origin, now)
        password_hash = await self.passwords.hash(password)
        user = User(
            id=ids.new_id(),
            organization_id=ids.new_id(),
            email=email,
            first_name=first_name,
            last_name=last_name,
            role="owner",
            is_active=True,
            created_at=now,
            last_login_at=None,
        )
        name = organization_name or f"{first_name} {last_name}".strip() or email
        async with self.database.platform() as connection:
            await organizations.add(connection, user.organization_id, name, now)
            await users.add(connection, user, password_hash)
            await note_of_user(connection, user, "register", origin, now)
        return user

    async def login(self, *, email: str, password: str, origin: Origin, now: datetime) -> SignedIn:
        """Raises Unauthenticated, after the same work whether or not the address is known; TooMany."""
        await self.throttle("login", email, origin, now)
        async with self.database.platform() as connection:
            found = await users.find_login(connection, email)
        is_right = await self.passwords.verify(password, found.password_hash if found else None)
        if found is not None and is_right and found.user.is_active:
            async with self.database.organization(found.user.organization_id) as connection:
                return await self.start_session(connection, found.user, origin, now)
        await self._note_failure(None if found is None else found.user, origin, now)
        raise Unauthenticated("AUTH_001", "The e-mail address or the password is wrong.")

    async def _note_failure(self, user: User | None, origin: Origin, now: datetime) -> None:
        """A line of audit, which has to be somebody's; a count for a stranger, so that time tells nothing: one row
        either way, without waiting for the disk."""
        async with self.database.platform() as connection:
            await unhurried(connection)
            if user is not None:
                await note_of_user(connection, user, "login_failed", origin, now)
            else:
                await throttles.count_try(connection, ("login of a stranger", origin.address or ""), now)

    async def start_session(self, connection: Connection, user: User, origin: Origin, now: datetime) -> SignedIn:
        organization_id, session_id = user.organization_id, ids.new_id()
        await users.note_login(connection, organization_id, user.id, origin.address, now)
        await sessions.add(
            connection,
            organization_id,
            session_id,
            user.id,
            address=origin.address,
            user_agent=origin.user_agent,
            now=now,
            expires_at=now + self._refresh_lifetime,
        )
        await note_of_user(connection, user, "login", origin, now)
        signed_in = await users.get(connection, organization_id, user.id)
        return await self._issue(connection, signed_in or user, session_id, now)

    async def refresh(self, refresh_token: str, origin: Origin, now: datetime) -> SignedIn:
        """New tokens for an unused refresh token. Reuse ends its whole session. Raises Unauthenticated."""
        organization_id = organization_of_token(refresh_token)
        if organization_id is None:
            raise _refused()
        async with self.database.organization(organization_id) as connection:
            session_id = await sessions.use_refresh_token(connection, organization_id, refresh_token, now)
            if session_id is not None:
                user = await sessions.live_user(connection, organization_id, session_id, now)
                if user is not None:
                    await sessions.extend(connection, organization_id, session_id, now, now + self._refresh_lifetime)
                    return await self._issue(connection, user, session_id, now)
            else:
                await self._end_if_reused(connection, organization_id, refresh_token, origin, now)
        raise _refused()

    async def throttle(self, what: str, email: str, origin: Origin, now: datetime) -> None:
        """Count a try; raises TooMany past the limits for the address with the e-mail, and for the address alone."""
        async with self.database.platform() as connection:
            counted = await self._count(connection, what, email, origin, now)
        self._refuse_past(counted, now)

    async def throttle_in(self, connection: Connection, what: str, email: str, origin: Origin, now: datetime) -> None:
        """The same in a transaction that is open, with the platform's scope: what fails is not counted."""
        self._refuse_past(await self._count(connection, what, email, origin, now), now)

    def close(self) -> None:
        self.passwords.close()

    @property
    def _refresh_lifetime(self) -> timedelta:
        return timedelta(days=self.settings.refresh_token_days)

    async def _count(
        self, connection: Connection, what: str, email: str, origin: Origin, now: datetime
    ) -> tuple[int, int]:
        address = origin.address or ""
        together = await throttles.count_try(connection, (what, address, users.normalized_email(email)), now)
        return together, await throttles.count_try(connection, (what, address), now)

    def _refuse_past(self, counted: tuple[int, int], now: datetime) -> None:
        together, alone = counted
        limit = self.settings.login_tries_per_minute
        if together > limit or alone > limit * 10:
            raise TooMany("Too many tries; wait a minute.", 60 - now.second)

    async def _issue(self, connection: Connection, user: User, session_id: UUID, now: datetime) -> SignedIn:
        refresh_token = f"{user.organization_id.hex}.{ids.new_secret()}"
        await sessions.add_refresh_token(
            connection,
            user.organization_id,
            session_id,
            refresh_token,
            now=now,
            expires_at=now + self._refresh_lifetime,
        )
        return SignedIn(
            token=self.tokens.issue(Claims(user.organization_id, user.id, session_id), now),
            refresh_token=refresh_token,
            expires_in=int(self.tokens.lifetime.total_seconds()),
            user=user,
        )

    async def _end_if_reused(
        self, connection: Connection, organization_id: UUID, token: str, origin: Origin, now: datetime
    ) -> None:
        stored = await sessions.find_refresh_token(connection, organization_id, token)
        if stored is None or stored.used_at is None:
            return
        await sessions.end(connection, organization_id, stored.session_id, "refresh token used twice", now)
        await audit.write(
            connection,
            organization_id,
            "refresh_token_reused",
            now,
            subject="session",
            subject_id=stored.session_id,
            address=origin.address,
            request_id=origin.request_id,
        )


def organization_of_token(token: str) -> UUID | None:
    """Our opaque tokens begin with their organization ("{hex}.{secret}"), so that each is looked up in its own."""
    head, dot, secret = token.partition(".")
    if not dot or len(head) != 32 or not secret:
        return None
    try:
        return UUID(hex=head)
    except ValueError:
        return None


def _refused() -> Unauthenticated:
    return Unauthenticated("AUTH_003", "The refresh token is not valid.")


async def note_of_user(connection: Connection, user: User, action: str, origin: Origin, now: datetime) -> None:
    """A line of audit about what somebody did with their own account."""
    await audit.write(
        connection,
        user.organization_id,
        action,
        now,
        actor_id=user.id,
        subject="user",
        subject_id=user.id,
        address=origin.address,
        request_id=origin.request_id,
    )
