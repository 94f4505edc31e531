"""What watchers of a campaign or a call are told as it happens, and the dialer's wake-up: after the commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from voiceera.rules.calls import CallStatus, Outcome
from voiceera.rules.campaigns import CampaignStatus
from voiceera.store.bus import Bus

DIALER = "dialer"
"""The channel that wakes the dialer: something may be due."""
WATCH = "watch"
"""The channel on which watchers say what they watch, every 10 s: live calls tell nothing that nobody sees."""


@dataclass(frozen=True)
class CallState:
    """A call has moved. No number: people are told by their name."""

    call_id: UUID
    campaign_id: UUID | None
    contact_id: UUID | None
    name: str | None
    status: CallStatus
    outcome: Outcome | None = None
    disposition: str | None = None

    @property
    def is_over(self) -> bool:
        return self.outcome is not None


async def tell(bus: Bus | None, state: CallState | None) -> None:
    """Publish the move to the call's and the campaign's channel; wake the dialer when a place came free."""
    await tell_all(bus, [] if state is None else [state])


async def tell_all(bus: Bus | None, states: Sequence[CallState]) -> None:
    """`tell` for a slice of moves."""
    if bus is None or not states:
        return
    messages: list[tuple[str, dict[str, Any]]] = []
    for state in states:
        message = call_state(state)
        messages.append((f"call:{state.call_id}", message))
        if state.campaign_id is not None:
            messages.append((f"campaign:{state.campaign_id}", message))
    if any(state.is_over for state in states):
        messages.append((DIALER, {}))
    await bus.publish_all(messages)


def call_state(state: CallState) -> dict[str, Any]:
    return {
        "kind": "call_state",
        "call_id": str(state.call_id),
        "campaign_id": state.campaign_id and str(state.campaign_id),
        "contact_id": state.contact_id and str(state.contact_id),
        "name": state.name,
        "status": state.status,
        "outcome": state.outcome,
        "disposition": state.disposition,
    }


async def tell_campaign(bus: Bus | None, campaign_id: UUID, status: CampaignStatus) -> None:
    """A campaign has moved."""
    if bus is not None:
        await bus.publish(f"campaign:{campaign_id}", campaign_state(campaign_id, status))


def campaign_state(campaign_id: UUID, status: CampaignStatus) -> dict[str, str]:
    return {"kind": "campaign_state", "campaign_id": str(campaign_id), "status": status}


HANG_UP = "hang_up"


def node_channel(node_id: UUID) -> str:
    """Where commands for a media process's calls go: {"kind": "hang_up", "call_id": "…"}."""
    return f"node:{node_id}"


async def ask_to_hang_up(bus: Bus, node_id: UUID, call_id: UUID) -> None:
    """Have the media process that holds the call end it."""
    await bus.publish(node_channel(node_id), {"kind": HANG_UP, "call_id": str(call_id)})


async def watch(bus: Bus, channel: str) -> None:
    """Somebody watches this channel now."""
    await bus.publish(WATCH, {"channel": channel})


async def wake(bus: Bus | None) -> None:
    if bus is not None:
        await bus.publish(DIALER, {})
