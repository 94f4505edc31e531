"""Schemathesis against the API: all checks, stateful, three roles, seeded tenants. See `scripts/fuzz --help`."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.fuzz.platform import ROLES, Stage, staged

CONFIG = Path(__file__).with_name("schemathesis.toml")
STREAMS = "/events$"
"""Routes whose answers have no end."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="the least cases in all (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--roles", nargs="+", choices=ROLES, default=list(ROLES))
    parser.add_argument("--rows", type=int, default=40, help="rows of each noun that are there (default %(default)s)")
    parser.add_argument("--examples", type=int, default=2, help="generated cases for each operation and role")
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    parser.add_argument("--only", help="only operations whose path matches")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return asyncio.run(fuzz(parser.parse_args()))


async def fuzz(wanted: argparse.Namespace) -> int:
    seen: dict[str, Counter[int]] = defaultdict(Counter)
    failed: list[str] = []
    round_number = 0
    with tempfile.TemporaryDirectory(prefix="voiceera-fuzz-") as folder:
        async with staged(wanted.rows) as stage:
            while round_number == 0 or (not failed and _cases(seen) < wanted.cases):
                for role in wanted.roles:
                    report = Path(folder) / f"{role}-{round_number}.ndjson"
                    status = await _run(stage, role, wanted, wanted.seed + round_number, report)
                    for operation, answered in _answers(report):
                        seen[operation][answered] += 1
                    failed += [role] if status else []
                    await stage.leave_maintenance()
                round_number += 1
            documented = await _documented(stage.url)
    return _tell(wanted, seen, documented, failed)


async def _documented(url: str) -> set[str]:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        document = (await client.get("/openapi.json")).json()
    return {f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations}


def _cases(seen: dict[str, Counter[int]]) -> int:
    return sum(statuses.total() for statuses in seen.values())


async def _run(stage: Stage, role: str, wanted: argparse.Namespace, seed: int, report: Path) -> int:
    told = report.with_suffix(".json")
    stage.write(told, role)
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(CONFIG),
        "run",
        f"{stage.url}/openapi.json",
    ]
    command += ["--checks", "all", "--phases", wanted.phases, "--seed", str(seed), "-n", str(wanted.examples)]
    command += ["--exclude-path-regex", STREAMS, "--no-color", "--continue-on-failure", "--request-timeout", "30"]
    command += ["--report", "ndjson", "--report-ndjson-path", str(report), "--suppress-health-check", "all"]
    command += ["--generation-database", "none", "--warnings", "off"]
    command += ["--include-path-regex", wanted.only] if wanted.only else []
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "VOICEERA_FUZZ": str(told)}
    print(f"== {role}, seed {seed}", flush=True)
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    return await process.wait()


def _answers(report: Path) -> Iterator[tuple[str, int]]:
    """(operation, status) of every request that was answered."""
    for line in report.read_text().splitlines():
        yield from _interactions(json.loads(line))


def _interactions(event: Any) -> Iterator[tuple[str, int]]:
    recorder = next((value.get("recorder") for value in event.values() if isinstance(value, dict)), None) or {}
    cases = recorder.get("cases", {})
    for case_id, interaction in recorder.get("interactions", {}).items():
        response, case = interaction.get("response"), cases.get(case_id, {}).get("value", {})
        if response is not None:
            yield f"{case.get('method')} {case.get('path')}", int(response["status_code"])


def _tell(wanted: argparse.Namespace, seen: dict[str, Counter[int]], documented: set[str], failed: list[str]) -> int:
    """Undocumented methods count as cases, and not as operations."""
    known = {operation: statuses for operation, statuses in sorted(seen.items()) if operation in documented}
    only_404 = [operation for operation, statuses in known.items() if set(statuses) == {404}]
    errors = sum(n for statuses in seen.values() for status, n in statuses.items() if status >= 500 and status != 503)
    figures = {
        "cases": _cases(seen),
        "operations": len(known),
        "failed_roles": failed,
        "server_errors": errors,
        "only_404": only_404,
        "statuses": {operation: dict(sorted(statuses.items())) for operation, statuses in known.items()},
    }
    if wanted.json:
        wanted.json.write_text(json.dumps(figures, indent=1))
    print(f"{figures['cases']} cases over {figures['operations']} operations; server errors: {errors}")
    print(f"operations that only ever said 404: {', '.join(only_404) or 'none'}")
    print(f"roles with failures: {', '.join(failed) or 'none'}")
    return int(bool(failed or only_404 or errors))


if __name__ == "__main__":
    sys.exit(main())
