"""`voiceera doctor`: what stands between here and the first real call, asked of the platform and of the way to it.

It is a client of the public API, which it asks from where it runs; best from outside, as a carrier would.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx
from picows import WSError, WSListener, WSTransport, ws_connect
from rich.console import Console
from rich.markup import escape

from voiceera.demo.api_client import ApiClient, DemoFailed
from voiceera.errors import StartupError
from voiceera.ids import new_id

_SECONDS = 10.0


class Mark(StrEnum):
    GOOD = "✓"
    DOUBTFUL = "!"
    BAD = "✗"


@dataclass(frozen=True)
class Finding:
    mark: Mark
    what: str
    hint: str = ""


@dataclass(frozen=True)
class DoctorOptions:
    """`public_url`: what carriers are told. `ring`: a number to ring once the rest is well; that costs money."""

    url: str
    public_url: str
    api_key: str | None = field(default=None, repr=False)
    ring: str | None = None
    agent: str | None = None


def run_doctor(options: DoctorOptions, confirm: Any) -> int:
    """The exit status: 0 when nothing is bad. `confirm(question)` answers whether to place the paid call."""
    if options.api_key is None:
        raise StartupError(
            "Give an API key that may write: --api-key, or VOICEERA_API_KEY. One is made with POST /api-keys."
        )
    return asyncio.run(_run(options, options.api_key, Console(), confirm))


async def _run(options: DoctorOptions, api_key: str, console: Console, confirm: Any) -> int:
    api = ApiClient(options.url)
    api.carry(api_key)
    bad = 0
    try:
        async for finding in examine(options, api):
            bad += finding.mark is Mark.BAD
            _print(console, finding)
        if options.ring is not None and not bad and confirm(f"Ring {options.ring}? The carrier charges for it."):
            finding = await first_call(api, options.ring, options.agent)
            bad += finding.mark is Mark.BAD
            _print(console, finding)
    finally:
        await api.close()
    return 1 if bad else 0


def _print(console: Console, finding: Finding) -> None:
    colour = {Mark.GOOD: "green", Mark.DOUBTFUL: "yellow", Mark.BAD: "red"}[finding.mark]
    console.print(f"[{colour}]{finding.mark}[/{colour}]  {escape(finding.what)}", highlight=False, soft_wrap=True)
    if finding.hint:
        console.print(f"   [dim]{escape(finding.hint)}[/dim]", highlight=False, soft_wrap=True)


async def examine(options: DoctorOptions, api: ApiClient) -> AsyncIterator[Finding]:
    """One thing after the other, as a call would meet them. Ends early where the rest would only repeat it."""
    try:
        me = await api.get("/auth/me")
    except DemoFailed as problem:
        yield Finding(Mark.BAD, f"the API at {options.url} does not take the key: {problem}")
        return
    yield Finding(Mark.GOOD, f"the API at {options.url} answers, and takes the key")
    yield await _health(options.url)
    yield await _public_url(options)
    yield await _socket(api)
    async for finding in _lines(options, api, str(me["organization_id"])):
        yield finding
    yield await _numbers(api)
    yield await _agents(api)


async def _health(url: str) -> Finding:
    health = await _fetch("GET", f"{url}/health")
    if isinstance(health, str):
        return Finding(Mark.BAD, f"its health cannot be had: {health}")
    told = health.json().get("data") or {}
    if told.get("status") == "up":
        return Finding(Mark.GOOD, "database, storage, workers and media processes are up")
    return Finding(Mark.BAD, f"not all of it is up: {told.get('reason')}", "docs/operating.md#probes")


async def _public_url(options: DoctorOptions) -> Finding:
    """The address that carriers are told leads to this same platform."""
    public = options.public_url
    here = await _fetch("GET", f"{options.url}/version")
    there = await _fetch("GET", f"{public}/version")
    if isinstance(there, str) or there.status_code != 200:
        why = there if isinstance(there, str) else f"it answers {there.status_code}"
        return Finding(Mark.BAD, f"{public} does not lead to the API: {why}", "VOICEERA_PUBLIC_URL, and its proxy")
    if not isinstance(here, str) and here.json().get("data") != there.json().get("data"):
        return Finding(Mark.BAD, f"{public} leads to another version than {options.url}", "VOICEERA_PUBLIC_URL")
    if is_private(public):
        hint = "fine for the lab; a carrier on the internet needs a public https:// address in VOICEERA_PUBLIC_URL"
        return Finding(Mark.DOUBTFUL, f"{public} leads to the API, but only from this machine or network", hint)
    if not public.startswith("https://"):
        return Finding(Mark.DOUBTFUL, f"{public} leads to the API, in the clear", "put TLS before it")
    return Finding(Mark.GOOD, f"{public} leads to the API")


async def _socket(api: ApiClient) -> Finding:
    """The media process takes a WebSocket where carriers are sent to, through whatever stands before it."""
    proxy = "docs/operating.md#a-proxy-with-tls"
    try:
        url = (await api.get("/voice-socket"))["url"]
    except DemoFailed as problem:
        return Finding(Mark.BAD, f"no media process has room: {problem}")
    try:
        transport, _ = await ws_connect(
            WSListener,
            url,
            ssl_context=ssl.create_default_context() if url.startswith("wss:") else None,
            websocket_handshake_timeout=_SECONDS,
            max_redirects=0,
        )
    except (OSError, TimeoutError, WSError) as problem:
        said = " ".join(str(problem).split())[:200] or type(problem).__name__
        return Finding(Mark.BAD, f"{url} takes no WebSocket: {said}", proxy)
    assert isinstance(transport, WSTransport)
    transport.disconnect()
    if is_private(url):
        hint = "fine for the lab; a carrier on the internet needs a public wss:// address in VOICEERA_MEDIA_URL"
        return Finding(Mark.DOUBTFUL, f"{url} takes WebSockets, but only from this machine or network", hint)
    return Finding(Mark.GOOD, f"{url} takes WebSockets")


async def _lines(options: DoctorOptions, api: ApiClient, organization_id: str) -> AsyncIterator[Finding]:
    """Each carrier: credentials, what it may ring, and whether strangers' callbacks are refused."""
    lines = (await api.get("/integrations", type="telephony"))["items"]
    if not lines:
        yield Finding(Mark.BAD, "there is no carrier", "POST /integrations of the type telephony: docs/carriers.md")
    for line in lines:
        name, config = f"{line['name']} ({line['provider']})", line["config"]
        tested = await api.post(f"/integrations/{line['id']}/test")
        good = tested["status"] == "working"
        said = f": {tested['detail']}" if tested.get("detail") else ""
        yield Finding(Mark.GOOD if good else Mark.BAD, f"{name}: its account is {tested['status']}{said}")
        for setting, why in (("caller_ids", "a number to call from"), ("allowed_countries", "a country to ring")):
            if not config.get(setting):
                yield Finding(Mark.BAD, f"{name}: it has not {why}", f"set {setting} in its config")
        yield await _forged(options.public_url, line["provider"], organization_id, name)


async def _forged(public: str, provider: str, organization_id: str, name: str) -> Finding:
    """A callback that nobody signed is refused: so callbacks arrive, and signatures are checked."""
    path = f"/carriers/{provider}/{organization_id}/{new_id()}/hangup"
    answer = await _fetch("POST", f"{public}{path}", data={"CallUUID": "forged"})
    if isinstance(answer, str):
        return Finding(Mark.BAD, f"{name}: callbacks do not arrive: {answer}", "VOICEERA_PUBLIC_URL, and its proxy")
    if answer.status_code in (401, 403):
        return Finding(Mark.GOOD, f"{name}: callbacks arrive, and one without a signature is refused")
    hint = "the proxy must pass POST /carriers/ on, unchanged"
    return Finding(Mark.BAD, f"{name}: an unsigned callback was answered {answer.status_code}", hint)


async def _numbers(api: ApiClient) -> Finding:
    numbers = (await api.get("/phone-numbers", is_active="true"))["items"]
    routed = [each["phone_number"] for each in numbers if each["agent_id"]]
    if routed:
        return Finding(Mark.GOOD, f"somebody answers calls to {', '.join(routed)}")
    hint = "for calls in: POST /phone-numbers with an agent, and its answer URL at the carrier"
    return Finding(Mark.DOUBTFUL, "no number is answered by an agent", hint)


async def _agents(api: ApiClient) -> Finding:
    """That there are some, and what the latest ones lack."""
    agents = (await api.get("/agents", status="active", limit="5"))["items"]
    if not agents:
        return Finding(Mark.BAD, "there is no active agent", "POST /agents")
    for agent in agents:
        config = await api.get(f"/agents/{agent['id']}/config")
        if not config["is_ready"]:
            lacks = "; ".join(f"{each['field']}: {each['message']}" for each in config["missing"])
            return Finding(Mark.DOUBTFUL, f"the agent {agent['name']} cannot take calls yet", lacks)
    return Finding(Mark.GOOD, f"active agents can take calls: {', '.join(each['name'] for each in agents)}")


async def first_call(api: ApiClient, to: str, agent: str | None) -> Finding:
    """One call, followed to its end."""
    try:
        if agent is None:
            agent = (await api.get("/agents", status="active", limit="1"))["items"][0]["id"]
        call = await api.post("/calls", {"agent_id": agent, "to": to})
        async for event in api.events(f"/calls/{call['id']}/events", lambda: None):
            if event.get("kind") == "call_state" and event.get("outcome") is not None:
                break
        call = await api.get(f"/call-logs/{call['id']}")
    except DemoFailed as problem:
        return Finding(Mark.BAD, f"{to} was not rung: {problem}")
    said = f"{to}: {call['status']}, {call['disposition'] or call['hangup_cause']}, {call['turns']} turns"
    is_heard = call["status"] == "completed" and call["turns"] > 0
    return Finding(Mark.GOOD if is_heard else Mark.BAD, said, f"GET /call-logs/{call['id']}")


async def _fetch(method: str, url: str, **options: Any) -> httpx.Response | str:
    """What is answered, or why nothing is."""
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            return await client.request(method, url, **options)
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        return " ".join(str(problem).split())[:200] or type(problem).__name__


def is_private(url: str) -> bool:
    """Whether it names this machine or a private network; a name that is not an address is taken at its word."""
    host = urlsplit(url).hostname or ""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".local", ".internal", ".localhost"))
