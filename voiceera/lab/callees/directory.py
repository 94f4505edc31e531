"""Who answers which number: scripts by E.164 number, from YAML files, and a default for everybody else."""

import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from voiceera.errors import Invalid
from voiceera.lab.callees.script import PickUp, Script


@dataclass(frozen=True)
class Callee:
    """A script at a number; `chance` is drawn from the script's seed, the number and the lab's seed."""

    number: str
    script: Script
    chance: random.Random = field(repr=False)

    def pick_up(self, attempt: int) -> PickUp:
        return self.script.pick_up(attempt, self.chance)


class Directory:
    def __init__(
        self, scripts: Mapping[str, Script] | None = None, default: Script | None = None, seed: int = 0
    ) -> None:
        self.scripts = dict(scripts or {})
        self.default = default or Script()
        self._seed = seed
        self._callees: dict[str, Callee] = {}

    def callee(self, number: str) -> Callee:
        """The same person each time a number is called."""
        known = self._callees.get(number)
        if known is None:
            script = self.scripts.get(number, self.default)
            chance = random.Random(f"{self._seed}/{script.seed}/{zlib.crc32(number.encode())}")
            known = self._callees[number] = Callee(number, script, chance)
        return known

    def replace(self, scripts: Mapping[str, Script], default: Script | None = None) -> None:
        self.scripts = dict(scripts)
        self.default = default or Script()
        self._callees.clear()


def parse_directory(document: Any, source: str = "callees") -> tuple[dict[str, Script], Script | None]:
    """{number: script, …, default: script}. Raises Invalid, naming the number and the field."""
    if not isinstance(document, dict):
        raise Invalid(f"{source}: expected a mapping from phone numbers to scripts")
    scripts: dict[str, Script] = {}
    default = None
    for number, body in document.items():
        try:
            script = Script.model_validate(body)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Invalid(f"{source}: {number}: {where}: {first['msg']}") from error
        if number == "default":
            default = script
        else:
            scripts[f"+{str(number).lstrip('+')}"] = script
    return scripts, default


def load_directory(path: Path, seed: int = 0) -> Directory:
    """A YAML file, or a directory of them. Raises Invalid."""
    files = sorted(path.glob("*.y*ml")) if path.is_dir() else [path]
    scripts: dict[str, Script] = {}
    default = None
    for file in files:
        try:
            document = yaml.safe_load(file.read_text())
        except (OSError, yaml.YAMLError) as error:
            raise Invalid(f"{file}: {' '.join(str(error).split())}") from error
        more, its_default = parse_directory(document, str(file))
        scripts |= {number: _beside(file, script) for number, script in more.items()}
        default = _beside(file, its_default) if its_default is not None else default
    return Directory(scripts, default, seed)


def _beside(file: Path, script: Script) -> Script:
    """Its sound files lie where its script does."""
    acts = {
        part: tuple(
            act.model_copy(update={"wav": str(file.parent / act.wav)}) if act.wav else act
            for act in getattr(script, part)
        )
        for part in ("opening", "replies")
    }
    return script.model_copy(update=acts)


def dump_directory(scripts: Mapping[str, Script]) -> str:
    """The YAML that `load_directory` reads back."""
    return yaml.safe_dump(
        {number: script.model_dump(mode="json", exclude_defaults=True) for number, script in scripts.items()},
        sort_keys=False,
        allow_unicode=True,
    )
