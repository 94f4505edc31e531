"""Real calls with a language model: every role of the platform, the lab's network, and a model's server on loopback.

The callee speaks, the recognizer hears it, the model's server answers what a script says, the voice speaks it and the
callee hears it: only the model does not think.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.consequences.test_spoken_calls import GREETING, finished_call, share
from tests.vendors.chat import says, uses
from tests.vendors.http_vendor import HttpVendor, http_vendor, whole
from voiceera.config import Settings
from voiceera.demo.api_client import ApiClient
from voiceera.demo.lab_process import running_lab
from voiceera.demo.stage import Person, set_stage
from voiceera.lab.callees.cast import WIDEBAND_PREFIX, demo_cast
from voiceera.lab.callees.directory import dump_directory
from voiceera.lab.ledger import Event, read_ledger
from voiceera.roles.serve import running_platform

TOOLS = [
    {
        "kind": "http",
        "name": "look_up_slot",
        "url": "{shop}/slots/{{day}}",
        "method": "GET",
        "arguments": {"day": {"type": "string"}},
        "headers": {"Authorization": "Bearer {{secret.token}}"},
        "integration": "Calendar",
    },
    {"kind": "end_call"},
]


async def connected_agent(api: ApiClient, model: HttpVendor, shop: HttpVendor) -> Any:
    """An agent that thinks at `model` and looks things up at `shop`."""
    await api.post(
        "/integrations",
        {
            "name": "Model",
            "type": "llm",
            "provider": "openai",
            "config": {"base_url": model.url + "/v1"},
            "credentials": {"api_key": "sk-of-the-test-000"},
        },
    )
    secret = {"token": "calendar-secret-000"}
    calendar = {"type": "tool", "provider": "http", "config": {"hosts": ["127.0.0.1"]}, "credentials": secret}
    await api.post("/integrations", {"name": "Calendar", **calendar})
    tools = json.loads(json.dumps(TOOLS).replace("{shop}", shop.url).replace("{{day}}", "{day}"))
    agent = {
        "name": "Clara",
        "llm_provider": "openai",
        "greeting_message": "Hello {{name}}, this is Riverside Dental. Is eleven on Tuesday good for you?",
        "system_prompt": "You confirm appointments.",
        "tools": tools,
    }
    return await api.post("/agents", agent)


@pytest.mark.slow
async def test_a_spoken_call_is_led_by_a_model_that_looks_things_up_and_hangs_up(open_directory: Path) -> None:
    (callee,) = demo_cast(1, seed=1)
    callees = open_directory / "callees.yaml"
    callees.write_text(dump_directory({callee.number: callee.script}), encoding="utf-8")
    goodbye = '{"say": "Wonderful, the appointment is confirmed. Goodbye."}'
    replies = (uses("look_up_slot", '{"day": "tuesday"}'), says("Let me ", "see. "), uses("end_call", goodbye))
    async with (
        http_vendor(*replies) as model,
        http_vendor(whole(200, {"free": ["11:00"]})) as shop,
        running_lab(open_directory, callees, seed=1, scramble=False) as (lab, lab_is_up),
    ):
        reach = ", ".join(f"127.0.0.1/32:{port}" for port in (lab.port, model.port, shop.port))
        settings = Settings(data_dir=open_directory, api_port=0, media_port=0, outbound_allow=reach, drain_seconds=0)
        async with running_platform(settings, output=open_directory / "log") as platform:
            await lab_is_up
            api = ApiClient(platform.api_url)
            try:
                person = Person(callee.name, callee.number, callee.role, GREETING)
                await set_stage(api, lab, [person], "correct horse battery", [WIDEBAND_PREFIX])
                agent = await connected_agent(api, model, shop)
                call = await finished_call(api, agent["id"], callee.number)
            finally:
                await api.close()
        rows = [row for row in read_ledger(lab.ledger) if row.number == callee.number]
    check_the_conversation(call, rows, model)
    assert shop.asked[0].path == "/slots/tuesday"
    assert shop.asked[0].headers["authorization"] == "Bearer calendar-secret-000"
    assert "calendar-secret-000" not in json.dumps(call) + "".join(str(asked.body) for asked in model.asked)


def check_the_conversation(call: Any, rows: list[Any], model: HttpVendor) -> None:
    said = [segment["text"] for segment in call["transcript"] if segment["speaker"] == "agent"]
    caller = " ".join(segment["text"] for segment in call["transcript"] if segment["speaker"] == "caller")
    heard = " ".join(row.words for row in rows if row.event is Event.HEARD)
    assert share(caller, " ".join(row.words for row in rows if row.event is Event.SAID)) > 0.4
    assert "Olivia" in said[0] and share(said[0], heard) > 0.25, (said, heard)
    assert "Let me see." in said[1]
    first = model.asked[0].json()["messages"]
    assert first[0] == {"role": "system", "content": "You confirm appointments."}
    assert first[-1]["role"] == "user" and first[-1]["content"]
    assert (call["tools"][0]["name"], call["tools"][0]["worked"]) == ("look_up_slot", True)
    assert call["usage"]["model_replies"] >= 2 and call["usage"]["prompt_tokens"] >= 50
