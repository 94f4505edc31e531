"""Structured logs: one JSON object a line, or aligned text on a terminal, redacted before anything is written.

All lines go to standard error. Warnings and errors also go into a spool, from which the process writes them to the
database (`voiceera/services/system_logs.py`).
"""

import logging
import sys
import threading
from collections import deque
from collections.abc import MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

import structlog

from voiceera.redaction import cleaned, described

Line = dict[str, Any]

_KEPT = ("timestamp", "level", "event", "role", "component")
"""Written by ourselves: names, never values."""
_SPOOLED = frozenset({"warning", "error", "critical"})


class Spool:
    """Lines on their way to the database: bounded, from any thread; never waits, never raises. What does not fit is
    counted and lost here (standard error has it)."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._lines: deque[Line] = deque()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._lines)

    def put(self, line: Line) -> None:
        if len(self._lines) >= self._most:
            self.dropped += 1
        else:
            self._lines.append(line)

    def take(self, most: int) -> list[Line]:
        """The oldest lines."""
        taken: list[Line] = []
        with suppress(IndexError):
            while len(taken) < most:
                taken.append(self._lines.popleft())
        return taken

    def put_back(self, lines: list[Line]) -> None:
        """Lines that could not be written: they come first again."""
        self._lines.extendleft(reversed(lines))


def configure(role: str, level: str = "INFO", *, as_json: bool | None = None, spool: Spool | None = None) -> None:
    """Send this process's logs to standard error, each line naming its `role`; warnings and errors into `spool` too.

    What libraries log takes the same way.
    """
    if as_json is None:
        as_json = not sys.stderr.isatty()

    def spooled(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if spool is not None and event["level"] in _SPOOLED:
            spool.put(dict(event))
        return event

    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
        spooled,
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: _Printer(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(role=role)
    logging.basicConfig(level=logging.WARNING, handlers=[_Through()], force=True)


def get_logger(component: str) -> Any:
    """A logger whose lines carry `component`; `log.info("call_ended", call_id=…, cause=…)`."""
    # Not `.bind`: that would take today's configuration for good, and modules make their loggers when imported.
    return structlog.get_logger(component=component)


def request_id() -> str | None:
    """The id of the request that is being answered, if one is."""
    bound = structlog.contextvars.get_contextvars().get("request_id")
    return None if bound is None else str(bound)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The exception told by its kinds and places; everything but our own words cleaned."""
    error = _exception(event.pop("exc_info", None))
    for key, value in list(event.items()):
        if value is None:
            del event[key]
        elif key not in _KEPT:
            event[key] = cleaned(value, key)
    if error is not None:
        event["exception"] = described(error)
    return event


def _exception(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


class _Printer:
    """Writes lines; a standard error that is gone stops nobody."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = exception = msg


class _Through(logging.Handler):
    """What libraries log, as lines of ours: redacted, and into the spool."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        method = "error" if record.levelno >= logging.ERROR else "warning"
        getattr(get_logger(record.name), method)("library", message=message, exc_info=record.exc_info)


def take_in_uncaught() -> None:
    """Exceptions that nobody caught become lines too: Python's own traceback would quote what it choked on."""
    log = get_logger("uncaught")

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("uncaught", exc_info=error)

    def in_thread(told: threading.ExceptHookArgs) -> None:
        log.error("uncaught_in_thread", exc_info=told.exc_value)

    sys.excepthook = hook
    threading.excepthook = in_thread
