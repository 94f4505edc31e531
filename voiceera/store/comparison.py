"""What a comparison needs of a group of calls, counted from their rows in one statement."""

from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from voiceera.rules.analysis import Sentiment
from voiceera.rules.comparison import Group, Mean, Rate
from voiceera.store.analytics import Slice
from voiceera.store.base import Connection
from voiceera.store.calls import calls


async def group(connection: Connection, wanted: Slice, version: int | None) -> Group:
    """`version`: of the agent, with which the calls ran; None: any."""
    c = calls.c
    its = [*wanted.where(), *([c.agent_version == version] if version is not None else [])]
    analyzed = sa.func.count().filter(c.sentiment.is_not(None))
    was_answered = sa.or_(c.answered_at.is_not(None), c.status.in_(("completed", "voicemail")))
    talked, spoken = (sa.case((was_answered, column)) for column in (c.duration_seconds, c.turns))
    row = (
        await connection.execute(
            sa.select(
                sa.func.count(),
                sa.func.count().filter(was_answered),
                sa.func.count().filter(c.status == "completed"),
                sa.func.count().filter(c.goal_reached),
                analyzed,
                sa.func.count().filter(c.sentiment == Sentiment.POSITIVE),
                sa.func.count().filter(c.sentiment == Sentiment.NEGATIVE),
                *(
                    figure(column)
                    for column in (talked, spoken, c.cost)
                    for figure in (sa.func.count, sa.func.avg, sa.func.var_samp)
                ),
            ).where(*its)
        )
    ).one()
    total, answered, completed, goals, known, positive, negative = row[:7]
    means = [_mean(*row[place : place + 3]) for place in (7, 10, 13)]
    fast, slow = await _latencies(connection, its)
    return Group(
        calls=total,
        answer_rate=Rate(answered, total),
        success_rate=Rate(completed, total),
        goal_rate=Rate(goals, answered),
        positive_rate=Rate(positive, known),
        negative_rate=Rate(negative, known),
        talk_seconds=means[0],
        turns=means[1],
        cost_per_call=means[2],
        latency_ms_p50=fast,
        latency_ms_p95=slow,
    )


def _mean(of: int, value: Decimal | None, variance: Decimal | None) -> Mean:
    return Mean(of, None if value is None else float(value), None if variance is None else float(variance))


async def _latencies(
    connection: Connection, its: Sequence[sa.ColumnElement[bool]]
) -> tuple[float | None, float | None]:
    """The median and the 95th percentile of all the answers' milliseconds."""
    answers = sa.select(sa.func.unnest(calls.c.answer_ms).label("ms")).where(*its).subquery()
    found = sa.func.percentile_cont(sa.literal([0.5, 0.95], ARRAY(sa.Double))).within_group(answers.c.ms)
    told = await connection.scalar(sa.select(found))
    return (None, None) if told is None else (round(told[0], 1), round(told[1], 1))
