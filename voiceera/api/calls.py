"""Calls: one, now."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from voiceera.api.call_logs import CallLogDetail, detail_in
from voiceera.api.depends import Acting, Line, Writing
from voiceera.api.envelope import created, success
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Success
from voiceera.services import single_calls as service
from voiceera.services.live import ask_to_hang_up, tell, wake
from voiceera.services.single_calls import HungUp

routes = router("Calls")

Number = Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Value = Annotated[str, StringConstraints(max_length=1_000)]


class CallNew(Body):
    """`variables` fill the agent's `{{placeholders}}`; `name` is also shown as the call's contact."""

    agent_id: UUID
    to: Number = Field(examples=["+12025550123"])
    from_: Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")] | None = Field(
        default=None, alias="from", description="One of the carrier's numbers; chosen for you if not given."
    )
    variables: dict[Word, Value] = Field(default_factory=dict, max_length=100)


@routes.post("/calls", status_code=201)
async def place_call(line: Line, work: Writing, body: CallNew) -> Created[CallLogDetail]:
    """Ring a number now: queued when this answers, dialled within a second. Any hour is taken for the right one, all
    else of what protects the people rung holds: do-not-call list, allowed countries, calls a day."""
    call_id = await service.ask(
        work.connection,
        work.organization_id,
        line(),
        agent_id=body.agent_id,
        to=body.to,
        caller_id=body.from_,
        variables=body.variables,
        created_by=work.caller.user.id,
        now=work.now,
    )
    work.after_commit(lambda: wake(work.backend.bus))
    return created(await detail_in(work.connection, work, call_id))


@routes.post("/calls/{call_id}/hangup")
async def hang_up_call(act: Acting, call_id: UUID) -> Success[CallLogDetail]:
    """End a call. One that rings or talks is over when the carrier has hung up, a moment after this answers."""
    backend, organization_id = act.backend, act.organization_id
    async with backend.database.organization(organization_id) as connection:
        node_id = await service.held_by(connection, organization_id, call_id)
        done = HungUp(node_id=node_id)
        if node_id is None:
            done = await service.hang_up(connection, organization_id, call_id, act.now)
        shown = await detail_in(connection, act, call_id)
    if done.node_id is not None:
        await ask_to_hang_up(backend.bus, done.node_id, call_id)
    await tell(backend.bus, done.ended)
    return success(shown)
