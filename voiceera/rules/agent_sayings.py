"""What an agent itself may say in a call: for a recognizer that listens to its side of the recording."""

from collections.abc import Iterator, Mapping

from voiceera.rules.agents import AgentConfig
from voiceera.rules.sentences import sentences
from voiceera.rules.stock import stock_for
from voiceera.rules.templates import fill


def agent_sayings(agent: AgentConfig, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Its sentences, each once, filled with the call's variables."""
    filled = (fill(text, variables) for text in _texts(agent) if text)
    return tuple(dict.fromkeys(sentence for text in filled for sentence in sentences(text)))


def _texts(agent: AgentConfig) -> Iterator[str]:
    yield agent.greeting_message
    yield agent.conversation.voicemail_message or ""
    for step in agent.flow.steps.values() if agent.flow else ():
        yield getattr(step, "text", "")
        yield getattr(step, "reprompt", None) or ""
    stock = stock_for(agent.language)
    yield from (stock.not_understood, stock.goodbye, stock.opted_out, stock.wrong_number)
