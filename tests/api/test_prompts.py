"""The operators' own recordings: taken in any form, kept in one, named by flows."""

from io import BytesIO
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import soundfile

from tests.api.calls import hum, same_answer
from tests.api.conftest import Person
from voiceera.ids import new_id
from voiceera.media.prompt_shelf import PromptShelf
from voiceera.rules.agents import AgentConfig
from voiceera.rules.audio import L16_16K, ULAW_8K, decode
from voiceera.rules.calls import CallBrief, Direction
from voiceera.store.base import Database


async def uploaded(person: Person, name: str, content: bytes, status: int = 201, **fields: Any) -> Any:
    answer = await person.client.post("/prompts", data={"name": name, **fields}, files={"file": ("a.bin", content)})
    assert answer.status_code == status, answer.text
    document = answer.json()
    return document["data"] if status == 201 else document["error"]


def loudest_hertz(pcm: Any, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(np.asarray(pcm, float)))
    return float(np.argmax(spectrum) * rate / len(pcm))


@pytest.mark.parametrize(
    ("form", "rate", "channels"), [("WAV", 8_000, 1), ("WAV", 44_100, 2), ("FLAC", 48_000, 1), ("OGG", 22_050, 2)]
)
async def test_a_recording_of_any_form_is_kept_as_one(ann: Person, form: str, rate: int, channels: int) -> None:
    made = await uploaded(ann, "welcome-hi", hum(1.5, rate, channels=channels, form=form), description="नमस्ते")
    assert made["duration_seconds"] == pytest.approx(1.5, abs=0.05)
    assert (await ann.get("/prompts", search="नम"))["items"] == [made] == [await ann.get(f"/prompts/{made['id']}")]
    answer = await ann.client.get(f"/prompts/{made['id']}/download")
    assert answer.headers["content-type"] == "audio/flac"
    pcm, kept_rate = soundfile.read(BytesIO(answer.content), dtype="int16")
    assert (kept_rate, pcm.ndim) == (16_000, 1)
    assert loudest_hertz(pcm, 16_000) == pytest.approx(440, abs=3)
    part = await ann.client.get(f"/prompts/{made['id']}/download", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"fLaC")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no sound file"),
        (b"RIFF of old", "no sound file"),
        (b"phone_number\n+12025550101\n", "no sound file"),
        (hum(0.0), "holds no sound"),
        (hum(121, 8_000), "120 s is the most"),
        (hum(1, hertz=0.0), "is silent"),
    ],
)
async def test_what_cannot_be_played_is_refused_and_says_why(ann: Person, content: bytes, says: str) -> None:
    refused = await uploaded(ann, "welcome", content, 422)
    assert refused["fields"][0]["field"] == "file" and says in refused["fields"][0]["message"]


@pytest.mark.parametrize("name", ["", "two words", "../up", "a" * 101])
async def test_a_name_that_no_flow_could_use_is_refused(ann: Person, name: str) -> None:
    await uploaded(ann, name, hum(0.5), 422)


async def test_a_name_is_taken_once_and_free_again(ann: Person, bob: Person) -> None:
    first = await uploaded(ann, "welcome", hum(0.5))
    assert (await uploaded(ann, "welcome", hum(0.5), 409))["code"] == "PROMPT_002"
    await uploaded(bob, "welcome", hum(0.5))
    await ann.delete(f"/prompts/{first['id']}")
    await ann.get(f"/prompts/{first['id']}", 404)
    await uploaded(ann, "welcome", hum(0.5))


async def test_another_tenants_recording_reads_as_one_that_never_was(ann: Person, bob: Person) -> None:
    theirs = await uploaded(ann, "welcome", hum(0.5))
    for path in ("/prompts/{}", "/prompts/{}/download"):
        assert (await same_answer(bob, "GET", path, theirs["id"]))[0] == 404


async def test_an_agent_says_which_recordings_it_lacks(ann: Person) -> None:
    say = {"kind": "say", "text": "नमस्ते", "prompts": {"hi": "welcome-hi"}, "next": "ask"}
    ask = {"kind": "ask", "text": "एक या दो?", "expect": {"type": "keypad", "digits": 1}, "next": "end"}
    flow = {"start": "say", "steps": {"say": say, "ask": ask, "end": {"kind": "end"}}}
    agent = await ann.post("/agents", name="Hindi", language="hi-IN", flow=flow)
    missing = (await ann.get(f"/agents/{agent['id']}/config"))["missing"]
    assert "flow.steps.say.prompts.hi" in [each["field"] for each in missing]
    assert "language" not in [each["field"] for each in missing], "keys are understood in every language"
    await uploaded(ann, "welcome-hi", hum(0.5))
    missing = (await ann.get(f"/agents/{agent['id']}/config"))["missing"]
    assert "flow.steps.say.prompts.hi" not in [each["field"] for each in missing]


async def test_the_shelf_has_it_as_the_line_carries_it(ann: Person, bob: Person, database: Database) -> None:
    await uploaded(ann, "welcome", hum(2.0))
    ids = (UUID(ann.organization_id), new_id(), new_id())
    brief = CallBrief(*ids, 1, AgentConfig(name="A"), Direction.INBOUND, {}, "")
    shelf = PromptShelf(database)
    for audio_format in (ULAW_8K, L16_16K):
        sound = await shelf.sound(brief, "welcome", audio_format)
        assert sound is not None and sound == await shelf.sound(brief, "welcome", audio_format)
        pcm = decode(sound, audio_format)
        assert len(pcm) == pytest.approx(2 * audio_format.sample_rate, rel=0.01)
        assert loudest_hertz(pcm, audio_format.sample_rate) == pytest.approx(440, abs=3)
    assert await shelf.sound(brief, "unheard of", ULAW_8K) is None
