"""Every provider there is: what it speaks, what it takes, and whether an organization can use it now."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from voiceera.errors import Invalid, ProviderError
from voiceera.providers.registry import Kind, load, names
from voiceera.services.integrations import TYPES
from voiceera.store import integrations
from voiceera.store.base import Connection


@dataclass(frozen=True)
class Listed:
    """`languages` and `voices`: None where the vendor's model or account decides. `settings` and `credentials`: the
    JSON schemas of its integration; None for one that needs none."""

    type: str
    name: str
    languages: tuple[str, ...] | None
    voices: tuple[str, ...] | None
    settings: dict[str, Any] | None
    credentials: dict[str, Any] | None
    is_installed: bool
    is_configured: bool


async def providers(
    connection: Connection, organization_id: UUID, models_dir: Path, type_: str | None = None
) -> list[Listed]:
    """All of them, or those of one type; the type "telephony" is the carriers'."""
    found = []
    for name_of_type, kind in TYPES.items():
        if type_ not in (None, name_of_type):
            continue
        connected = {row.provider for row in await integrations.of_type(connection, organization_id, name_of_type)}
        found += [_listed(name_of_type, kind, name, connected, models_dir) for name in names(kind)]
    return found


def languages_of(kind: Kind, name: str) -> tuple[str, ...] | None:
    """Which languages it is known to speak (ISO 639), if it says so."""
    try:
        languages: tuple[str, ...] | None = getattr(load(kind, name), "LANGUAGES", None)
    except (Invalid, ImportError):
        return None
    return languages


def without_model(kind: Kind, name: str, models_dir: Path) -> str | None:
    """Why "vendor" or "vendor/model" cannot be used, for a vendor whose models the operator brings."""
    vendor, _, model = name.partition("/")
    try:
        factory = load(kind, vendor)
        factory.find(models_dir / vendor, model)
    except ImportError:
        return f"{vendor} is not installed: pip install 'voiceera[{vendor}]'"
    except ProviderError as error:
        return error.message
    return None


def _listed(type_: str, kind: Kind, name: str, connected: set[str], models_dir: Path) -> Listed:
    try:
        factory = load(kind, name)
    except ImportError:
        return Listed(type_, name, None, None, None, None, is_installed=False, is_configured=False)
    takes_integration, from_folder = hasattr(factory, "Settings"), getattr(factory, "FROM_FOLDER", False)
    voices = getattr(factory, "VOICES", None)
    if from_folder:
        models = factory.models_in(models_dir / name)
        voices, is_there = models if kind is Kind.TEXT_TO_SPEECH else voices, bool(models)
    else:
        is_there = not takes_integration or name in connected
    return Listed(
        type=type_,
        name=name,
        languages=getattr(factory, "LANGUAGES", None),
        voices=voices,
        settings=factory.Settings.model_json_schema() if takes_integration else None,
        credentials=factory.Credentials.model_json_schema() if takes_integration else None,
        is_installed=True,
        is_configured=is_there,
    )
