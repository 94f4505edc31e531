"""Integrations: what a provider's own schema says of one, and trying it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from voiceera.clock import monotonic
from voiceera.errors import FieldProblem, Invalid, ProviderError
from voiceera.providers.outbound import Allowed, TargetRefused
from voiceera.providers.registry import Kind, carrier_factory, names

M = TypeVar("M", bound=BaseModel)

TYPES = {"telephony": Kind.CARRIER}
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
    """`detail`: what the provider said."""

    works: bool
    detail: str
    latency_ms: float


def providers() -> list[Provider]:
    """All that an integration can be made for."""
    return [
        Provider(
            type=type_,
            provider=name,
            settings=carrier_factory(name).Settings.model_json_schema(),
            credentials=carrier_factory(name).Credentials.model_json_schema(),
        )
        for type_, kind in TYPES.items()
        for name in names(kind)
    ]


def checked(
    type_: str, provider: str, config: Mapping[str, Any], credentials: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """(config, credentials) as the provider's schemas take them, defaults filled in. Raises Invalid by field."""
    if type_ not in TYPES:
        known = ", ".join(sorted(TYPES))
        raise Invalid("No such type.", FieldProblem("type", f"no provider of this type yet; there are: {known}"))
    factory = carrier_factory(provider)
    settings, problems = _fits(factory.Settings, config, "config")
    secrets, more = _fits(factory.Credentials, credentials, "credentials")
    if settings is None or secrets is None:
        raise Invalid("The integration does not fit its provider.", *problems, *more)
    return settings.model_dump(mode="json"), _revealed(secrets)


async def test(
    provider: str,
    config: Mapping[str, Any],
    credentials: Mapping[str, str],
    allow: tuple[Allowed, ...],
) -> Tested:
    """One real, harmless request to the provider."""
    factory = carrier_factory(provider)
    carrier = factory(factory.Settings.model_validate(config), factory.Credentials.model_validate(credentials), allow)
    started = monotonic()
    try:
        await carrier.check()
        works, detail = True, "The provider accepted the credentials."
    except ProviderError as error:
        works, detail = False, f"{error.vendor} {error.message}" + (f": {error.details}" if error.details else "")
    except TargetRefused as refused:
        works, detail = False, refused.message
    finally:
        await carrier.close()
    return Tested(works, detail, round((monotonic() - started) * 1000, 1))


def _fits(model: type[M], values: Mapping[str, Any], prefix: str) -> tuple[M | None, list[FieldProblem]]:
    try:
        return model.model_validate(dict(values)), []
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        return None, [FieldProblem(".".join(map(str, (prefix, *each["loc"]))), each["msg"]) for each in found]


def _revealed(secrets: BaseModel) -> dict[str, str]:
    plain = {name: getattr(secrets, name) for name in type(secrets).model_fields}
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in plain.items()
        if value is not None
    }
