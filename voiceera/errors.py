"""Everything that can go wrong in a way a caller can act on.

    VoiceEraError
    ├── Invalid           what was sent does not fit; `fields` says where
    ├── Unauthenticated   who are you?
    ├── Forbidden         we know you, and you may not
    ├── NotFound          no such thing, or not yours
    ├── Conflict          not in the state it is in
    │   └── StillInFlight the same request came before and has no answer yet; `retry_after_seconds`
    ├── TooMany           slow down; `retry_after_seconds`
    ├── Unavailable       a part of the platform is down; `retry_after_seconds`
    ├── ProviderError     an outside party failed; `permanent` says whether trying again can help
    └── StartupError      a role cannot start; the message says what to do

This module knows no HTTP: one table in `voiceera/api/envelope.py` does.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldProblem:
    """One field that does not fit. `field` is a dotted path: "flow.steps.ask.next"."""

    field: str
    message: str


class VoiceEraError(Exception):
    """`code` is the contract's ("AGENT_001"); `message` is for people; `details` adds what helps."""

    def __init__(self, code: str, message: str, details: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


class Invalid(VoiceEraError):
    def __init__(
        self,
        message: str,
        *fields: FieldProblem,
        code: str = "VALIDATION_001",
        details: str | None = None,
    ) -> None:
        super().__init__(code, message, details)
        self.fields = fields


class Unauthenticated(VoiceEraError):
    pass


class Forbidden(VoiceEraError):
    def __init__(self, message: str = "You may not do this.", code: str = "AUTH_004") -> None:
        super().__init__(code, message)


class NotFound(VoiceEraError):
    pass


class Conflict(VoiceEraError):
    pass


class StillInFlight(Conflict):
    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__("IDEMPOTENCY_002", message)
        self.retry_after_seconds = retry_after_seconds


class TooMany(VoiceEraError):
    def __init__(self, message: str, retry_after_seconds: float, code: str = "RATE_001") -> None:
        super().__init__(code, message)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(VoiceEraError):
    def __init__(
        self,
        message: str,
        details: str | None = None,
        *,
        code: str = "SERVER_001",
        retry_after_seconds: float = 5,
    ) -> None:
        super().__init__(code, message, details)
        self.retry_after_seconds = retry_after_seconds


class ProviderError(VoiceEraError):
    def __init__(self, vendor: str, message: str, *, permanent: bool = False, details: str | None = None) -> None:
        super().__init__("PROVIDER_001", message, details)
        self.vendor = vendor
        self.permanent = permanent


class UnknownLanguage(ProviderError):
    """The provider does not know the language, and never will."""

    def __init__(self, vendor: str, message: str) -> None:
        super().__init__(vendor, message, permanent=True)


class OnlyAsSound(ProviderError):
    """The carrier has no command to press keys in a call that streams its sound: tones in that sound press them."""

    def __init__(self, vendor: str) -> None:
        super().__init__(vendor, "plays no keys into a call that it streams", permanent=True)


class StartupError(VoiceEraError):
    def __init__(self, message: str) -> None:
        super().__init__("STARTUP", message)
