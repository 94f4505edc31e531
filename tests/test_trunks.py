"""Trunks as an integration configures them."""

from uuid import UUID, uuid4

import pytest

from voiceera.errors import Conflict
from voiceera.providers.carriers.plivo import Plivo
from voiceera.rules.audio import L16_16K, ULAW_8K
from voiceera.services.trunks import FixedTrunks, Trunk, open_trunk

CONFIG = {
    "base_url": "http://127.0.0.1:8090/v1",
    "caller_ids": ["+12025550100"],
    "allowed_countries": ["US"],
    "calls_per_second": 5,
    "max_concurrent_calls": 8,
    "wideband_prefixes": ["+1202"],
}
CREDENTIALS = {"auth_id": "MAXX", "auth_token": "a-very-secret-token"}


def opened(**changes: object) -> Trunk:
    return open_trunk(UUID(int=1), "plivo", CONFIG | changes, CREDENTIALS, ())


def test_an_integration_becomes_a_trunk() -> None:
    trunk = opened()
    assert isinstance(trunk.carrier, Plivo)
    assert (trunk.caller_ids, trunk.allowed_countries) == (("+12025550100",), ("US",))
    assert (trunk.calls_per_second, trunk.max_concurrent_calls) == (5, 8)


def test_wideband_numbers_carry_16_khz_and_all_others_8() -> None:
    trunk = opened()
    assert trunk.audio_format("+12025550123") is L16_16K
    assert trunk.audio_format("+13035550123") is ULAW_8K
    assert opened(wideband_prefixes=[]).audio_format("+12025550123") is ULAW_8K


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"base_url": "ftp://x"}, "base_url"),
        ({"caller_ids": ["12025550100"]}, "caller_ids"),
        ({"allowed_countries": ["USA"]}, "allowed_countries"),
        ({"calls_per_second": 0}, "calls_per_second"),
        ({"max_concurent_calls": 8}, "max_concurent_calls"),
    ],
)
def test_a_broken_configuration_names_its_fields(changes: dict[str, object], named: str) -> None:
    with pytest.raises(Conflict) as raised:
        opened(**changes)
    assert named in (raised.value.details or "")


def test_a_broken_credential_is_named_and_never_shown() -> None:
    with pytest.raises(Conflict) as raised:
        open_trunk(UUID(int=1), "plivo", CONFIG, {"auth_id": "no good id", "auth_token": "secret-12345"}, ())
    assert raised.value.details == "these fields do not fit: auth_id"


def test_an_unknown_carrier_is_said() -> None:
    with pytest.raises(Conflict) as raised:
        open_trunk(UUID(int=1), "bell", CONFIG, CREDENTIALS, ())
    assert "there is no carrier provider 'bell'" in (raised.value.details or "")


async def test_an_organization_without_a_carrier_is_told_what_to_do() -> None:
    with pytest.raises(Conflict, match="No carrier is connected"):
        await FixedTrunks({}).of(uuid4())
