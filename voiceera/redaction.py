"""What may be written down of values and exceptions: secrets, speech and personal data are cut out first.

Fields are cut by their names, at any depth; strings lose whatever looks like a secret, an address or a number. An
exception is told by its kind and the lines of code it passed: most messages quote the value that was wrong.
"""

import math
import re
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from voiceera.errors import VoiceEraError

CUT = "[redacted]"
PRIVATE_FIELDS = frozenset(
    {"text", "transcript", "prompt", "said", "heard", "greeting", "greeting_message", "system_prompt", "digits"}
    | {"variables", "notes", "summary", "extracted", "segments"}
    | {"phone", "phone_number", "phone_numbers", "to", "from", "number", "caller_id", "caller_ids", "email"}
    | {"name", "first_name", "last_name", "contact_name", "password", "new_password", "current_password", "token"}
    | {"refresh_token", "secret", "authorization", "credentials", "auth_token", "auth_id", "api_key", "cookie"}
    | {"key", "signature", "body", "payload", "headers", "dsn"}
)
LONGEST_TEXT = 2_000
_MOST_PARTS = 50
_DEEPEST = 5
_MOST_FRAMES = 25

_MEDIA_TOKEN = re.compile(r"/media/\S+")
_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(?<=[?&])([\w-]+)=[^&\s\"']+")
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_PHONES = re.compile(
    r"\+\d(?:[ ().-]{0,2}\d){5,14}"
    r"|(?<![\w.:-])\d{10,15}(?![\w:-])"
    r"|(?<![\w.-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])"
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_OPAQUE = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+\S+")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

# Kinds whose message speaks of code, and quotes no value.
_TELLING = (AttributeError, ImportError, IndexError, NameError, RecursionError, TypeError, ZeroDivisionError)


def cleaned(value: Any, field: str = "", depth: int = 0) -> Any:
    """`value`, named `field`, as it may be written down: JSON's types, bounded, nothing private. Never raises."""
    if field.lower() in PRIVATE_FIELDS:
        return CUT
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return cleaned_text(value, opaque=not field.endswith("_id"))
    if isinstance(value, bytes | bytearray | memoryview):
        return "[bytes]"
    if depth >= _DEEPEST:
        return "[…]"
    if isinstance(value, Mapping):
        parts = list(value.items())[:_MOST_PARTS]
        return {cleaned_text(str(key)): cleaned(part, str(key), depth + 1) for key, part in parts}
    if isinstance(value, list | tuple | set | frozenset):
        return [cleaned(part, field, depth + 1) for part in list(value)[:_MOST_PARTS]]
    if isinstance(value, BaseException):
        return described(value)
    try:
        return cleaned_text(str(value), opaque=not field.endswith("_id"))
    except Exception:  # whatever an object's own __str__ does, a log line goes on
        return f"[{type(value).__name__}]"


def cleaned_text(text: str, *, opaque: bool = True) -> str:
    """A string without media tokens, passwords in URLs, query values, e-mail addresses, phone numbers and (`opaque`)
    long words of letters and digits that are no ids."""
    text = _UNSTORABLE.sub("�", text[: 4 * LONGEST_TEXT])
    text = _MEDIA_TOKEN.sub("/media/[token]", text)
    text = _IN_URL.sub("[credentials]@", text)
    text = _QUERY.sub(r"\1=[value]", text)
    text = _BEARER.sub(r"\1 [token]", text)
    text = _EMAIL.sub("[email]", text)
    if opaque:
        text = _OPAQUE.sub(lambda found: found[0] if _UUID.fullmatch(found[0]) else "[secret]", text)
    text = _PHONES.sub("[number]", text)
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"


def described(error: BaseException) -> str:
    """An exception, its causes and its parts: kinds, places in the code, and what is harmless of their messages."""
    return "\n".join(_lines(error, 0))


def _lines(error: BaseException, depth: int) -> Iterator[str]:
    yield "  " * depth + _kind(error)
    for frame in traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]:
        place = "/".join(frame.filename.split("/")[-3:])
        yield "  " * depth + f"  at {place}:{frame.lineno} in {frame.name}"
    if depth >= _DEEPEST:
        return
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions[:_MOST_PARTS]:
            yield from _lines(part, depth + 1)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield "  " * depth + "from"
        yield from _lines(cause, depth + 1)


def _kind(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    told = _harmless(error)
    return f"{name}: {told}" if told else name


def _harmless(error: BaseException) -> str:
    """What names the fault without quoting a value: codes, names of columns and constraints, messages about code."""
    if isinstance(error, VoiceEraError):
        return f"{error.code} {cleaned_text(error.message)}"
    if isinstance(error, _TELLING):
        return cleaned_text(str(error))
    if isinstance(error, OSError):
        return cleaned_text(error.strerror or "")
    names = ("sqlstate", "schema_name", "table_name", "column_name", "constraint_name")
    parts = [f"{name} {value}" for name in names if isinstance(value := getattr(error, name, None), str)]
    return ", ".join(parts)
