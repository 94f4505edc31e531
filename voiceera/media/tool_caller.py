"""A call's way to endpoints of its organization: secrets are looked up here, and nowhere nearer to a model."""

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
        return await (await self._endpoints(brief, tool)).call(tool, arguments)

    async def ask(self, brief: CallBrief, tool: HttpTool, arguments: dict[str, Scalar]) -> str:
        """All that the endpoint answered. Raises ProviderError and BadArguments."""
        return await (await self._endpoints(brief, tool)).ask(tool, arguments)

    async def _endpoints(self, brief: CallBrief, tool: HttpTool) -> HttpEndpoints:
        if tool.integration is None:
            return self._without_secrets
        found: HttpEndpoints = await self._connections.of(
            brief.organization_id, Kind.TOOL, "http", integration=tool.integration
        )
        return found

    async def close(self) -> None:
        await self._without_secrets.close()
