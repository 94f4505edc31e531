"""The analyzer that is a language model: asked once, told what does not fit, and asked once more."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

from voiceera.analysis.model_answer import Answer, findings, read
from voiceera.analysis.model_request import answer_schema, system_prompt, transcript
from voiceera.errors import ProviderError
from voiceera.providers.protocols import LanguageModel, Message, TokensUsed
from voiceera.rules.analysis import Findings, Tokens
from voiceera.rules.analysis_plan import AnalysisPlan
from voiceera.rules.transcripts import Segment

ASKED = 2
PATIENCE_SECONDS = 120.0
"""For one answer."""
LONGEST_ANSWER = 200_000


class NoFittingAnswer(Exception):
    """What the model says does not fit what it was asked for, even when told."""


async def analyse(
    model: LanguageModel,
    plan: AnalysisPlan,
    turns: Sequence[Segment],
    language: str,
    *,
    opted_out: bool,
    tokens: Tokens,
) -> Findings:
    """Raises ProviderError and NoFittingAnswer; `tokens` counts on in any case."""
    prompt = system_prompt(plan, language)
    history = [Message("user", transcript(turns))]
    answer = Answer({}, ("it is empty",))
    for _ in range(ASKED):
        text = await _asked(model, plan, prompt, history, tokens)
        answer = read(text, plan)
        if not answer.problems:
            break
        told = "\n".join(f"- {problem}" for problem in answer.problems)
        again = f"That does not fit the schema:\n{told}\nAnswer again, with the whole object."
        history = [history[0], Message("assistant", text), Message("user", again)]
    if answer.problems and not answer.extraction_only:
        raise NoFittingAnswer("; ".join(answer.problems))
    name = (plan.provider or "").partition("/")[0]
    return findings(answer, plan, turns, analyzer=name, opted_out=opted_out)


async def _asked(
    model: LanguageModel, plan: AnalysisPlan, prompt: str, history: Sequence[Message], tokens: Tokens
) -> str:
    said: list[str] = []
    length = 0
    reply = model.reply(prompt, tuple(history), model=plan.model, answer_schema=answer_schema(plan))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), aclosing(reply) as pieces:
            async for piece in pieces:
                match piece:
                    case str():
                        said.append(piece)
                        length += len(piece)
                    case TokensUsed():
                        tokens.prompt += piece.prompt
                        tokens.completion += piece.completion
                if length > LONGEST_ANSWER:
                    raise ProviderError(plan.provider or "", "the answer does not end")
    except TimeoutError:
        raise ProviderError(plan.provider or "", f"no answer within {PATIENCE_SECONDS:.0f} s") from None
    return "".join(said)
