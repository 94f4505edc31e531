"""Where an integration's credentials go: an address that changes may take them to somebody else."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def led_elsewhere(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The fields of a config whose address or list of hosts leads to another place than before, sorted."""
    return sorted(name for name in after if _places(name, after[name]) - _places(name, before.get(name)))


def _places(name: str, value: Any) -> frozenset[str]:
    if isinstance(value, str):
        parts = urlsplit(value)
        if parts.scheme in _PORTS and parts.hostname:
            return frozenset({f"{parts.scheme}://{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"})
        return frozenset()
    if name == "hosts" and isinstance(value, list | tuple):
        return frozenset(each.casefold() for each in value if isinstance(each, str))
    return frozenset()
