"""The engine's way to a tool's endpoint: secrets are looked up here, and nowhere nearer to a model."""

from voiceera.providers.http_tool import HttpEndpoints, ToolCredentials
from voiceera.providers.outbound import Allowed
from voiceera.providers.registry import Kind
from voiceera.rules.calls import CallBrief
from voiceera.rules.tools import HttpTool, Scalar
from voiceera.services.connections import Connections


class ToolCaller:
    """Implements the engine's `HttpCaller`."""

    def __init__(self, connections: Connections, allow: tuple[Allowed, ...]) -> None:
        self._connections = connections
        self._without_secrets = HttpEndpoints(None, ToolCredentials(), allow)

    async def call(self, brief: CallBrief, tool: HttpTool, arguments: dict[str, Scalar]) -> str:
        endpoints: HttpEndpoints = self._without_secrets
        if tool.integration is not None:
            organization = brief.organization_id
            endpoints = await self._connections.of(organization, Kind.TOOL, "http", integration=tool.integration)
        return await endpoints.call(tool, arguments)

    async def close(self) -> None:
        await self._without_secrets.close()
