"""AgentConfig: the one typed contract from the API through the store to the engine."""

from typing import Annotated, Literal

from pydantic import Field

from voiceera.rules.analysis_plan import AnalysisPlan
from voiceera.rules.caller_lookup import CallerLookup
from voiceera.rules.flows import Flow, LanguageTag
from voiceera.rules.redactions import Redaction
from voiceera.rules.sent import Sent
from voiceera.rules.tools import Tool

Brain = Literal["llm", "flow", "external"]
AgentStatus = Literal["active", "inactive", "archived"]


class VoiceParameters(Sent):
    voice_id: str | None = None
    voices: dict[LanguageTag, str] = Field(default_factory=dict)
    """Language → voice_id, for calls that go on in another language."""
    speed: Annotated[float, Field(ge=0.5, le=2.0)] = 1.0
    tone: str | None = None


class ConversationSettings(Sent):
    """How the agent takes turns. All durations in seconds."""

    endpointing_silence: Annotated[float, Field(ge=0.1, le=5)] = 0.6
    """Silence that ends the caller's turn; shortened when the answer is complete, lengthened when it is not."""
    barge_in: bool = True
    barge_in_confirm: Annotated[float, Field(ge=0.05, le=2)] = 0.3
    reprompt_after: Annotated[float, Field(ge=1, le=60)] = 8.0
    max_reprompts: Annotated[int, Field(ge=0, le=5)] = 2
    silence_hangup: Annotated[float, Field(ge=5, le=300)] = 30.0
    maximum_duration: Annotated[float, Field(ge=10, le=7200)] = 600.0
    greet_first: bool = True
    hello_wait: Annotated[float, Field(ge=0, le=5)] = 1.0
    """How long the agent waits for the hello of whoever it rang, before it greets unasked."""
    filler_after: Annotated[float, Field(ge=0.3, le=4)] | None = None
    """How long a reply may take to begin, before the agent says that it is at it. Unset: it stays silent."""
    fillers: Annotated[tuple[str, ...], Field(max_length=10)] = ()
    """What it then says, one after the other; empty: "One moment, please." in the agent's language."""
    early_reply: bool = False
    """Ask the language model at every pause in which the caller may be done, before it is sure that they are; dropped
    when they go on. Replies begin sooner; the vendor bills those that nobody hears, too."""
    voicemail: Literal["hang_up", "leave_message", "continue"] = "hang_up"
    voicemail_message: str | None = None


class AgentConfig(Sent):
    """Everything that a call runs with. Only the name is required; what is missing to run is said by `missing`."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: str = ""
    language: str = "en-US"
    greeting_message: str = ""
    system_prompt: str = ""
    brain: Brain | None = None
    """None: `flow` if a flow is given and no `llm_provider`, else `llm`."""
    llm_provider: str | None = None
    llm_model: str | None = None
    stt_provider: str = "moonshine"
    tts_provider: str = "espeak"
    telephony_provider: str | None = None
    fallback_providers: Annotated[
        dict[Literal["stt", "tts", "llm"], Annotated[tuple[str, ...], Field(max_length=5)]],
        Field(description="Who takes over, one after the other, when the first fails in a call."),
    ] = Field(default_factory=dict)
    voice_parameters: VoiceParameters = VoiceParameters()
    conversation: ConversationSettings = ConversationSettings()
    tools: Annotated[tuple[Tool, ...], Field(max_length=50)] = ()
    flow: Flow | None = None
    analysis: AnalysisPlan = AnalysisPlan()
    success_dispositions: tuple[str, ...] = ()
    redaction: Redaction = Redaction()
    caller_lookup: CallerLookup | None = None
    """Who tells more of somebody who rings in, before the agent says a word."""

    @property
    def resolved_brain(self) -> Brain:
        if self.brain is not None:
            return self.brain
        return "flow" if self.flow is not None and self.llm_provider is None else "llm"
