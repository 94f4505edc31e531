"""What reports add up over calls, as SQL over columns of `calls`, and the quarter of an hour that one counts in."""

from voiceera.rules.analysis import Emotion, Sentiment
from voiceera.rules.calls import CallStatus, Outcome
from voiceera.rules.latency_bins import GROWTH

ORIGIN = "'2000-01-01 00:00:00+00'"
QUARTER = f"date_bin('15 minutes', created_at, {ORIGIN})"
"""Every time zone of our days is some quarters off UTC, so quarters can be put together to its hours and days."""

_WAS_ANSWERED = "(answered_at IS NOT NULL OR status IN ('completed', 'voicemail'))"
_WAS_TIMED = f"{_WAS_ANSWERED} AND duration_seconds IS NOT NULL"

MEASURES: dict[str, str] = {
    "total": "count(*)",
    "answered": f"count(*) FILTER (WHERE {_WAS_ANSWERED})",
    "timed": f"count(*) FILTER (WHERE {_WAS_TIMED})",
    "talk_seconds": f"coalesce(sum(duration_seconds) FILTER (WHERE {_WAS_TIMED}), 0)",
    "turns": "coalesce(sum(turns), 0)",
    "interruptions": "coalesce(sum(interruptions), 0)",
    "goals": "count(*) FILTER (WHERE goal_reached)",
    "priced": "count(cost)",
    "cost": "coalesce(sum(cost), 0)",
    **{f"is_{status}": f"count(*) FILTER (WHERE status = '{status}')" for status in CallStatus},
    **{f"ended_{outcome}": f"count(*) FILTER (WHERE outcome = '{outcome}')" for outcome in Outcome},
    **{str(sentiment): f"count(*) FILTER (WHERE sentiment = '{sentiment}')" for sentiment in Sentiment},
    **{f"felt_{emotion}": f"count(*) FILTER (WHERE '{emotion}' = ANY (emotions))" for emotion in Emotion},
}
"""`timed` are the answered calls whose duration is known, `priced` those with a cost."""

NAMES = ", ".join(MEASURES)
COUNTED = ", ".join(f"{expression} AS {name}" for name, expression in MEASURES.items())
ADDED = ", ".join(f"sum({name}) AS {name}" for name in MEASURES)

BIN = f"floor(ln(greatest(ms, 1)) / ln({GROWTH}))::smallint"
"""Of an answer that took `ms`; see `rules.latency_bins`."""
