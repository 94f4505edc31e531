"""A campaign that two agents share, so that they can be compared: who of its contacts hears which."""

from hashlib import blake2b
from typing import Annotated
from uuid import UUID

from pydantic import Field

from voiceera.rules.sent import Sent


class Split(Sent):
    """`percent` of the contacts hear the agent `agent_id` instead of the campaign's own."""

    agent_id: UUID
    percent: Annotated[int, Field(ge=1, le=99)] = 50


def agent_of(contact_id: UUID | None, agent_id: UUID, split: Split | None) -> UUID:
    """The agent of a contact: by chance, and in every attempt the same one. Of what no contact belongs to: the
    campaign's own."""
    if split is None or contact_id is None:
        return agent_id
    drawn = int.from_bytes(blake2b(contact_id.bytes, digest_size=8).digest()) % 100
    return split.agent_id if drawn < split.percent else agent_id
