"""Trunks: an organization's line into its carrier, resolved from its telephony integration."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID
from weakref import WeakValueDictionary

from pydantic import ValidationError

from voiceera.clock import monotonic
from voiceera.errors import Conflict, Invalid
from voiceera.providers.carriers.trunk import TrunkSettings
from voiceera.providers.outbound import Allowed
from voiceera.providers.protocols import Carrier
from voiceera.providers.registry import carrier_factory
from voiceera.rules.audio import L16_16K, ULAW_8K, AudioFormat
from voiceera.store import integrations, phone_numbers
from voiceera.store.base import Database
from voiceera.store.phone_numbers import PhoneNumber
from voiceera.store.vault import Vault

_FRESH_SECONDS = 1.0
"""How long a resolved trunk is used without asking the database whether its integration changed."""


@dataclass(frozen=True)
class Trunk:
    """What the gate, pacing and the dial need of the line. `carrier` is shared: who asks for it never closes it."""

    integration_id: UUID
    provider: str
    carrier: Carrier
    caller_ids: tuple[str, ...]
    allowed_countries: tuple[str, ...]
    """ISO codes; empty: nothing may be dialled."""
    calls_per_second: float
    max_concurrent_calls: int
    wideband_prefixes: tuple[str, ...] = ()
    caller_id_calls_per_second: float | None = None
    caller_id_max_concurrent_calls: int | None = None
    price_per_minute: float | None = None

    def audio_format(self, number: str) -> AudioFormat:
        """How a call to this number carries sound."""
        return L16_16K if number.startswith(self.wideband_prefixes) else ULAW_8K


class TrunkBook(Protocol):
    """Who knows every organization's trunk."""

    async def of(self, organization_id: UUID) -> Trunk:
        """The organization's trunk for outgoing calls. Raises Conflict when it has none that works."""

    async def line(self, organization_id: UUID, integration_id: UUID) -> Trunk:
        """The trunk of this very integration, for calls that come in on it. Raises Conflict."""

    async def close(self) -> None: ...


class FixedTrunks:
    """A book of given trunks, for tests that script the carrier."""

    def __init__(self, trunks: Mapping[UUID, Trunk]) -> None:
        self._trunks = trunks

    async def of(self, organization_id: UUID) -> Trunk:
        if (trunk := self._trunks.get(organization_id)) is None:
            raise no_trunk()
        return trunk

    async def line(self, organization_id: UUID, integration_id: UUID) -> Trunk:
        return await self.of(organization_id)

    async def close(self) -> None:
        """The trunks' carriers belong to whoever gave them."""


@dataclass(frozen=True)
class _Resolved:
    """`trunk`: as its integration says, without the numbers that are rows of their own."""

    trunk: Trunk
    offered: Trunk
    updated_at: datetime
    checked_at: float


class StoredTrunks:
    """The book of the database: the oldest telephony integration of each organization, kept open between calls."""

    def __init__(self, database: Database, vault: Vault, allow: tuple[Allowed, ...]) -> None:
        """`allow`: what VOICEERA_OUTBOUND_ALLOW names; carriers elsewhere inside are refused when dialled."""
        self._database = database
        self._vault = vault
        self._allow = allow
        self._resolved: dict[UUID, _Resolved] = {}
        self._others: dict[UUID, _Resolved] = {}
        """By integration: those that are not their organization's first."""
        self._retired: list[Carrier] = []
        self._asking: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        """Only while somebody waits: anybody may name an organization that there is not."""

    async def of(self, organization_id: UUID) -> Trunk:
        if (known := self._fresh(organization_id)) is not None:
            return known
        asking = self._asking.setdefault(organization_id, asyncio.Lock())
        async with asking:  # a thousand callbacks wait for one look
            return self._fresh(organization_id) or await self._look(organization_id)

    def _fresh(self, organization_id: UUID) -> Trunk | None:
        known = self._resolved.get(organization_id)
        return known.offered if known and monotonic() - known.checked_at < _FRESH_SECONDS else None

    async def _look(self, organization_id: UUID) -> Trunk:
        known = self._resolved.get(organization_id)
        async with self._database.organization(organization_id) as connection:
            found = await integrations.of_type(connection, organization_id, "telephony")
            if not found:
                raise no_trunk()
            row = found[0]
            numbers = await phone_numbers.of_integration(connection, organization_id, row.id)
            if known is not None and (known.trunk.integration_id, known.updated_at) == (row.id, row.updated_at):
                return self._keep(organization_id, known.trunk, numbers, row.updated_at)
            secrets = await integrations.credentials(connection, self._vault, organization_id, row.id)
        trunk = open_trunk(row.id, row.provider, row.config, secrets, self._allow)
        if known is not None:
            # A dial may still be under way on the old one: it is closed with the book.
            self._retired.append(known.trunk.carrier)
        return self._keep(organization_id, trunk, numbers, row.updated_at)

    async def line(self, organization_id: UUID, integration_id: UUID) -> Trunk:
        first = await self.of(organization_id)
        if first.integration_id == integration_id:
            return first
        known = self._others.get(integration_id)
        if known is not None and monotonic() - known.checked_at < _FRESH_SECONDS:
            return known.trunk
        async with self._database.organization(organization_id) as connection:
            row = await integrations.get(connection, organization_id, integration_id)
            if row is None or row.type != "telephony":
                raise no_trunk()
            if known is None or known.updated_at != row.updated_at:
                secrets = await integrations.credentials(connection, self._vault, organization_id, row.id)
                trunk = open_trunk(row.id, row.provider, row.config, secrets, self._allow)
                if known is not None:
                    self._retired.append(known.trunk.carrier)
            else:
                trunk = known.trunk
        self._others[integration_id] = _Resolved(trunk, trunk, row.updated_at, monotonic())
        return trunk

    def _keep(
        self, organization_id: UUID, trunk: Trunk, numbers: Sequence[PhoneNumber], updated_at: datetime
    ) -> Trunk:
        offered = replace(trunk, caller_ids=caller_ids(trunk.caller_ids, numbers))
        self._resolved[organization_id] = _Resolved(trunk, offered, updated_at, monotonic())
        return offered

    async def close(self) -> None:
        resolved = [*self._resolved.values(), *self._others.values()]
        for carrier in [*self._retired, *(each.trunk.carrier for each in resolved)]:
            await carrier.close()
        self._retired.clear()
        self._resolved.clear()
        self._others.clear()


def open_trunk(
    integration_id: UUID,
    provider: str,
    config: Mapping[str, object],
    credentials: Mapping[str, str],
    allow: tuple[Allowed, ...],
) -> Trunk:
    """Raises Conflict for a configuration that its provider does not take."""
    try:
        factory = carrier_factory(provider)
        settings = factory.Settings.model_validate(dict(config))
        secrets = factory.Credentials.model_validate(dict(credentials))
    except Invalid as unknown:
        raise _broken(unknown.message) from None
    except ValidationError as misfit:
        # The values may be secrets: only where it does not fit is told.
        fields = ", ".join(sorted({".".join(map(str, error["loc"])) for error in misfit.errors()}))
        raise _broken(f"these fields do not fit: {fields}") from None
    if not isinstance(settings, TrunkSettings):
        raise _broken(f"{provider} declares no trunk settings")
    return Trunk(
        integration_id=integration_id,
        provider=provider,
        carrier=factory(settings, secrets, allow),
        caller_ids=settings.caller_ids,
        allowed_countries=settings.allowed_countries,
        calls_per_second=settings.calls_per_second,
        max_concurrent_calls=settings.max_concurrent_calls,
        wideband_prefixes=settings.wideband_prefixes,
        caller_id_calls_per_second=settings.caller_id_calls_per_second,
        caller_id_max_concurrent_calls=settings.caller_id_max_concurrent_calls,
        price_per_minute=settings.price_per_minute,
    )


def caller_ids(configured: Sequence[str], numbers: Sequence[PhoneNumber]) -> tuple[str, ...]:
    """What calls may come from: those of the integration's settings and those that are rows of their own, whose word
    counts for a number that is both."""
    said = {number.phone_number: number.is_active and number.is_caller_id for number in numbers}
    return tuple(number for number in dict.fromkeys((*configured, *said)) if said.get(number, True))


def no_trunk() -> Conflict:
    return Conflict(
        "INTEGRATION_002",
        "No carrier is connected.",
        "Create an integration of type telephony first (POST /integrations).",
    )


def _broken(why: str) -> Conflict:
    return Conflict("INTEGRATION_002", "The carrier's integration does not work.", why)
