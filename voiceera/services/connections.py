"""An organization's vendors: its integrations for speech and models, opened and kept open between calls."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from voiceera.clock import monotonic
from voiceera.errors import Invalid, ProviderError
from voiceera.log import get_logger
from voiceera.providers.outbound import Allowed
from voiceera.providers.registry import Kind, load
from voiceera.store import integrations
from voiceera.store.base import Database
from voiceera.store.integrations import Integration
from voiceera.store.vault import Vault

_FRESH_SECONDS = 1.0
"""How long an open vendor is used without asking the database whether its integration changed."""

log = get_logger("connections")


@dataclass(frozen=True)
class _Open:
    provider: Any
    integration_id: UUID
    updated_at: datetime
    checked_at: float


class Connections:
    """Shared by all calls of a process: who asks for a vendor never closes it."""

    def __init__(self, database: Database, vault: Vault, allow: tuple[Allowed, ...]) -> None:
        self._database = database
        self._vault = vault
        self._allow = allow
        self._open: dict[tuple[UUID, Kind, str], _Open] = {}
        self._retired: list[Any] = []

    async def of(self, organization_id: UUID, kind: Kind, name: str, *, integration: str | None = None) -> Any:
        """The vendor `name` under the organization's oldest integration for it, or the one named `integration`.
        Raises ProviderError for one that is not connected, or not as it should be."""
        key = (organization_id, kind, f"{name}/{integration or ''}")
        known = self._open.get(key)
        if known is not None and monotonic() - known.checked_at < _FRESH_SECONDS:
            return known.provider
        row, secrets = await self._read(organization_id, kind, name, integration)
        if known is not None and (known.integration_id, known.updated_at) == (row.id, row.updated_at):
            provider = known.provider
        else:
            provider = self._made(kind, row, secrets)
            if (warm := getattr(provider, "warm", None)) is not None:
                warm()
            if known is not None:
                self._retired.append(known.provider)  # a call may still be on the old one: closed with all
        self._open[key] = _Open(provider, row.id, row.updated_at, monotonic())
        return provider

    async def named(self, organization_id: UUID, kind: Kind, name: str) -> Any:
        """The same for "vendor", or "vendor/Name of its integration"."""
        vendor, _, integration = name.partition("/")
        return await self.of(organization_id, kind, vendor, integration=integration or None)

    async def close(self) -> None:
        for provider in [*self._retired, *(each.provider for each in self._open.values())]:
            try:
                await provider.close()
            except Exception:  # one that will not close keeps none of the others open
                log.exception("vendor_not_closed")
        self._retired.clear()
        self._open.clear()

    async def _read(
        self, organization_id: UUID, kind: Kind, name: str, integration: str | None
    ) -> tuple[Integration, dict[str, str]]:
        async with self._database.organization(organization_id) as connection:
            rows = await integrations.of_type(connection, organization_id, kind, name)
            found = [row for row in rows if integration is None or row.name == integration]
            if not found:
                what = f"named {integration!r}" if integration is not None else f"for {name}"
                raise ProviderError(name, f"there is no integration of type {kind} {what}", permanent=True)
            secrets = await integrations.credentials(connection, self._vault, organization_id, found[0].id)
        return found[0], secrets

    def _made(self, kind: Kind, row: Integration, secrets: dict[str, str]) -> Any:
        try:
            factory = load(kind, row.provider)
            settings = factory.Settings.model_validate(row.config)
            return factory(settings, factory.Credentials.model_validate(secrets), self._allow)
        except Invalid as unknown:
            raise ProviderError(row.provider, unknown.message, permanent=True) from None
        except ValidationError as misfit:
            # The values may be secrets: only where it does not fit is told.
            fields = ", ".join(sorted({".".join(map(str, error["loc"])) for error in misfit.errors()}))
            message = f"these fields of its integration do not fit: {fields}"
            raise ProviderError(row.provider, message, permanent=True) from None
        except ImportError as missing:
            message = f"its package is not installed: {missing.name}"
            raise ProviderError(row.provider, message, permanent=True) from None
