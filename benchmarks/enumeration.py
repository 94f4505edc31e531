"""Whether time tells who has an account: known and unknown addresses in turn, against the platform as it runs.

    .venv/bin/python -m benchmarks.enumeration --tries 200 --json FILE

Registers one user on a fresh embedded platform, then tries each of login, forgot, register and invite with that
user's address and with unknown ones, in turn, one request at a time. Per route: the median of either in milliseconds,
and the gap between them; beside it the gap between every other try with the same address, which is this machine's
noise. Exit status 1 when a gap is above --most milliseconds. Tries are not throttled here.

--light makes password hashes cheap: on a busy machine their noise hides everything else. That each path works as many
of them is counted in tests/api/test_enumeration.py.

Register answers a taken address with 409 by contract: its text tells, and only its time is measured.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from voiceera.config import Settings
from voiceera.roles.serve import running_platform

_PASSWORD = "correct horse battery"
_NAMES = {"first_name": "A", "last_name": "Person"}
_KNOWN = "known@example.com"
_COLLEAGUE_OF_OTHERS = "stranger@example.com"


async def measure(directory: Path, tries: int, *, light: bool) -> dict[str, dict[str, float]]:
    settings = Settings(
        data_dir=directory,
        api_port=0,
        media_port=0,
        rate_limit_requests=10**9,
        login_tries_per_minute=10**8,
        drain_seconds=0,
    )
    if light:
        settings = settings.model_copy(update={"argon2_memory_kib": 64, "argon2_passes": 1})
    async with (
        running_platform(settings, output=directory / "log") as platform,
        httpx.AsyncClient(base_url=platform.api_url, timeout=60) as client,
    ):
        return await _all(client, tries)


async def _all(client: httpx.AsyncClient, tries: int) -> dict[str, dict[str, float]]:
    for email in (_KNOWN, _COLLEAGUE_OF_OTHERS):
        await client.post("/auth/register", json={"email": email, "password": _PASSWORD, **_NAMES})
    signed_in = await client.post("/auth/login", json={"email": _KNOWN, "password": _PASSWORD})
    bearer = {"Authorization": f"Bearer {signed_in.json()['data']['token']}"}
    routes: dict[str, tuple[str, str, dict[str, Any]]] = {
        "login": ("/auth/login", _KNOWN, {"password": "a wrong guess"}),
        "forgot": ("/auth/forgot-password", _KNOWN, {}),
        "register": ("/auth/register", _KNOWN, {"password": _PASSWORD, **_NAMES}),
        "invite": ("/invitations", _COLLEAGUE_OF_OTHERS, {}),
    }
    found = {}
    for name, (path, known, fields) in routes.items():
        # Who registers has to be new each time; else one stranger stands against one user.
        unknown = "new{}@example.com" if name == "register" else "nobody@example.com"
        found[name] = await _gap(client, path, known, unknown, fields, bearer, tries)
    return found


async def _gap(
    client: httpx.AsyncClient,
    path: str,
    known: str,
    unknown: str,
    fields: dict[str, Any],
    headers: dict[str, str],
    tries: int,
) -> dict[str, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(tries):
        # Which comes first changes each time: what one request leaves to the next falls on both.
        for which in (0, 1) if number % 2 else (1, 0):
            email = unknown.format(number) if which else known
            started = time.perf_counter()
            answer = await client.post(path, json={"email": email, **fields}, headers=headers)
            times[which].append((time.perf_counter() - started) * 1000)
            if answer.status_code >= 500 or answer.status_code == 429:
                raise SystemExit(f"{path} answered {answer.status_code}: {answer.text}")
    medians = [statistics.median(each) for each in times]
    return {
        "known_ms": round(medians[0], 2),
        "unknown_ms": round(medians[1], 2),
        "gap_ms": round(abs(medians[0] - medians[1]), 2),
        "noise_ms": round(abs(statistics.median(times[0][::2]) - statistics.median(times[0][1::2])), 2),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tries", type=int, default=200, help="of each kind and route")
    arguments.add_argument("--most", type=float, default=5.0, help="the widest gap allowed, in milliseconds")
    arguments.add_argument("--light", action="store_true", help="cheap password hashes")
    arguments.add_argument("--json", type=Path, help="a file for the figures")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="voiceera-bench-") as made:
        directory = Path(made)
        directory.chmod(0o711)  # PostgreSQL's own account has to pass through
        found = asyncio.run(measure(directory, given.tries, light=given.light))
    print(f"{'':10}{'known':>10}{'unknown':>10}{'gap':>8}{'noise':>8}   (medians of {given.tries} tries, ms)")
    for name, row in found.items():
        print(f"{name:10}{row['known_ms']:10.2f}{row['unknown_ms']:10.2f}{row['gap_ms']:8.2f}{row['noise_ms']:8.2f}")
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(any(row["gap_ms"] > given.most for row in found.values()))


if __name__ == "__main__":
    main()
