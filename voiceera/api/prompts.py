"""The operators' own recordings of what their agents say, which flows name in their steps' `prompts`."""

from io import BytesIO
from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Request, Response, UploadFile
from pydantic import StringConstraints

from voiceera import ids
from voiceera.api.depends import Acting, Reading, Work, Writing
from voiceera.api.envelope import created, listed, success
from voiceera.api.file_answers import file_answer, file_responses
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Shown, Success
from voiceera.errors import NotFound
from voiceera.rules.sound_files import MEDIA_TYPES, SoundFormat
from voiceera.services import prompts as service
from voiceera.store import prompts
from voiceera.store.prompts import Prompt

routes = router("Prompts")

PromptName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]


_FLAC = MEDIA_TYPES[SoundFormat.FLAC]


class PromptFile(Body):
    """`name`: what flows call it by ("welcome-hi"). `file`: WAV, FLAC, OGG or MP3, at most two minutes."""

    name: PromptName
    file: UploadFile
    description: Annotated[str, StringConstraints(max_length=500)] = ""


class PromptShown(Shown):
    id: UUID
    organization_id: UUID
    name: str
    description: str
    duration_seconds: float
    sha256: str
    created_by: UUID | None
    created_at: Instant


async def _of(work: Work, prompt_id: UUID) -> Prompt:
    found = await prompts.get(work.connection, work.organization_id, prompt_id)
    if found is None:
        raise _no_prompt()
    return found


def _no_prompt() -> NotFound:
    return NotFound("PROMPT_001", "No such prompt.")


@routes.get("/prompts")
async def list_prompts(work: Reading, query: Annotated[DatedQuery, Query()]) -> Success[Items[PromptShown]]:
    """The organization's own recordings; `search` matches names and descriptions."""
    found = await prompts.find(
        work.connection, work.organization_id, query.page(), search=query.search, span=query.span()
    )
    return listed(found.map(PromptShown.model_validate))


@routes.post("/prompts", status_code=201)
async def upload_prompt(
    act: Acting, body: Annotated[PromptFile, Form(media_type="multipart/form-data")]
) -> Created[PromptShown]:
    """Add a recording. It is kept as FLAC, mono, at 16 kHz, and heard in the call's own quality."""
    taken = await service.taken(body.file.file)
    made = Prompt(
        organization_id=act.organization_id,
        id=ids.new_id(),
        name=body.name,
        description=body.description,
        duration_seconds=round(taken.duration_seconds, 3),
        sha256=taken.sha256,
        created_by=act.caller.user.id,
        created_at=act.now,
    )
    async with act.backend.database.organization(act.organization_id) as connection:
        await prompts.add(connection, made, taken.sound)
    return created(PromptShown.model_validate(made))


@routes.get("/prompts/{prompt_id}")
async def get_prompt(work: Reading, prompt_id: UUID) -> Success[PromptShown]:
    """One recording."""
    return success(PromptShown.model_validate(await _of(work, prompt_id)))


@routes.get("/prompts/{prompt_id}/download", response_class=Response, responses=file_responses(_FLAC))
async def download_prompt(request: Request, work: Reading, prompt_id: UUID) -> Response:
    """Its sound, as FLAC. Range requests are answered."""
    found = await _of(work, prompt_id)
    sound = await prompts.sound(work.connection, work.organization_id, prompt_id)
    if sound is None:
        raise _no_prompt()
    name = f"{found.name}.flac"
    return await file_answer(request, BytesIO(sound), name=name, media_type=_FLAC, sha256=found.sha256)


@routes.delete("/prompts/{prompt_id}", status_code=204)
async def delete_prompt(work: Writing, prompt_id: UUID) -> None:
    """Delete a recording; where a flow still names it, its text is spoken by the agent's voice."""
    await _of(work, prompt_id)
    await prompts.remove(work.connection, work.organization_id, prompt_id)
    await work.note("prompt.deleted", "prompt", prompt_id)
