"""`voiceera doctor`, against a platform whose ways are open or not."""

import pytest

from tests.api.conftest import _quiet, ann, anyone, app, bus, join, settings
from tests.consequences.conftest import LINE
from tests.test_talk_page import FLOW, Site, site
from voiceera.demo.api_client import ApiClient
from voiceera.trial.doctor import DoctorOptions, Finding, Mark, examine, first_call, is_private

__all__ = ["_quiet", "ann", "anyone", "app", "bus", "join", "settings", "site"]

NOWHERE = "http://127.0.0.1:1"


async def findings(site: Site, key: str, public_url: str) -> list[Finding]:
    api = ApiClient(site.url)
    api.carry(key)
    try:
        return [found async for found in examine(DoctorOptions(site.url, public_url), api)]
    finally:
        await api.close()


def about(found: list[Finding], words: str) -> Mark:
    [finding] = [each for each in found if words in each.what]
    return finding.mark


async def test_it_finds_what_is_missing_and_then_that_nothing_is(site: Site) -> None:
    key = (await site.person.post("/api-keys", name="doctor", scope="write"))["key"]
    found = await findings(site, key, NOWHERE)
    assert about(found, "takes the key") is Mark.GOOD
    assert about(found, "does not lead to the API") is Mark.BAD
    assert about(found, "there is no carrier") is Mark.BAD
    assert about(found, "there is no active agent") is Mark.BAD
    await site.person.post("/integrations", name="Line", type="telephony", provider="scripted", config=LINE)
    await site.person.post("/agents", name="Anna", flow=FLOW)
    found = await findings(site, key, site.url)
    assert about(found, "leads to the API") is Mark.DOUBTFUL, "no carrier reaches the loopback"
    assert about(found, "/voice takes WebSockets") is Mark.DOUBTFUL
    assert about(found, "its account is working") is Mark.GOOD
    assert about(found, "one without a signature is refused") is Mark.GOOD
    assert about(found, "active agents can take calls: Anna") is Mark.GOOD
    assert about(found, "no number is answered") is Mark.DOUBTFUL


async def test_a_key_that_is_none_ends_it_at_once(site: Site) -> None:
    [finding] = await findings(site, "vk_none", site.url)
    assert finding.mark is Mark.BAD


async def test_a_call_that_cannot_be_placed_says_why(site: Site) -> None:
    api = ApiClient(site.url)
    api.carry((await site.person.post("/api-keys", name="doctor", scope="write"))["key"])
    agent = await site.person.post("/agents", name="Anna", flow=FLOW)
    finding = await first_call(api, "+12025550123", agent["id"])
    await api.close()
    assert finding.mark is Mark.BAD
    assert "was not rung" in finding.what


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://127.0.0.1:8000", True),
        ("https://localhost", True),
        ("wss://10.0.0.7/voice", True),
        ("https://calls.example.com", False),
        ("https://93.184.216.34", False),
    ],
)
def test_an_address_that_carriers_cannot_reach_is_told_apart(url: str, private: bool) -> None:
    assert is_private(url) is private
