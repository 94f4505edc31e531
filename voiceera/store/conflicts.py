"""Unique indexes that people run into, told in their words."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from voiceera.errors import Conflict


@contextmanager
def conflict_on(index: str, code: str, message: str) -> Iterator[None]:
    """Turn a violation of this unique index into a Conflict; the transaction is then over."""
    try:
        yield
    except IntegrityError as error:
        if index not in str(error.orig):
            raise
        raise Conflict(code, message) from None
