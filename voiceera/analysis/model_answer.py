"""Reading what a language model said about a call: nothing is taken over that does not fit what it was asked for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from voiceera.analysis import compliance
from voiceera.analysis.compliance import Check, Verdict
from voiceera.analysis.evidence import Said, as_sure
from voiceera.analysis.model_request import answer_schema
from voiceera.rules.analysis import Emotion, Findings, Sentiment
from voiceera.rules.analysis_plan import AnalysisPlan, validator
from voiceera.rules.calls import Speaker
from voiceera.rules.languages import short
from voiceera.rules.transcripts import Segment

_MOST_PROBLEMS = 5
_EXTRACTION = (["extracted"], ["extracted_from"])


@dataclass(frozen=True)
class Answer:
    """`problems`: what does not fit, with its place and never with a value. `extraction_only`: all else does."""

    content: dict[str, Any]
    problems: tuple[str, ...] = ()
    extraction_only: bool = False


def read(text: str, plan: AnalysisPlan) -> Answer:
    """The answer, as far as it is one."""
    try:
        content = json.loads(_bare(text))
    except (ValueError, RecursionError):
        return Answer({}, ("it is not JSON",))
    if not isinstance(content, dict):
        return Answer({}, ("it is not an object",))
    problems = list(validator(answer_schema(plan)).iter_errors(content))
    told = tuple(f"{'.'.join(map(str, each.instance_path)) or 'the object'}: {each.message}" for each in problems)
    own = [list(each.instance_path)[:1] in _EXTRACTION for each in problems]
    return Answer(content, told[:_MOST_PROBLEMS], extraction_only=bool(own) and all(own))


def _bare(text: str) -> str:
    """Without the fences that models like to put around JSON."""
    stripped = text.strip()
    if stripped.startswith("```"):
        stripped = stripped.partition("\n")[2].rpartition("```")[0]
    return stripped


def findings(
    answer: Answer, plan: AnalysisPlan, turns: Sequence[Segment], *, analyzer: str, opted_out: bool
) -> Findings:
    """Of an answer that fits, or of which all but what was extracted does."""
    content, said = answer.content, Said(turns)
    caller = _mood(content["sentiment"]["caller"], said)
    has_caller = any(turn.speaker is Speaker.CALLER and turn.text.strip() for turn in turns)
    emotions = [{"emotion": each["emotion"]} | said.proven(each) for each in content["emotions"]]
    checks = [asdict(check) for check in compliance.checks(turns, opted_out=opted_out)]
    details: dict[str, Any] = {
        "analyzer": analyzer,
        "sentiment": {
            "overall": caller if has_caller else None,
            "by_speaker": {
                Speaker.CALLER: caller if has_caller else None,
                Speaker.AGENT: _mood(content["sentiment"]["agent"], said),
            },
            "over_time": _over_time(content["sentiment"]["over_time"], said),
        },
        "emotions": emotions if has_caller else [],
        "compliance": checks + [asdict(check) for check in _checks(content.get("checks", ()), plan, said)],
    }
    if plan.dispositions:
        found = content["disposition"]
        details["disposition"] = {"value": found["value"]} | said.proven(found)
    if plan.extract:
        details["extraction"] = _extraction(answer, said)
    return Findings(
        summary=content["summary"].strip(),
        sentiment=Sentiment(caller["sentiment"]) if caller and has_caller else None,
        emotions=[Emotion(each["emotion"]) for each in emotions] or [Emotion.NEUTRAL] if has_caller else None,
        key_phrases=[phrase for each in content["key_phrases"] if (phrase := each.strip().lower())],
        language=short(content["language"] or "") or None,
        details=details,
        disposition=details.get("disposition", {}).get("value"),
        extracted=details.get("extraction", {}).get("values") or {},
    )


def _mood(mood: Mapping[str, Any] | None, said: Said) -> dict[str, Any] | None:
    if mood is None:
        return None
    return {"sentiment": mood["sentiment"], "score": mood["score"]} | said.proven(mood)


def _over_time(points: Sequence[Mapping[str, Any]], said: Said) -> list[dict[str, Any]]:
    placed = [(said.start_of(point["turn"]), point["score"]) for point in points]
    return [
        {"at_ms": at, "score": score} for at, score in sorted(dict(p for p in placed if p[0] is not None).items())
    ]


def _checks(found: Sequence[Mapping[str, Any]], plan: AnalysisPlan, said: Said) -> list[Check]:
    """One for each that is planned, in the plan's order; one of which the model said nothing is not known."""
    by_name = {each["name"]: each for each in found}
    return [
        _check(by_name[planned.name], said)
        if planned.name in by_name
        else Check(planned.name, Verdict.NOT_APPLICABLE, 0.0)
        for planned in plan.checks
    ]


def _check(found: Mapping[str, Any], said: Said) -> Check:
    turn = said.turn_of(found["quote"], found["turn"])
    claimed = [found["quote"]] if found["quote"] else []
    confidence = as_sure(found["confidence"], claimed, [] if turn is None else [turn])
    if turn is None:
        return Check(found["name"], Verdict(found["verdict"]), confidence)
    return Check(found["name"], Verdict(found["verdict"]), confidence, found["quote"], turn.start_ms)


def _extraction(answer: Answer, said: Said) -> dict[str, Any]:
    """Nothing, and why, where the schema is not met: half of an answer would look like all of it."""
    if answer.problems:
        return {"values": None, "problem": "; ".join(answer.problems), "evidence": []}
    evidence = []
    for each in answer.content["extracted_from"]:
        turn = said.turn_of(each["quote"], each["turn"])
        if turn is not None:
            told = {"field": each["field"], "confidence": each["confidence"], "speaker": turn.speaker}
            evidence.append(told | {"at_ms": turn.start_ms, "quote": each["quote"]})
    return {"values": answer.content["extracted"], "problem": None, "evidence": evidence}
