"""What calls must survive, at full size, each printed as JSON: scripts/faults drop|garbage|fuzz|drain [count]."""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.faults.drain import drain
from tests.faults.drops import drop
from tests.faults.garbage import attack, fuzz, garbage, serve
from voiceera import log


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, count, help_text in (
        ("drop", 100, "sockets that break at random moments"),
        ("fuzz", 1_000_000, "frames that are nearly right"),
        ("drain", 30, "live calls while the platform is told to stop"),
    ):
        commands.add_parser(name, help=help_text).add_argument("count", type=int, nargs="?", default=count)
    commands.add_parser("garbage", help="attackers beside good calls").add_argument(
        "seconds", type=float, nargs="?", default=15.0
    )
    commands.add_parser("serve").add_argument("calls", type=int)
    attacking = commands.add_parser("attack")
    attacking.add_argument("port", type=int)
    attacking.add_argument("seconds", type=float)
    options = parser.parse_args()
    log.configure("faults", "CRITICAL")
    match options.command:
        case "serve":
            asyncio.run(serve(options.calls))
        case "attack":
            tokens = json.loads(sys.stdin.readline())
            print(json.dumps(asyncio.run(attack(options.port, tokens, options.seconds))), flush=True)
        case "drop":
            with tempfile.TemporaryDirectory() as folder:
                print(json.dumps(asyncio.run(drop(options.count, Path(folder))), indent=2))
        case "fuzz":
            print(json.dumps(fuzz(options.count), indent=2))
        case "drain":
            print(json.dumps(asyncio.run(drain(options.count)), indent=2))
        case "garbage":
            print(json.dumps(asyncio.run(garbage(options.seconds)), indent=2))


if __name__ == "__main__":
    main()
