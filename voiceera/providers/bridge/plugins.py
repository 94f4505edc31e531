"""What all bridged vendors share: the packages, the way out, and what their failures are called here."""

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

import aiohttp

from voiceera.errors import ProviderError
from voiceera.providers.outbound import Allowed, TargetRefused, guarded_session
from voiceera.providers.vendor_http import PERMANENT

S = TypeVar("S")
C = TypeVar("C")

CONNECT_SECONDS = 5.0

# Their records quote what was said.
logging.getLogger("livekit").setLevel(logging.CRITICAL + 1)

agents: Any = importlib.import_module("livekit.agents")
"""Raises ImportError where no extra is installed: whoever loads a bridged provider is told so."""
rtc: Any = importlib.import_module("livekit.rtc")

ONE_TRY: Any = agents.APIConnectOptions(max_retry=0, timeout=CONNECT_SECONDS)
"""Whether another try is worth it is the conversation's to say."""


def plugin(name: str) -> Any:
    """`livekit.plugins.<name>`. They register with the thread that they are imported in first: the main one."""
    return importlib.import_module(f"livekit.plugins.{name}")


class WayOut:
    """The session that plugins ask through: no inside address but those of `allow`. Opened at its first use, since it
    belongs to the loop."""

    def __init__(self, allow: tuple[Allowed, ...]) -> None:
        self._allow = allow
        self._opened: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            self._opened = guarded_session(self._allow)
        return self._opened

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()


class Bridged(Generic[S, C]):
    """Base of every bridged provider: one account, and what a plugin made for it, by what was asked for.

    `vendor` names it in errors; `make` builds the plugin's object."""

    vendor: str

    def __init__(self, settings: S, credentials: C, allow: tuple[Allowed, ...] = ()) -> None:
        self._settings = settings
        self._credentials = credentials
        self._way_out = WayOut(allow)
        self._made: dict[Any, Any] = {}

    def make(self, asked: Any) -> Any:
        raise NotImplementedError

    def _made_for(self, asked: Any) -> Any:
        if (made := self._made.get(asked)) is None:
            made = self._made[asked] = self.make(asked)
        return made

    async def close(self) -> None:
        for made in self._made.values():
            with suppress(Exception):
                await made.aclose()
        await self._way_out.close()


@contextmanager
def failures(vendor: str) -> Iterator[None]:
    """What a plugin raises becomes a ProviderError. What vendors say may quote speech: their status is told."""
    try:
        yield
    except ProviderError:
        raise
    except TargetRefused as refused:
        raise ProviderError(vendor, refused.message, permanent=True) from None
    except agents.APIStatusError as error:
        permanent = error.status_code in PERMANENT
        raise ProviderError(vendor, f"the vendor answered {error.status_code}", permanent=permanent) from None
    except agents.APITimeoutError:
        raise ProviderError(vendor, "the vendor did not answer in time") from None
    except agents.APIConnectionError as error:
        if isinstance(error.__cause__, TargetRefused):
            raise ProviderError(vendor, error.__cause__.message, permanent=True) from None
        raise ProviderError(vendor, "the vendor cannot be reached, or broke off") from None
    except agents.APIError:
        raise ProviderError(vendor, "the vendor failed") from None
    except Exception as error:
        raise ProviderError(vendor, f"its plugin failed: {type(error).__name__}") from None
