"""Integrations: what a provider's own schema says of one, and trying it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from voiceera.clock import monotonic
from voiceera.errors import FieldProblem, Invalid, ProviderError
from voiceera.providers.outbound import Allowed, TargetRefused
from voiceera.providers.registry import Kind, load, names

M = TypeVar("M", bound=BaseModel)

TYPES = {
    "telephony": Kind.CARRIER,
    "llm": Kind.LANGUAGE_MODEL,
    "stt": Kind.SPEECH_TO_TEXT,
    "tts": Kind.TEXT_TO_SPEECH,
    "tool": Kind.TOOL,
    "brain": Kind.BRAIN,
}
"""Types whose providers take an integration, so far."""


@dataclass(frozen=True)
class Provider:
    """`settings` and `credentials`: JSON schemas, which draw the form."""

    type: str
    provider: str
    settings: dict[str, Any]
    credentials: dict[str, Any]


@dataclass(frozen=True)
class Tested:
    """`detail`: what the provider said. `answer_url`, `hangup_url`: what to set at a carrier for our numbers."""

    works: bool
    detail: str
    latency_ms: float
    answer_url: str | None = None
    hangup_url: str | None = None


def providers() -> list[Provider]:
    """All that an integration can be made for, here and now."""
    return [
        Provider(
            type=type_,
            provider=name,
            settings=factory.Settings.model_json_schema(),
            credentials=factory.Credentials.model_json_schema(),
        )
        for type_, kind in TYPES.items()
        for name in names(kind)
        if (factory := _installed(kind, name)) is not None and hasattr(factory, "Settings")
    ]


def checked(
    type_: str, provider: str, config: Mapping[str, Any], credentials: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """(config, credentials) as the provider's schemas take them, defaults filled in. Raises Invalid by field."""
    if type_ not in TYPES:
        known = ", ".join(sorted(TYPES))
        raise Invalid("No such type.", FieldProblem("type", f"no provider of this type yet; there are: {known}"))
    factory = _connectable(TYPES[type_], provider)
    if factory is None:
        raise Invalid("Nothing to connect.", FieldProblem("provider", f"{provider} works without an integration"))
    settings, problems = _fits(factory.Settings, config, "config")
    secrets, more = _fits(factory.Credentials, credentials, "credentials")
    if settings is None or secrets is None:
        raise Invalid("The integration does not fit its provider.", *problems, *more)
    return settings.model_dump(mode="json"), _revealed(secrets)


async def test(
    type_: str,
    provider: str,
    config: Mapping[str, Any],
    credentials: Mapping[str, str],
    allow: tuple[Allowed, ...],
    inbound_base: str = "",
) -> Tested:
    """One real, harmless request to the provider. `inbound_base`: where a carrier asks about calls that come in."""
    factory = _connectable(TYPES[type_], provider)
    vendor = factory(factory.Settings.model_validate(config), factory.Credentials.model_validate(credentials), allow)
    started = monotonic()
    try:
        await vendor.check()
        works, detail = True, "The provider accepted the credentials."
    except ProviderError as error:
        works, detail = False, f"{error.vendor} {error.message}" + (f": {error.details}" if error.details else "")
    except TargetRefused as refused:
        works, detail = False, refused.message
    finally:
        await vendor.close()
    urls = (
        {f"{kind}_url": vendor.shared_url(f"{inbound_base}/{kind}") for kind in ("answer", "hangup")}
        if TYPES[type_] is Kind.CARRIER
        else {}
    )
    return Tested(works, detail, round((monotonic() - started) * 1000, 1), **urls)


def _installed(kind: Kind, name: str) -> Any:
    """The provider's class; None where its package is missing."""
    try:
        return load(kind, name)
    except ImportError:
        return None


def _connectable(kind: Kind, name: str) -> Any:
    """The provider's class, if it takes settings and credentials. Raises Invalid for an unknown name, and for one
    whose package is missing."""
    try:
        factory = load(kind, name)
    except ImportError as missing:
        message = f"its package is not installed: pip install 'voiceera[{name}]'"
        raise Invalid(f"{name} is not installed.", FieldProblem("provider", message)) from missing
    return factory if hasattr(factory, "Settings") else None


def _fits(model: type[M], values: Mapping[str, Any], prefix: str) -> tuple[M | None, list[FieldProblem]]:
    try:
        return model.model_validate(dict(values)), []
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        return None, [FieldProblem(".".join(map(str, (prefix, *each["loc"]))), each["msg"]) for each in found]


def _revealed(secrets: BaseModel) -> dict[str, str]:
    plain = {name: getattr(secrets, name) for name in type(secrets).model_fields} | (secrets.__pydantic_extra__ or {})
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in plain.items()
        if value is not None
    }
