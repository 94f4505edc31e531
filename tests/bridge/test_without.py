"""Bridged vendors where no extra is installed, as on most machines."""

from importlib.util import find_spec

import pytest

from tests.api.conftest import Person, _quiet, ann, anyone, app, bus, join, settings

__all__ = ["_quiet", "ann", "anyone", "app", "bus", "join", "settings"]


@pytest.mark.skipif(find_spec("livekit") is not None, reason="an extra is installed")
async def test_a_vendor_without_its_package_says_what_to_install(ann: Person) -> None:
    [listed] = [each for each in await ann.get("/providers", type="tts") if each["name"] == "elevenlabs"]
    assert (listed["is_installed"], listed["is_configured"]) == (False, False)
    offered = {(each["type"], each["provider"]) for each in await ann.get("/integrations/providers")}
    assert ("tts", "elevenlabs") not in offered and ("llm", "groq") in offered
    body = {"name": "a", "type": "tts", "provider": "elevenlabs", "config": {}, "credentials": {"api_key": "x" * 20}}
    answer = await ann.client.post("/integrations", json=body)
    assert answer.status_code == 422
    [problem] = answer.json()["error"]["fields"]
    assert "pip install 'voiceera[elevenlabs]'" in problem["message"]
