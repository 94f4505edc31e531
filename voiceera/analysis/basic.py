"""The embedded analyzer, called basic: it needs no key, model or network, and says what it read and how surely.

It counts words by a lexicon. It is right about the sentiment of roughly three sentences in four (docs/analysis.md).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from voiceera.analysis import compliance
from voiceera.analysis.feelings import Feeling, feeling, score_of, sentiment_of
from voiceera.analysis.phrases import key_phrases
from voiceera.analysis.spoken_language import spoken_language
from voiceera.rules.analysis import Emotion, Findings
from voiceera.rules.calls import Speaker
from voiceera.rules.sentences import sentences as split
from voiceera.rules.transcripts import Segment

NAME = "basic"
_QUOTES = 3
_MOST_EMOTIONS = 3
_EMOTION_SHARE = 0.4
"""An emotion counts for a call if it weighs so much of the strongest one."""
_QUOTE_LENGTH = 300


@dataclass(frozen=True)
class Finished:
    """A call that is over. `language`: the agent's; `name`: the contact's, kept out of the phrases."""

    turns: Sequence[Segment]
    language: str = "en-US"
    name: str | None = None
    disposition: str | None = None
    extracted: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Sentence:
    said: Segment
    text: str
    feeling: Feeling


def analyse(call: Finished) -> Findings:
    caller = [turn for turn in call.turns if turn.speaker is Speaker.CALLER and turn.text.strip()]
    language = spoken_language([turn.text for turn in caller or call.turns], call.language)
    sentences = [
        _Sentence(turn, sentence, feeling(sentence, language or call.language))
        for turn in call.turns
        for sentence in split(turn.text)
    ]
    of_caller = [sentence for sentence in sentences if sentence.said.speaker is Speaker.CALLER]
    total = sum(sentence.feeling.total for sentence in of_caller)
    emotions = _emotions(of_caller) if caller else None
    checked = compliance.checks(call.turns, opted_out=call.disposition == "opted_out")
    return Findings(
        summary=_summary(call, of_caller),
        sentiment=sentiment_of(total) if caller else None,
        emotions=None if emotions is None else [emotion for emotion, _ in emotions],
        key_phrases=key_phrases([turn.text for turn in caller], without=call.name or ""),
        language=language,
        details={
            "analyzer": NAME,
            "sentiment": {
                "overall": _mood(of_caller),
                "by_speaker": {
                    speaker: _mood([each for each in sentences if each.said.speaker is speaker])
                    for speaker in Speaker
                },
                "over_time": _over_time(of_caller),
            },
            "emotions": [_evidence(emotion, weight, of_caller) for emotion, weight in emotions or ()],
            "compliance": [asdict(check) for check in checked],
        },
    )


def _emotions(sentences: Sequence[_Sentence]) -> list[tuple[Emotion, float]]:
    """The strongest few with their weights; neutral where there are none."""
    weights: dict[Emotion, float] = defaultdict(float)
    for sentence in sentences:
        for emotion, weight in sentence.feeling.weights.items():
            weights[emotion] += weight
    ranked = sorted(weights.items(), key=lambda each: -each[1])[:_MOST_EMOTIONS]
    return [each for each in ranked if each[1] >= _EMOTION_SHARE * ranked[0][1]] or [(Emotion.NEUTRAL, 0.0)]


def _mood(sentences: Sequence[_Sentence]) -> dict[str, Any] | None:
    """None: nothing was said."""
    if not sentences:
        return None
    total = sum(sentence.feeling.total for sentence in sentences)
    telling = sorted((each for each in sentences if each.feeling.cues), key=lambda each: -abs(each.feeling.total))
    return {
        "sentiment": sentiment_of(total),
        "score": score_of(total),
        "confidence": _confidence([each.feeling.total for each in telling]),
        "evidence": [_quote(each) for each in telling[:_QUOTES]],
    }


def _confidence(totals: Sequence[float]) -> float:
    """From 0.3 where there is nothing to go by, to 0.9 where many cues say the same."""
    said = sum(abs(total) for total in totals)
    if not said:
        return 0.3
    agreeing = abs(sum(totals)) / said
    return round(min(0.9, 0.4 + 0.1 * min(5.0, said) * agreeing), 2)


def _over_time(sentences: Sequence[_Sentence]) -> list[dict[str, Any]]:
    """A point for each turn of the caller."""
    by_turn: dict[int, float] = defaultdict(float)
    for sentence in sentences:
        by_turn[sentence.said.start_ms] += sentence.feeling.total
    return [{"at_ms": at, "score": score_of(total)} for at, total in sorted(by_turn.items())]


def _evidence(emotion: Emotion, weight: float, sentences: Sequence[_Sentence]) -> dict[str, Any]:
    telling = sorted(
        (each for each in sentences if emotion in each.feeling.weights),
        key=lambda each: -each.feeling.weights[emotion],
    )
    return {
        "emotion": emotion,
        "confidence": round(min(0.9, 0.3 + 0.15 * weight), 2),
        "evidence": [_quote(each) for each in telling[:_QUOTES]],
    }


def _quote(sentence: _Sentence) -> dict[str, Any]:
    return {
        "speaker": sentence.said.speaker,
        "at_ms": sentence.said.start_ms,
        "quote": sentence.text[:_QUOTE_LENGTH],
        "cues": list(sentence.feeling.cues),
    }


def _summary(call: Finished, sentences: Sequence[_Sentence]) -> str:
    """What came of it, what was asked and answered, and the caller's most telling sentence."""
    parts = []
    if call.disposition:
        parts.append(f"Ended as {call.disposition.replace('_', ' ')}.")
    if call.extracted:
        parts.append("; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in call.extracted.items()) + ".")
    if sentences:
        telling = max(sentences, key=lambda each: (abs(each.feeling.total), len(each.text)))
        parts.append(f"The caller said: “{telling.text[:_QUOTE_LENGTH]}”")
    else:
        parts.append("The caller said nothing.")
    return " ".join(parts)
