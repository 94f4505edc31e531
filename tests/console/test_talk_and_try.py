"""An agent before it rings anybody: called from the console by a spoken microphone, and tried on simulated people."""

import re
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.console.stage import Stage, register, talking_browser
from tests.test_talk_page import spoken

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

CALL_MS = 120_000
"""A spoken call of a few turns, on a busy machine."""
QUESTION = "Hello {{name | there}}. Can you come tomorrow?"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await spoken(tmp_path_factory.mktemp("microphone") / "said.wav")


async def test_an_agent_is_talked_to_and_tried_without_any_carrier(stage: Stage, microphone: Path) -> None:
    async with talking_browser(stage, microphone) as page:
        await register(stage, page, "grace@example.com", "Harbour Clinic")
        await make_an_agent(page)
        await expect(page.get_by_text("It cannot ring anybody yet")).to_be_visible()
        await talk(page)
        await try_it(page)
    assert stage.faults == []


async def make_an_agent(page: Page) -> None:
    """The survey's template, with a question of yes or no."""
    await page.get_by_role("link", name="Agents", exact=True).click()
    await page.get_by_role("link", name="New agent").first.click()
    await page.get_by_role("button", name=re.compile("Ask one question")).click()
    await page.get_by_label("Name", exact=True).fill("Anna")
    await page.get_by_label("Say: the words of greet").fill("Hello.")
    await page.get_by_label("Ask: the words of rating").fill(QUESTION)
    step = page.locator("#step-rating")
    await step.get_by_label("It expects").select_option("yes_no")
    await step.get_by_label("On “yes”").select_option("thanks")
    await step.get_by_label("On “no”").select_option("later")
    await page.get_by_role("button", name="Make agent").click()
    await expect(page.get_by_role("heading", name="Anna")).to_be_visible()


async def talk(page: Page) -> None:
    """What is spoken into the microphone is read, and the agent's sound is heard by the page."""
    await page.get_by_role("button", name="Talk to it").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("name", exact=True).fill("Ada")
    await page.evaluate(
        "window.loudest = 0; window.watching = setInterval(() => { const bar = document.querySelectorAll("
        "'.level .meter > span')[1]; if (bar) loudest = Math.max(loudest, parseFloat(bar.style.width)); }, 30)"
    )
    await dialog.get_by_role("button", name="Call", exact=True).click()
    await expect(dialog.locator(".turn.agent").last).to_contain_text("Ada", timeout=CALL_MS)
    await expect(dialog.locator(".turn.caller").last).to_contain_text(re.compile("be there", re.I), timeout=CALL_MS)
    await expect(dialog.get_by_text("The call is over")).to_contain_text("Answered", timeout=CALL_MS)
    await expect(dialog.get_by_text(re.compile(r"answered in [\d.]+ m?s")).first).to_be_visible()
    assert await page.evaluate("clearInterval(watching), loudest") > 5, "the agent was heard"
    await dialog.get_by_role("button", name="Close").last.click()


async def try_it(page: Page) -> None:
    """One callee that fits, and one that is to come out otherwise than it does."""
    await page.get_by_role("link", name="Try it").click()
    for name in ("Says nothing", "Talks about something else", "Has a voicemail"):
        await page.get_by_label(f"Try it on: {name}").uncheck()
    await page.get_by_role("button", name="Change: No").click()
    await page.get_by_label("Must reach").fill("answered")
    await page.get_by_role("button", name="Try it on 2 people").click()
    await expect(page.get_by_role("heading", name="They are talking")).to_be_visible()
    await expect(page.get_by_role("heading", name="How it went")).to_be_visible(timeout=2 * CALL_MS)
    await expect(page.get_by_text("it was to reach 'answered', and ended as 'no_answer_given'")).to_be_visible()
    await expect(page.get_by_text("1 of 2")).to_be_visible()
    await page.get_by_role("link", name="listen to it").first.click()
    await expect(page.get_by_role("heading", name="Recording and transcript")).to_be_visible()
    await expect(page.locator(".turn.caller").first).to_be_visible()
