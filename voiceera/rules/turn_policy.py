"""How an agent takes turns."""

from dataclasses import dataclass, field

from voiceera.rules.agents import AgentConfig
from voiceera.rules.calls import Direction
from voiceera.rules.endpointing import EndpointingRules
from voiceera.rules.languages import short
from voiceera.rules.stock import stock_for

_APOLOGIES = {
    "en": "Sorry, something went wrong on our side. Goodbye.",
    "es": "Perdone, ha habido un problema. Adiós.",
    "fr": "Pardon, nous avons un problème. Au revoir.",
    "de": "Entschuldigung, bei uns ist etwas schiefgegangen. Auf Wiederhören.",
    "hi": "माफ़ कीजिए, हमारी ओर कुछ गड़बड़ हो गई। नमस्ते।",
}


@dataclass(frozen=True)
class TurnPolicy:
    """How an agent takes turns. Durations in seconds."""

    endpointing: EndpointingRules = field(default_factory=EndpointingRules)
    barge_in: bool = True
    barge_in_confirm: float = 0.3
    confirm_words: int = 2
    reprompt_after: float = 8.0
    max_reprompts: int = 2
    silence_hangup: float = 30.0
    maximum_duration: float = 600.0
    greet_first: bool = True
    hello_wait: float = 0.0
    """How long an agent that greets first waits for the other side's hello."""
    voicemail: str = "hang_up"
    voicemail_message: str = ""
    beep_wait: float = 3.0
    """Silence after a machine's greeting in which a beep may still come."""
    beep_tail: float = 0.5
    """From a beep being noticed to its end."""
    opening: float = 3.0
    """A "hello?" this early answers the telephone, not the agent."""
    pick_up: float = 2.0
    """This early, anything short does, whatever it was heard as."""
    longest_hello: float = 1.5
    last_words: float = 4.0
    """How long a caller may talk on after the agent's goodbye."""
    filler_after: float | None = None
    fillers: tuple[str, ...] = ()
    early_reply: bool = False
    """Whether the brain thinks ahead while a pause may still be the end of the caller's turn."""
    opt_out_reply: str = "All right, we will not call you again. Goodbye."
    apology: str = "Sorry, something went wrong on our side. Goodbye."

    @classmethod
    def of(
        cls, agent: AgentConfig, voicemail_message: str = "", direction: Direction = Direction.OUTBOUND
    ) -> "TurnPolicy":
        """The agent's own settings; `voicemail_message` with its variables filled in. Whoever rings us waits for our
        hello; whom we ring says theirs."""
        settings = agent.conversation
        leaves_message = settings.voicemail == "leave_message" and voicemail_message
        return cls(
            endpointing=EndpointingRules(silence=settings.endpointing_silence),
            barge_in=settings.barge_in,
            barge_in_confirm=settings.barge_in_confirm,
            reprompt_after=settings.reprompt_after,
            max_reprompts=settings.max_reprompts,
            silence_hangup=settings.silence_hangup,
            maximum_duration=settings.maximum_duration,
            greet_first=settings.greet_first,
            hello_wait=settings.hello_wait if direction is Direction.OUTBOUND else 0.0,
            voicemail=settings.voicemail if settings.voicemail != "leave_message" or leaves_message else "hang_up",
            voicemail_message=voicemail_message,
            filler_after=settings.filler_after,
            fillers=settings.fillers or tuple(filter(None, [stock_for(agent.language).one_moment])),
            early_reply=settings.early_reply,
            opt_out_reply=stock_for(agent.language).opted_out,
            apology=_APOLOGIES.get(short(agent.language), ""),
        )
