"""The lab as a program: it shares with the platform the machine and nothing else."""

import asyncio
import importlib
from typing import Any

from voiceera.roles.role import Ready, run_until_signal


def run(options: Any, log_level: str, ready: Ready) -> int:
    """Run the network until a signal ends it; the exit status. Raises StartupError."""

    async def work(stop: asyncio.Event) -> None:
        await importlib.import_module("voiceera.lab.main").run_lab(options, stop, ready)

    return run_until_signal("lab", log_level, work)
