from uuid import UUID

import pytest
from pydantic import ValidationError

from voiceera.ids import new_id
from voiceera.rules.splits import Split, agent_of

OWN, OTHER = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize("percent", [1, 20, 50, 99])
def test_the_share_is_kept_and_everybody_keeps_their_agent(percent: int) -> None:
    split = Split(agent_id=OTHER, percent=percent)
    people = [new_id() for _ in range(20_000)]
    heard = [agent_of(person, OWN, split) for person in people]
    assert heard == [agent_of(person, OWN, split) for person in people]
    share = 100 * heard.count(OTHER) / len(people)
    assert share == pytest.approx(percent, abs=1.5)


def test_without_a_split_or_a_contact_it_is_the_campaigns_own() -> None:
    assert agent_of(new_id(), OWN, None) == OWN
    assert agent_of(None, OWN, Split(agent_id=OTHER, percent=99)) == OWN


@pytest.mark.parametrize("percent", [0, 100, -1])
def test_a_share_of_nobody_or_of_all_is_none(percent: int) -> None:
    with pytest.raises(ValidationError):
        Split(agent_id=OTHER, percent=percent)
