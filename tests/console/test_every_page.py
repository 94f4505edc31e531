"""Every page: no serious fault for those who see, hear or move otherwise, and nothing that people wrote runs."""

import csv
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from playwright.async_api import Page, expect

from tests.api.calls import TURNS, CallBook, book_of
from tests.api.conftest import Person, join
from tests.console.sounds import wav_of_a_second
from tests.console.stage import ADMIN, AXE, BUILT, Stage, settled, sign_in
from tests.console.xss import PAYLOADS
from voiceera.ids import new_id
from voiceera.store import calls
from voiceera.store.base import Database

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

_LOOK = "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations']})"
MANY_CALLS = 600
PAGES = [
    *("", "/calls", "/calls/{call}", "/campaigns", "/campaigns/new", "/campaigns/{campaign}/board"),
    *(
        "/campaigns/{campaign}/contacts",
        "/campaigns/{campaign}/settings",
        "/campaigns/{campaign}/log",
        "/agents",
        "/agents/new",
        "/agents/{agent}",
    ),
    *(
        "/agents/{agent}/try",
        "/agents/{agent}/versions",
        "/analytics?days=7",
        "/integrations",
        "/numbers",
        "/do-not-call",
        "/webhooks",
        "/webhooks/{webhook}",
    ),
    *("/people", "/api-keys", "/profile", "/nowhere"),
    *("/unclear", "/recordings", "/prices", "/organization"),
]
DARK_PAGES = [
    "",
    "/calls/{call}",
    "/campaigns/{campaign}/contacts",
    "/agents/{agent}",
    "/analytics?days=7",
    "/people",
]
OPERATOR = ["/admin/system", "/admin/logs", "/admin/users"]


@dataclass
class Hostile:
    """An organization in which every text is an attack. `ids`: what the paths of pages name."""

    person: Person
    book: CallBook
    ids: dict[str, str]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hostile(stage: Stage) -> AsyncIterator[Hostile]:
    database = Database(stage.platform.database_url)
    async with httpx.AsyncClient(base_url=stage.platform.api_url, timeout=60) as client:
        person = await join(client, "mallory@example.com")
        book = await book_of(database, stage.platform.settings, person)
        yield Hostile(person, book, await written(person, book))
    await database.close()


async def written(person: Person, book: CallBook) -> dict[str, str]:
    """Every payload stands somewhere, and some of them everywhere."""
    await person.client.put("/organization", json={"name": PAYLOADS[0]})
    first = {"first_name": PAYLOADS[1][:100], "last_name": PAYLOADS[2][:100]}
    await person.client.put(f"/users/{(await person.get('/auth/me'))['id']}", json=first)
    flow = {"start": "say", "steps": {"say": {"kind": "end", "text": PAYLOADS[3], "disposition": PAYLOADS[4]}}}
    agent = await person.post("/agents", name=PAYLOADS[5][:200], description=PAYLOADS[6], flow=flow)
    await person.client.put(f"/agents/{agent['id']}", json={"greeting_message": PAYLOADS[7]})
    people = [
        {"phone_number": f"+120255501{index:02}", "name": text[:200], "variables": {f"v{index}": text}}
        for index, text in enumerate(PAYLOADS)
    ]
    campaign = await person.post(
        "/campaigns", name=PAYLOADS[8][:200], description=PAYLOADS[9], agent_id=agent["id"], contacts=people
    )
    webhook = await person.post("/webhooks", url="https://example.com/?q=%3Cscript%3E", description=PAYLOADS[10])
    config = {"allowed_countries": ["US"]}
    await person.post("/integrations", name=PAYLOADS[11][:200], type="telephony", provider="scripted", config=config)
    await person.post("/api-keys", name=PAYLOADS[12][:200])
    await person.post("/prices", part="llm", provider=PAYLOADS[14][:50], unit="prompt_token", price="0.01")
    sound = {"file": ("hello.wav", wav_of_a_second(), "audio/wav")}
    await person.client.post("/prompts", data={"name": "hello", "description": PAYLOADS[15][:500]}, files=sound)
    turns = tuple(
        replace(TURNS[index % 3], text=text, start_ms=index * 1000, end_ms=index * 1000 + 900)
        for index, text in enumerate(PAYLOADS)
    )
    call = await book.held(turns, contact_name=PAYLOADS[13])
    await person.client.put(f"/call-logs/{call}/notes", json={"notes": "\n".join(PAYLOADS)})
    return {"agent": agent["id"], "campaign": campaign["id"], "webhook": webhook["id"], "call": call}


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: scripts/console --dev")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_no_page_has_a_serious_fault_and_no_text_runs(stage: Stage, hostile: Hostile, dark: bool) -> None:
    """The light round looks at all pages as wide as a desk, the dark one at some, as narrow as a telephone."""
    found: list[str] = []
    async with stage.page(dark=dark, phone=dark) as page:
        page.on("dialog", lambda dialog: found.append(f"a dialog: {dialog.message}"))
        await page.goto(f"{stage.url}/login")
        found += await faults_of(page)
        await sign_in(stage, page, "mallory@example.com")
        for path in DARK_PAGES if dark else PAGES:
            await page.goto(stage.url + path.format(**hostile.ids))
            await settled(page)
            found += await faults_of(page)
        await sign_out(page)
        await sign_in(stage, page, ADMIN)
        for path in OPERATOR:
            await page.goto(stage.url + path)
            await settled(page)
            found += await faults_of(page)
    assert found == []
    assert stage.faults == []


async def faults_of(page: Page) -> list[str]:
    if not await page.evaluate("!!window.axe"):
        await page.evaluate(AXE.read_text())
    result = await page.evaluate(_LOOK)
    ran = ["what somebody wrote has run"] if await page.evaluate("!!window.__ran") else []
    broken = await page.evaluate("faults.splice(0)")
    wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")
    return [f"{page.url}: {each}" for each in (*ran, *broken, *(["scrolls sideways"] if wide else []))] + [
        f"{page.url}: {each['id']} {[node['target'] for node in each['nodes']][:3]}"
        for each in result["violations"]
        if each["impact"] in ("serious", "critical")
    ]


async def sign_out(page: Page) -> None:
    if await page.get_by_role("button", name="Menu").is_visible():
        await page.get_by_role("button", name="Menu").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()


async def test_what_was_said_and_noted_is_shown_to_the_letter(stage: Stage, hostile: Hostile) -> None:
    async with stage.page() as page:
        await sign_in(stage, page, "mallory@example.com")
        await page.goto(f"{stage.url}/calls/{hostile.ids['call']}")
        await settled(page)
        said = await page.locator(".said .turn p").all_inner_texts()
        assert [" ".join(each.split()) for each in said] == [" ".join(each.split()) for each in PAYLOADS]
        assert await page.get_by_label("Notes").input_value() == "\n".join(PAYLOADS)
        assert not await page.evaluate("!!window.__ran")


async def test_no_cell_of_a_file_runs(stage: Stage, hostile: Hostile, tmp_path: Path) -> None:
    """Titles, values that are refused and shown as they are, and names of those that are added."""
    path = tmp_path / "people.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["phone_number", "name", *PAYLOADS[:5]])
        for index, text in enumerate(PAYLOADS):
            table.writerow([text, text, *[text] * 5])
            table.writerow([f"+120255502{index % 100:02}", text, *[text] * 5])
    async with stage.page() as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
        await sign_in(stage, page, "mallory@example.com")
        await page.goto(f"{stage.url}/campaigns/{hostile.ids['campaign']}/contacts")
        await page.get_by_role("button", name="Upload a file").click()
        await page.locator("input[type=file]").set_input_files(path)
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_role("cell", name="is not a phone number").first).to_be_visible()
        shown = await dialog.locator("tbody td:nth-child(3)").all_inner_texts()
        assert len(shown) >= 40
        assert {" ".join(each.split()) for each in shown} <= {" ".join(each.split()) for each in PAYLOADS}
        await dialog.get_by_role("button", name=re.compile("^Add ")).click()
        await expect(dialog).to_have_count(0)
        await settled(page)
        assert not await page.evaluate("!!window.__ran")
        assert await page.evaluate("faults.splice(0)") == []


async def test_a_long_list_scrolls_with_few_rows_in_the_page(stage: Stage, hostile: Hostile) -> None:
    await many_calls(hostile.book, MANY_CALLS)
    async with stage.page() as page:
        await sign_in(stage, page, "mallory@example.com")
        await page.goto(f"{stage.url}/calls?status=busy")
        await settled(page)
        await expect(page.locator("main header p").first).to_contain_text(f"{MANY_CALLS:,} calls")
        most = 0
        rows = page.locator(".vlist [role=listitem]")
        last = ""
        while last != str(MANY_CALLS):
            most = max(most, await rows.count())
            await page.evaluate(
                "(() => { const list = document.querySelector('.vlist'); list.scrollTop = list.scrollHeight; })()"
            )
            await expect(rows.last).not_to_have_attribute("aria-posinset", last)
            last = await rows.last.get_attribute("aria-posinset") or ""
        assert last == str(MANY_CALLS)
        assert most < 60


# The API's own first row, a million times over, in ten pages: what the page does with them is looked at.
_A_MILLION = """
const real = window.fetch;
window.fetch = async (url, options) => {
  const asked = new URL(url, location.href);
  if (asked.pathname !== "/call-logs" || asked.searchParams.get("limit") !== "100") return real(url, options);
  const page = Number(asked.searchParams.get("cursor") ?? 0);
  asked.searchParams.delete("cursor");
  const { data } = await (await real(asked.href, options)).json();
  const items = Array.from({ length: 100_000 }, (_, index) => ({ ...data.items[0], id: `${page}-${index}` }));
  const answer = { ...data, items, total: 1_000_000, next_cursor: page < 9 ? String(page + 1) : null };
  return { ok: true, status: 200, headers: new Headers(), json: async () => ({ success: true, data: answer }) };
};
"""
_SEEN = """() => {
  const list = document.querySelector('.vlist'), box = list.getBoundingClientRect();
  const rows = [...list.querySelectorAll('[role=listitem]')];
  const under = (y) => document.elementFromPoint(box.left + 40, y)?.closest('[role=listitem]');
  const at = (y) => under(y)?.getAttribute('aria-posinset');
  return { rows: rows.length, top: Number(at(box.top + 60) ?? 0), bottom: Number(at(box.bottom - 20) ?? 0) };
}"""


async def test_a_list_of_a_million_calls_scrolls_to_its_end(stage: Stage, hostile: Hostile) -> None:
    """Taller than what a browser lays out: rows stand under one another all the way down."""
    async with stage.page() as page:
        await sign_in(stage, page, "mallory@example.com")
        await page.add_init_script(_A_MILLION)
        await page.goto(f"{stage.url}/calls")
        await settled(page)
        rows = page.locator(".vlist [role=listitem]")
        last = ""
        while last != "1000000":
            await page.evaluate(
                "(() => { const l = document.querySelector('.vlist'); l.scrollTop = l.scrollHeight; })()"
            )
            await expect(rows.last).not_to_have_attribute("aria-posinset", last)
            last = await rows.last.get_attribute("aria-posinset") or ""
        for share in (0.0, 0.25, 0.5, 0.999, 1.0):
            await page.evaluate(
                "(share) => { const l = document.querySelector('.vlist');"
                " l.scrollTop = share * (l.scrollHeight - l.clientHeight); }",
                share,
            )
            await page.wait_for_timeout(200)
            seen = await page.evaluate(_SEEN)
            assert seen["rows"] < 60
            assert abs(seen["top"] - share * 1_000_000) < 2_000, (share, seen)
            assert 5 < seen["bottom"] - seen["top"] < 40, (share, seen)


async def many_calls(book: CallBook, count: int) -> None:
    shared = {"organization_id": book.organization_id, "agent_id": book.agent_id, "agent_version": 1}
    shared |= {"direction": "outbound", "status": "busy", "created_at": datetime.now(UTC)}
    rows = [{**shared, "id": new_id(), "phone_number": f"+1303{index:07}"} for index in range(count)]
    async with book.database.organization(book.organization_id) as connection:
        await connection.execute(sa.insert(calls.calls), rows)


async def test_a_viewer_is_offered_nothing_that_the_api_would_refuse(stage: Stage, hostile: Hostile) -> None:
    async with stage.page() as page:
        await sign_in(stage, page, "mallory@example.com")
        await page.evaluate(
            "() => { const s = JSON.parse(localStorage['voiceera.session']); s.user.role = 'viewer';"
            " localStorage['voiceera.session'] = JSON.stringify(s); }"
        )
        for path in ("/campaigns", "/agents", "/integrations", "/webhooks", "/people", "/calls"):
            await page.goto(stage.url + path)
            await settled(page)
            refused = page.get_by_role("button", name=re.compile("^(New|Place|Invite|Connect|Launch|Test)"))
            await expect(refused).to_have_count(0)


async def test_the_script_of_the_first_view_is_small(stage: Stage, hostile: Hostile) -> None:
    """Uncompressed, with all that the overview asks for; the whole of the console is not much more."""
    async with stage.page() as page:
        await sign_in(stage, page, "mallory@example.com")
        await settled(page)
        seen = await page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    names = {name.rpartition("/")[2] for name in seen if name.endswith(".js")}
    sizes = {path.name: path.stat().st_size for path in (BUILT / "assets").glob("*.js")}
    assert 20_000 < sum(sizes[name] for name in names) <= 300_000
    assert sum(sizes.values()) <= 400_000
