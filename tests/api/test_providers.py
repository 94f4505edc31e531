"""What the list of providers says of each: what it speaks, what it takes, whether it can be used."""

from tests.api.conftest import Person
from voiceera.providers.registry import PROVIDERS


async def test_every_provider_is_listed_with_what_it_takes(ann: Person) -> None:
    listed = {(each["type"], each["name"]): each for each in await ann.get("/providers")}
    words = {"carrier": "telephony"}
    assert listed.keys() >= {(words.get(kind, kind), name) for kind, name in PROVIDERS if kind != "storage"}
    espeak, deepgram = listed["tts", "espeak"], listed["stt", "deepgram"]
    assert "hi" in espeak["languages"] and espeak["voices"] and espeak["settings"] is None
    assert (espeak["is_installed"], espeak["is_configured"]) == (True, True)
    assert "model" in deepgram["settings"]["properties"] and "api_key" in deepgram["credentials"]["properties"]
    assert (deepgram["is_installed"], deepgram["is_configured"]) == (True, False)
    assert listed["stt", "moonshine"]["languages"] == ["en"]


async def test_an_integration_makes_a_provider_usable(ann: Person, bob: Person) -> None:
    await ann.post(
        "/integrations", name="Ears", type="stt", provider="deepgram", credentials={"api_key": "0123456789abcdef"}
    )
    for person, usable in ((ann, True), (bob, False)):
        [deepgram] = [each for each in await person.get("/providers", type="stt") if each["name"] == "deepgram"]
        assert deepgram["is_configured"] is usable


async def test_a_language_that_a_vendor_does_not_know_is_said_to_be_missing(ann: Person) -> None:
    made = await ann.post("/agents", name="Aino", language="fi-FI", stt_provider="sarvam", tts_provider="sarvam")
    found = (await ann.get(f"/agents/{made['id']}/config"))["missing"]
    said = [each["message"] for each in found if each["field"] == "language"]
    assert any("sarvam does not know fi-FI" in message for message in said)
    assert any("sarvam does not speak fi-FI" in message for message in said)
