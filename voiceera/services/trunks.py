"""Trunks: an organization's line into its carrier, resolved from its telephony integration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from voiceera.errors import Conflict
from voiceera.providers.protocols import Carrier
from voiceera.rules.audio import L16_16K, ULAW_8K, AudioFormat


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

    def audio_format(self, number: str) -> AudioFormat:
        """How a call to this number carries sound."""
        return L16_16K if number.startswith(self.wideband_prefixes) else ULAW_8K


class TrunkBook(Protocol):
    """Who knows every organization's trunk."""

    async def of(self, organization_id: UUID) -> Trunk:
        """Raises Conflict when the organization has no telephony integration that works."""

    async def close(self) -> None: ...


class FixedTrunks:
    """A book of given trunks, for tests that script the carrier."""

    def __init__(self, trunks: Mapping[UUID, Trunk]) -> None:
        self._trunks = trunks

    async def of(self, organization_id: UUID) -> Trunk:
        if (trunk := self._trunks.get(organization_id)) is None:
            raise no_trunk()
        return trunk

    async def close(self) -> None:
        """The trunks' carriers belong to whoever gave them."""


def no_trunk() -> Conflict:
    return Conflict(
        "INTEGRATION_002",
        "No carrier is connected.",
        "Create an integration of type telephony first (POST /integrations).",
    )
