"""Calling a tool's declared endpoint: typed arguments in, a short text out, secrets only in its headers."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from voiceera.errors import ProviderError
from voiceera.providers.outbound import Allowed, TargetRefused, outbound_client
from voiceera.rules.tools import HttpTool, Scalar, filled_url, picked

VENDOR = "tool"
_LARGEST = 100_000
Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:\[\]-]{1,253}$", to_lower=True)]
_SECRET = re.compile(r"\{\{\s*secret\.([A-Za-z0-9_]+)\s*\}\}")


class ToolSettings(BaseModel):
    """Whoever may write an agent may name an address in it: the secrets go to these hosts and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hosts: tuple[Host, ...] = Field(
        min_length=1,
        max_length=50,
        title="Hosts",
        description="Where the secrets may be sent, like shop.example.com.",
    )


class ToolCredentials(BaseModel):
    """Whatever the endpoint wants, by names of your own: `{{secret.token}}` in a tool's header takes `token`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    __pydantic_extra__: dict[str, SecretStr]


class HttpEndpoints:
    """The endpoints that one integration's secrets are for; without secrets, all that need none."""

    Settings: ClassVar[type[ToolSettings]] = ToolSettings
    Credentials: ClassVar[type[ToolCredentials]] = ToolCredentials

    def __init__(
        self, settings: ToolSettings | None, credentials: ToolCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        """`settings` None: nobody's, without secrets."""
        self._hosts = settings.hosts if settings is not None else ()
        extra: Mapping[str, SecretStr] = credentials.__pydantic_extra__ or {}
        self._secrets = {name: secret.get_secret_value() for name, secret in extra.items()}
        self._client = outbound_client(allow, timeout=10.0, total_seconds=12, maximum_bytes=_LARGEST)

    async def call(self, tool: HttpTool, arguments: Mapping[str, Scalar]) -> str:
        """What the endpoint answered, or the part of it that `tool.result` names. Raises as `ask`."""
        return picked(await self.ask(tool, arguments), tool.result)

    async def ask(self, tool: HttpTool, arguments: Mapping[str, Scalar]) -> str:
        """All that the endpoint answered. Raises ProviderError, and BadArguments for an argument that cannot stand in
        the path."""
        url, rest = filled_url(tool, arguments)
        host = (urlsplit(url).hostname or "").lower()
        headers = {name: self._filled(value, host) for name, value in tool.headers.items()}
        sent = {"params": rest or None} if tool.method == "GET" else {"json": rest}
        try:
            response = await self._client.request(tool.method, url, headers=headers, timeout=tool.timeout, **sent)
        except TargetRefused as refused:
            raise ProviderError(VENDOR, refused.message, permanent=True) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderError(VENDOR, f"no answer: {type(error).__name__}") from None
        if not response.is_success:
            raise ProviderError(VENDOR, f"it answered {response.status_code}", permanent=response.status_code < 500)
        return response.text

    def _filled(self, header: str, host: str) -> str:
        def secret(place: re.Match[str]) -> str:
            if host not in self._hosts:
                raise ProviderError(VENDOR, "its integration's secrets may not go to this host", permanent=True)
            if place[1] not in self._secrets:
                raise ProviderError(VENDOR, "its integration has no such secret", permanent=True)
            return self._secrets[place[1]]

        return _SECRET.sub(secret, header)

    async def check(self) -> None:
        """There is nothing to ask: what the secrets are for stands in the tools."""

    async def close(self) -> None:
        await self._client.aclose()
