"""Recordings: what was said, as audio and as text."""

from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query, Request, Response
from pydantic import Field, StringConstraints

from voiceera.api.call_logs import CallsQuery
from voiceera.api.depends import Reading, Work, Writing
from voiceera.api.envelope import created, listed, success
from voiceera.api.file_answers import file_answer, file_responses
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Shown, Success
from voiceera.api.signed_links import Download, Downloading, link
from voiceera.api.transcripts import Segment, Transcript, Transcription, Version, segments_of, transcript_of
from voiceera.errors import Conflict
from voiceera.rules import transcript_files
from voiceera.rules.calls import CallStatus, Direction, Speaker
from voiceera.rules.sound_files import EXTENSIONS, MEDIA_TYPES, EncodingState, SoundFormat
from voiceera.rules.transcript_files import Line
from voiceera.services import recordings as service
from voiceera.services import transcripts as transcription_service
from voiceera.services.encodings import is_withheld
from voiceera.services.sound_archive import no_recording
from voiceera.store import recordings

routes = router("Recordings")


class RecordingMetadata(Shown):
    """What the recorded call was. `speakers`: who is heard on each channel, left first."""

    direction: Direction
    status: CallStatus
    disposition: str | None
    agent_id: UUID
    campaign_id: UUID | None
    contact_id: UUID | None
    contact_name: str | None
    phone_number: str | None
    speakers: list[Speaker]


class Recording(Shown):
    """`fault` says why the sound is missing or cut short; without sound there is no `download_url`. `encoding_state`
    is `pending` until the file is in the form in which it is kept; format, size and SHA-256 change with that, and
    what is to be redacted cannot be had before."""

    call_id: UUID
    organization_id: UUID
    format: SoundFormat
    channels: int
    sample_rate: int
    duration_seconds: float
    size_bytes: int
    sha256: str | None
    fault: str | None
    encoding_state: Literal["pending", "done", "failed"]
    download_url: str | None = Field(description="Signed: opens without a token until `download_url_expires_at`.")
    download_url_expires_at: Instant | None
    metadata: RecordingMetadata
    created_at: Instant


class RecordingDetail(Recording):
    transcript: list[Segment]


class Waveform(Shown):
    """`channels`: a list each, the caller's first; the peak of each point from 0 to 1, full scale."""

    call_id: UUID
    points_per_second: float
    channels: list[list[float]]


class TranscriptFormat(StrEnum):
    TXT = "txt"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"


class TranscriptionNew(Body):
    """`provider`: a speech-to-text provider by name; the embedded one if none is given. `language`: the agent's, if
    none is given."""

    provider: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None


_MEDIA_TYPES = {
    TranscriptFormat.TXT: "text/plain; charset=utf-8",
    TranscriptFormat.JSON: "application/json",
    TranscriptFormat.SRT: "application/x-subrip; charset=utf-8",
    TranscriptFormat.VTT: "text/vtt; charset=utf-8",
}
_TEXT = {"schema": {"type": "string"}}
_TRANSCRIPT_DOWNLOAD: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The transcript as a file.",
        "content": {
            "text/plain": _TEXT,
            "application/json": {"schema": {"$ref": "#/components/schemas/Transcript"}},
            "application/x-subrip": _TEXT,
            "text/vtt": _TEXT,
        },
    }
}


def _values(work: Work, found: sa.Row[Any]) -> dict[str, Any]:
    values = dict(found._mapping)
    is_there = found.sha256 and not is_withheld(found)
    signed = link(work.backend, work.organization_id, found.call_id, work.now) if is_there else None
    speakers = [Speaker.CALLER, Speaker.AGENT] if found.channels == 2 else []
    is_encoded = found.encoding_state == EncodingState.SPARE
    return values | {
        "encoding_state": EncodingState.DONE if is_encoded else found.encoding_state,
        "download_url": signed and signed.url,
        "download_url_expires_at": signed and signed.expires_at,
        "metadata": RecordingMetadata.model_validate(values | {"speakers": speakers}),
    }


@routes.get("/call-recordings")
async def list_recordings(work: Reading, query: Annotated[CallsQuery, Query()]) -> Success[Items[Recording]]:
    """The recordings of the organization's calls; the filters are those of the calls."""
    wanted = query.wanted(span=query.span())
    found = await recordings.find(work.connection, work.organization_id, query.page(), wanted)
    return listed(found.map(lambda row: Recording.model_validate(_values(work, row))))


@routes.get("/call-recordings/{call_id}")
async def get_recording(work: Reading, call_id: UUID) -> Success[RecordingDetail]:
    """What a recording is, and a link to its sound."""
    found = await recordings.get(work.connection, work.organization_id, call_id)
    if found is None:
        raise no_recording()
    said = await segments_of(work.connection, work.organization_id, call_id)
    return success(RecordingDetail.model_validate(_values(work, found) | {"transcript": said}))


@routes.delete("/call-recordings/{call_id}", status_code=204)
async def delete_recording(work: Writing, call_id: UUID) -> None:
    """Erase the sound; the call and its transcript stay."""
    archive = work.backend.archive
    if not await service.erase(work.connection, work.organization_id, call_id, archive, work.now):
        raise no_recording()
    await work.note("recording.deleted", "call", call_id)


@routes.get(
    "/call-recordings/{call_id}/download", response_class=Response, responses=file_responses(*MEDIA_TYPES.values())
)
async def download_recording(request: Request, call_id: UUID, download: Downloading) -> Response:
    """The sound in stereo, the caller left and the agent right. Range requests are answered."""
    return await _sound(request, call_id, download)


@routes.head("/call-recordings/{call_id}/download", include_in_schema=False)
async def measure_recording(request: Request, call_id: UUID, download: Downloading) -> Response:
    return await _sound(request, call_id, download)


async def _sound(request: Request, call_id: UUID, download: Download) -> Response:
    backend, organization_id = download.backend, download.organization_id
    async with backend.database.organization(organization_id) as connection:
        found = await recordings.get(connection, organization_id, call_id)
    if found is None:
        raise no_recording()
    if is_withheld(found):
        raise Conflict(
            "RECORDING_004",
            "The recording holds what shall not be kept, and is being redacted.",
            "Try again in a moment." if found.encoding_state == EncodingState.PENDING else found.encoding_error,
        )
    file = await backend.archive.open(found.store, found.key)
    sound_format = SoundFormat(found.format)
    name = f"{call_id}.{EXTENSIONS[sound_format]}"
    return await file_answer(request, file, name=name, media_type=MEDIA_TYPES[sound_format], sha256=found.sha256)


@routes.get("/call-recordings/{call_id}/waveform")
async def get_waveform(work: Reading, call_id: UUID) -> Success[Waveform]:
    """The outline of both sides, to be drawn: at most 2,000 points; none until the recording is encoded."""
    found = await recordings.waveform(work.connection, work.organization_id, call_id)
    if found is not None:
        shown = Waveform(call_id=call_id, points_per_second=found.points_per_second, channels=found.by_channel())
    elif await recordings.get(work.connection, work.organization_id, call_id) is not None:
        shown = Waveform(call_id=call_id, points_per_second=0, channels=[])
    else:
        raise no_recording()
    return success(shown)


@routes.get("/call-recordings/{call_id}/transcript")
async def get_recording_transcript(work: Reading, call_id: UUID, version: Version = None) -> Success[Transcript]:
    """What was said, turn by turn, as in the call's log."""
    return success(await transcript_of(work, call_id, version))


@routes.post("/call-recordings/{call_id}/transcribe", status_code=202)
async def transcribe_recording(
    work: Writing, call_id: UUID, body: TranscriptionNew | None = None
) -> Created[Transcription]:
    """Have the recording transcribed anew, each channel by itself. The new version stands beside the old ones;
    `transcriptions` of the transcript says how far it is."""
    wanted = body or TranscriptionNew()
    asked = await transcription_service.request(
        work.connection,
        work.organization_id,
        call_id,
        work.now,
        provider=wanted.provider,
        language=wanted.language,
        created_by=work.caller.user.id,
    )
    await work.note("recording.transcribe", "call", call_id, provider=asked.provider)
    return created(Transcription.model_validate(asked), "Transcription queued")


@routes.get("/call-recordings/{call_id}/transcript/download", response_class=Response, responses=_TRANSCRIPT_DOWNLOAD)
async def download_transcript(
    work: Reading,
    call_id: UUID,
    version: Version = None,
    format_: Annotated[TranscriptFormat, Query(alias="format")] = TranscriptFormat.TXT,
) -> Response:
    """What was said, as a text, as JSON, or as subtitles to the recording."""
    content = _as_file(await transcript_of(work, call_id, version), format_)
    headers = {"Content-Disposition": f'attachment; filename="{call_id}.{format_}"'}
    return Response(content, headers=headers, media_type=_MEDIA_TYPES[format_])


def _as_file(transcript: Transcript, format_: TranscriptFormat) -> str:
    lines = [Line(said.speaker, said.text, said.start_ms, said.end_ms) for said in transcript.segments]
    match format_:
        case TranscriptFormat.JSON:
            return transcript.model_dump_json()
        case TranscriptFormat.TXT:
            return transcript_files.as_text(lines)
        case TranscriptFormat.SRT:
            return transcript_files.as_srt(lines)
        case TranscriptFormat.VTT:
            return transcript_files.as_vtt(lines)
