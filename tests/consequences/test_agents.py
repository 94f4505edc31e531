"""What the routes of agents do, seen elsewhere."""

import pytest

from tests.api.calls import CallBook
from tests.api.conftest import Person
from tests.consequences.conftest import Line


@pytest.mark.consequence("GET /agents/{agent_id}")
async def test_the_version_that_a_call_ran_with_can_still_be_read(ann: Person, book: CallBook) -> None:
    call = await ann.get(f"/call-logs/{await book.held()}")
    await ann.put(f"/agents/{book.agent_id}", greeting_message="Good day.")
    then = await ann.get(f"/agents/{call['agent_id']}", version=call["agent_version"])
    assert (call["agent_version"], then["greeting_message"]) == (1, "")


@pytest.mark.consequence("PUT /agents/{agent_id}")
async def test_the_next_call_uses_a_change_and_one_under_way_does_not(line: Line) -> None:
    ann = line.person
    first = await ann.post("/calls", agent_id=line.agent_id, to="+12025550101")
    await line.rounds()
    await ann.put(f"/agents/{line.agent_id}", greeting_message="Good day.")
    second = await ann.post("/calls", agent_id=line.agent_id, to="+12025550102")
    await line.rounds()
    ran_with = [(await ann.get(f"/call-logs/{call['id']}"))["agent_version"] for call in (first, second)]
    assert ran_with == [1, 2]
