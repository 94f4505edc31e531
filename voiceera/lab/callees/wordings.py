"""The shipped wordings and cues, read once."""

import random
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

from voiceera.lab.callees.script import IN_DOMAIN


@cache
def wordings() -> Mapping[str, tuple[str, ...]]:
    """Intent → ways to say it."""
    return _read("wordings.yaml")


@cache
def common_cues() -> Mapping[str, tuple[str, ...]]:
    """Cue → examples of what an agent says."""
    return _read("cues.yaml")


def word_it(intent: str, chance: random.Random, used: tuple[str, ...] = ()) -> str:
    """One way to say it, not among `used` while there are others."""
    ways = wordings()[intent]
    return chance.choice([way for way in ways if way not in used] or ways)


def another_intent(intent: str, chance: random.Random) -> str:
    """Something else of the domain: what `--scramble` plays instead."""
    return chance.choice(sorted(IN_DOMAIN - {intent, "opt_out"}))


def _read(name: str) -> dict[str, tuple[str, ...]]:
    document = yaml.safe_load(files(__package__).joinpath(name).read_text())
    return {key: tuple(values) for key, values in document.items()}
