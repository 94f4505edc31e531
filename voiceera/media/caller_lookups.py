"""Who rings in is looked up at the organization's own server; whatever goes wrong there, the call begins without."""

import asyncio
from dataclasses import replace

from voiceera.errors import ProviderError
from voiceera.log import get_logger
from voiceera.media.tool_caller import ToolCaller
from voiceera.rules.caller_lookup import OURS, NotVariables, variables_in
from voiceera.rules.calls import CallBrief, Direction
from voiceera.rules.tools import BadArguments, Scalar
from voiceera.services.browser_calls import note_metadata
from voiceera.store.base import Database

log = get_logger("caller_lookup")


class CallerLookups:
    def __init__(self, database: Database, callers: ToolCaller) -> None:
        self._database = database
        self._callers = callers

    async def known(self, brief: CallBrief) -> CallBrief:
        """The brief with what the server answered among its variables; they stand in the call's row, too."""
        lookup = brief.agent.caller_lookup
        if lookup is None or brief.direction is not Direction.INBOUND:
            return brief
        try:
            async with asyncio.timeout(lookup.timeout):
                answer = await self._callers.ask(brief, lookup.request(), _told_of(brief))
            found = variables_in(answer, lookup.result)
        except ProviderError as error:
            return _without(brief, error.message)
        except TimeoutError:
            return _without(brief, f"no answer within {lookup.timeout} s")
        except (BadArguments, NotVariables) as error:
            return _without(brief, str(error))
        try:
            await note_metadata(self._database, brief, found)
        except Exception:  # the call goes on
            log.exception("variables_not_kept", call_id=str(brief.call_id))
        return replace(brief, variables={**brief.variables, **found})


def _told_of(brief: CallBrief) -> dict[str, Scalar]:
    numbers: dict[str, Scalar] = {name: brief.variables.get(name, "") for name in OURS}
    return numbers | {"call_id": str(brief.call_id)}


def _without(brief: CallBrief, reason: str) -> CallBrief:
    log.warning("lookup_failed", call_id=str(brief.call_id), reason=reason)
    return brief
