"""What there is to hear, speak, think and dial with."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from voiceera.api.depends import Reading
from voiceera.api.envelope import success
from voiceera.api.routing import router
from voiceera.api.shapes import Shown, Success
from voiceera.services import provider_catalog

routes = router("Integrations")

ProviderType = Literal["telephony", "llm", "stt", "tts", "tool", "brain"]


class ListedProvider(Shown):
    type: str = Field(examples=["stt"])
    name: str = Field(examples=["deepgram"])
    languages: list[str] | None = Field(description="ISO 639 codes; null where the vendor's model decides.")
    voices: list[str] | None = Field(description="Values of `voice_id`; null where the vendor's account decides.")
    settings: dict[str, Any] | None = Field(description="JSON schema of an integration's `config`; null: needs none.")
    credentials: dict[str, Any] | None = Field(description="JSON schema of its `credentials`; null: needs none.")
    is_installed: bool = Field(description="Whether its package is there.")
    is_configured: bool = Field(description="Whether an agent of yours can use it now.")


@routes.get("/providers")
async def list_all_providers(
    work: Reading, type: Annotated[ProviderType | None, Query()] = None
) -> Success[list[ListedProvider]]:
    """Every provider, those that run inside the platform among them, with the schemas that draw their forms."""
    found = await provider_catalog.providers(
        work.connection, work.organization_id, work.backend.settings.models_folder, type
    )
    return success([ListedProvider.model_validate(each) for each in found])
