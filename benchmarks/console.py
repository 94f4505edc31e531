"""How soon an operator sees something: the console's first view in a real browser, over a platform of its own.

    .venv/bin/python -m benchmarks.console [--rounds 10] [--json FILE]

Needs Chromium. A view is there when its heading is and nothing is waited for; from the navigation's start, in ms.

  sign_in_ms          the sign-in page, nothing cached
  first_view_ms       the overview of somebody signed in, nothing cached (p50; …_max)
  next_view_ms        the same with what the browser has kept
  script_kb           uncompressed, of the first view; transferred_kb: all that came over the line for it
"""

import argparse
import asyncio
import json
import statistics
from pathlib import Path
from typing import Any

from tests.console.stage import Stage, register, staged

_SETTLED = """
window.settledAt = 0;
const look = () => {
  const isThere = document.querySelector("main h1") && !document.querySelector(".bones");
  if (isThere) window.settledAt = performance.now(); else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
_FACTS = """() => {
  const all = performance.getEntriesByType("resource");
  const page = performance.getEntriesByType("navigation")[0];
  const scripts = all.filter(({ name }) => name.endsWith(".js"));
  const sum = (list, field) => list.reduce((total, each) => total + each[field], 0);
  return { at: settledAt, script: sum(scripts, "decodedBodySize"), transferred: sum([...all, page], "transferSize") };
}"""


async def view(stage: Stage, state: Any, path: str, *, again: bool = False) -> dict[str, float]:
    """One view in a new profile; `again`: after it was looked at once."""
    async with stage.page(signed_in=state) as page:
        await page.add_init_script(_SETTLED)
        for _ in range(1 + again):
            await page.goto(f"{stage.url}{path}")
            while not await page.evaluate("window.settledAt"):  # noqa: ASYNC110 — the policy forbids a watcher's script
                await asyncio.sleep(0.02)
        facts: dict[str, float] = await page.evaluate(_FACTS)
        return facts


async def measure(rounds: int) -> dict[str, float]:
    async with staged(()) as stage:
        async with stage.page() as page:
            await register(stage, page, "ada@example.com", "Riverside Dental")
            state = await page.context.storage_state()
        first = [await view(stage, state, "") for _ in range(rounds)]
        again = [await view(stage, state, "", again=True) for _ in range(rounds)]
        entry = [await view(stage, None, "/login") for _ in range(rounds)]
    return {
        "sign_in_ms": round(statistics.median(each["at"] for each in entry), 1),
        "first_view_ms": round(statistics.median(each["at"] for each in first), 1),
        "first_view_ms_max": round(max(each["at"] for each in first), 1),
        "next_view_ms": round(statistics.median(each["at"] for each in again), 1),
        "script_kb": round(first[0]["script"] / 1000, 1),
        "transferred_kb": round(first[0]["transferred"] / 1000, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="How soon the console shows something.")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = asyncio.run(measure(options.rounds))
    for name, value in figures.items():
        print(f"{name:20} {value}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
