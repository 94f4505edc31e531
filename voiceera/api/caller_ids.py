"""How the numbers that calls come from are doing."""

from uuid import UUID

from voiceera.api.depends import Line, Reading
from voiceera.api.envelope import success
from voiceera.api.routing import router
from voiceera.api.shapes import Instant, Shown, Success
from voiceera.errors import Conflict
from voiceera.services import caller_ids as service

routes = router("Phone Numbers")


class CallerIdUsage(Shown):
    """`dials_24h`: of the last 24 hours, of which `daily_cap` are allowed. `answer_rate`: what share of its latest
    `recent_calls` (200 at most) a person answered; `earlier_rate`: of the 800 before. `resting_until`: the rate has
    drifted down, and no call comes from it before. `phone_number_id` null: only the integration's settings list it.
    """

    phone_number: str
    phone_number_id: UUID | None
    label: str
    daily_cap: int | None
    dials_24h: int
    recent_calls: int
    answer_rate: float | None
    earlier_rate: float | None
    resting_until: Instant | None


@routes.get("/phone-numbers/usage")
async def list_caller_id_usage(line: Line, work: Reading) -> Success[list[CallerIdUsage]]:
    """Each number that calls may come from: what is left of its day, whether people still answer it, whether it
    rests. Empty without a carrier."""
    try:
        trunk = line()
    except Conflict:
        return success([])
    found = await service.usage(work.connection, work.organization_id, trunk, work.now)
    return success([CallerIdUsage.model_validate(each) for each in found])
