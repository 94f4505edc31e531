"""What an operator does on the first day, by clicking: nothing is asked of the API beside the console."""

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.api.conftest import PASSWORD
from tests.console.stage import Stage, register, settled

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

CALLER_ID = "+12025550100"
TALK_MS = 90_000
"""A spoken call of a few turns, on a busy machine."""


async def test_from_the_first_page_to_a_report(stage: Stage, tmp_path: Path) -> None:
    async with stage.page() as page:
        await register(stage, page, "ada@example.com", "Riverside Dental")
        await connect_a_carrier(stage, page)
        await make_an_agent(page)
        await ring(stage, page)
        call = page.url
        await run_a_campaign(stage, page, tmp_path)
        await read_and_hear(page, call)
        await find_it_again(page)
        await report(page, tmp_path)
        await sign_out_and_in(stage, page)
        await page.context.storage_state(path=tmp_path / "state.json")
    assert stage.faults == []


async def connect_a_carrier(stage: Stage, page: Page) -> None:
    await page.get_by_role("link", name="Connect", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Provider").select_option("telephony:plivo")
    await dialog.get_by_label("Auth ID").fill(stage.lab.auth_id)
    await dialog.get_by_label("Auth token").fill(stage.lab.auth_token)
    await dialog.get_by_label("Caller ids").fill(CALLER_ID)
    await dialog.get_by_label("Countries that may be called").fill("us")
    await dialog.get_by_label("API address").fill(stage.lab.base_url)
    await dialog.get_by_role("button", name="Connect").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("config.allowed_countries")  # the API's own words
    await dialog.get_by_label("Countries that may be called").fill("US")
    await dialog.get_by_role("button", name="Connect").click()
    await page.get_by_role("button", name="Test").click()
    await expect(page.get_by_text("It answered")).to_be_visible()
    assert stage.lab.auth_token not in await page.content()


async def make_an_agent(page: Page) -> None:
    await page.get_by_role("link", name="Overview").click()
    await page.get_by_role("link", name="Make an agent").click()
    await page.get_by_role("button", name=re.compile("Confirm an appointment")).click()
    await page.get_by_label("Say: the words of greet").fill("")
    await expect(page.get_by_text("There is nothing to say.")).to_be_visible()
    await page.get_by_label("Say: the words of greet").fill("Hello {{name | there}}, this is Riverside Dental.")
    await expect(page.get_by_text("There is nothing to say.")).to_have_count(0)
    await page.get_by_role("button", name="Make agent").click()
    await expect(page.get_by_role("heading", name="Appointments")).to_be_visible()
    await page.get_by_label("Description").fill("Asks whether it stands.")
    await page.get_by_role("button", name="Save version 2").click()
    await page.get_by_role("link", name="Versions").click()
    await expect(page.locator("table.diff ins")).to_have_text("Asks whether it stands.")


async def ring(stage: Stage, page: Page) -> None:
    """The person at the other end is the lab's, and really speaks."""
    person = stage.people[0]
    await page.get_by_role("button", name="Place a test call").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Phone number").fill(person.number)
    for label, text in (("name", person.name), ("day", person.day)):
        await dialog.get_by_label(label, exact=True).fill(text)
    await dialog.get_by_role("button", name="Ring now").click()
    await expect(page.locator(".said .turn.agent").first).to_contain_text("Hello", timeout=TALK_MS)


async def run_a_campaign(stage: Stage, page: Page, folder: Path) -> None:
    busy = stage.people[1]
    people = folder / "people.csv"
    people.write_text(f"Mobile,Who,day,time\n{busy.number},{busy.name},Monday,nine\n12,Nobody,Monday,ten\n")
    await page.get_by_role("link", name="Campaigns").click()
    await page.get_by_role("link", name="New campaign").first.click()
    await page.get_by_label("Name", exact=True).fill("June appointments")
    await expect(page.get_by_label("Agent", exact=True)).not_to_have_value("")
    await page.get_by_label("Kind").select_option("transactional")  # the law leaves its hours to us
    for day in ("Saturday", "Sunday"):
        await page.get_by_label(day, exact=True).check()
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"):
        await page.get_by_label(f"{day} from").fill("00:00")
        await page.get_by_label(f"{day} until").fill("23:59")
    for field in await page.get_by_placeholder("not again").all():
        await field.fill("")
    await page.get_by_role("button", name="Make campaign").click()
    await page.get_by_role("button", name="Upload a file").click()
    await page.locator("input[type=file]").set_input_files(people)
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("cell", name="is not a phone number")).to_be_visible()
    await dialog.get_by_label("Name", exact=True).select_option("Who")
    await dialog.get_by_role("button", name="Add 1 person").click()
    await expect(page.get_by_role("link", name=re.compile(busy.name))).to_be_visible()
    await page.get_by_role("button", name="Launch").click()
    await expect(dialog.get_by_text("Rung at once")).to_be_visible()
    await dialog.get_by_role("button", name="Launch").click()
    await expect(page.locator("main h1")).to_contain_text(re.compile("Active|Completed"))


async def read_and_hear(page: Page, call: str) -> None:
    await page.goto(call)
    await expect(page.get_by_role("heading", name="Recording and transcript")).to_be_visible(timeout=TALK_MS)
    await expect(page.locator("main h1")).to_contain_text("Completed")
    await expect(page.get_by_role("heading", name="What each answer took")).to_be_visible()
    slider = page.get_by_role("slider", name="Place in the recording")
    await page.get_by_role("button", name=re.compile("Play from")).last.click()
    await expect(slider).not_to_have_attribute("aria-valuenow", "0")
    await expect(page.locator(".turn.current")).to_have_count(1)
    assert await page.evaluate(
        "() => { const c = document.querySelector('.wave canvas'); const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; return d.some((v) => v > 0); }"
    ), "the waveform is drawn"
    await page.get_by_label("Notes").fill("Prefers the morning, zebra.")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Notes saved")).to_be_visible()


async def find_it_again(page: Page) -> None:
    await page.get_by_role("link", name="Calls", exact=True).first.click()
    await expect(page.locator(".vrow")).to_have_count(2)
    await page.get_by_label("Words that were said, or notes").fill("zebra")
    await expect(page.locator(".vrow")).to_have_count(1)
    assert "search=zebra" in page.url
    await page.reload()
    await expect(page.locator(".vrow")).to_have_count(1)
    await page.get_by_label("Any status").select_option("busy")
    await expect(page.get_by_text("No call fits these filters")).to_be_visible()
    await page.get_by_role("button", name="Clear the filters").click()
    await expect(page.locator(".vrow")).to_have_count(2)


async def report(page: Page, folder: Path) -> None:
    await page.get_by_role("link", name="Analytics").click()
    await settled(page)
    await expect(page.get_by_role("img", name=re.compile("Calls a day; 2 calls"))).to_be_visible()
    async with page.expect_download() as downloading:
        await page.get_by_label("Export a report as CSV").select_option("agent-performance")
    path = folder / "report.csv"
    await (await downloading.value).save_as(path)
    assert "Appointments" in path.read_text()


async def sign_out_and_in(stage: Stage, page: Page) -> None:
    """An access token that has run out is renewed in silence; a session that has ended says so."""
    await page.evaluate(
        "() => { const s = JSON.parse(localStorage['voiceera.session']); s.expires_at = 0;"
        " localStorage['voiceera.session'] = JSON.stringify(s); }"
    )
    before = json.loads(await page.evaluate("localStorage['voiceera.session']"))["refresh_token"]
    await page.reload()
    await settled(page)
    after = json.loads(await page.evaluate("localStorage['voiceera.session']"))
    assert after["refresh_token"] != before
    await page.evaluate(
        "(s) => { localStorage['voiceera.session'] = s; }",
        json.dumps({**after, "token": "gone", "refresh_token": "gone"}),
    )
    await page.reload()
    await expect(page.get_by_text("Your session has ended")).to_be_visible()
    await page.get_by_label("E-mail").fill("ada@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await settled(page)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert await page.evaluate("localStorage['voiceera.session']") is None
