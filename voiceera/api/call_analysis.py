"""What the analysis of a call says, of each what it was read from and how surely; and asking for it again."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from voiceera.analysis.compliance import Verdict
from voiceera.api.depends import Reading, Work, Writing
from voiceera.api.envelope import created, success
from voiceera.api.routing import router
from voiceera.api.shapes import Created, Instant, Shown, Success
from voiceera.rules.analysis import AnalysisState, Emotion, Sentiment
from voiceera.rules.calls import Speaker
from voiceera.services import call_logs as service
from voiceera.store import analyses, calls

routes = router("Call Logs")

Confidence = Annotated[float, Field(ge=0, le=1)]
Score = Annotated[float, Field(ge=-1, le=1, description="From -1 (negative) to 1 (positive).")]


class Quote(Shown):
    """A sentence that told; `cues` are its telling words."""

    speaker: Speaker
    at_ms: int
    quote: str
    cues: list[str]


class Mood(Shown):
    sentiment: Sentiment
    score: Score
    confidence: Confidence
    evidence: list[Quote]


class MoodAt(Shown):
    at_ms: int
    score: Score


class SentimentFound(Shown):
    """`overall` is the caller's; null where they said nothing. `over_time`: a point for each turn of the caller."""

    overall: Mood | None
    by_speaker: dict[Speaker, Mood | None]
    over_time: list[MoodAt]


class EmotionFound(Shown):
    emotion: Emotion
    confidence: Confidence
    evidence: list[Quote]


class ComplianceCheck(Shown):
    name: str
    verdict: Verdict
    confidence: Confidence
    quote: str | None
    at_ms: int | None


class DispositionFound(Shown):
    """How the call came out, by the agent's analysis plan. `is_the_calls`: it noted none itself, so this is it."""

    value: str | None
    confidence: Confidence
    evidence: list[Quote]
    is_the_calls: bool


class FieldQuote(Shown):
    """Where a field was read from."""

    field: str
    confidence: Confidence
    speaker: Speaker
    at_ms: int
    quote: str


class ExtractionFound(Shown):
    """What the plan's schema asks for. `problem`: why there is nothing: no answer fitted the schema."""

    values: dict[str, Any] | None
    problem: str | None
    evidence: list[FieldQuote]


class InsteadOf(Shown):
    """The analyzer that the plan names could not be used, so the embedded one was."""

    analyzer: str
    reason: str


class CallAnalysis(Shown):
    """Null where there is no analysis yet. One that failed says why."""

    call_id: UUID
    state: AnalysisState
    error: str | None
    analyzer: str | None = Field(description="`basic`: the embedded one, which counts words by a lexicon.")
    instead_of: InsteadOf | None
    transcript_version: int | None
    analyzed_at: Instant | None
    summary: str | None
    spoken_language: str | None
    key_phrases: list[str] | None
    sentiment: SentimentFound | None
    emotions: list[EmotionFound] | None
    compliance: list[ComplianceCheck] | None
    disposition: DispositionFound | None
    extraction: ExtractionFound | None


_IN_DETAILS = ("analyzer", "instead_of", "sentiment", "emotions", "compliance", "disposition", "extraction")


async def _analysis_of(work: Work, call_id: UUID) -> CallAnalysis:
    call = await calls.get(work.connection, work.organization_id, call_id)
    found = await analyses.get(work.connection, work.organization_id, call_id)
    if call is None or found is None:
        raise service.no_call() if call is None else service.no_analysis()
    details: dict[str, Any] = dict.fromkeys(_IN_DETAILS) | found.details
    told = {name: getattr(call, name) for name in ("summary", "spoken_language", "key_phrases")}
    return CallAnalysis.model_validate({**found._mapping, **told, **details})


@routes.get("/call-logs/{call_id}/analysis")
async def get_call_analysis(work: Reading, call_id: UUID) -> Success[CallAnalysis]:
    """What the call was about and how it went, with the evidence. A call that nobody talked on has none: 404."""
    return success(await _analysis_of(work, call_id))


@routes.post("/call-logs/{call_id}/analyze", status_code=202)
async def analyze_call(work: Writing, call_id: UUID) -> Created[CallAnalysis]:
    """Have a call that is over analyzed again, by its newest transcript."""
    await service.analyse_again(work.connection, work.organization_id, call_id, work.now)
    return created(await _analysis_of(work, call_id), "Analysis queued")
