"""The envelope, wrapped once: our error tree and the framework's own errors become one form of answer."""

import json
import math
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from voiceera import clock, errors
from voiceera.api.routing import methods_of
from voiceera.api.shapes import Created, Items, Success, T, iso
from voiceera.errors import FieldProblem, Invalid, VoiceEraError
from voiceera.store.page import Page

STATUS: dict[type[VoiceEraError], int] = {
    errors.Invalid: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooMany: 429,
    errors.Unavailable: 503,
    errors.ProviderError: 502,
    errors.StartupError: 500,
}

_FRAMEWORK = {
    404: ("REQUEST_001", "There is no such route."),
    405: ("REQUEST_002", "The route does not take this method."),
    413: ("REQUEST_003", "The body is too large."),
    415: ("REQUEST_004", "The route does not take this media type."),
}

# What PostgreSQL says of text that it cannot store: NUL, lone surrogates, numbers past its types.
_UNSTORABLE = {"22021", "22P05", "22P02", "22003", "22008", "22007"}
# Classes of what it says when it cannot work: no resources (a full disk), an operator's doing, the system's errors.
_OUT_OF_ORDER = ("53", "57", "58")


def success(data: T) -> Success[T]:
    return Success(data=data)


def created(data: T, message: str = "Resource created successfully") -> Created[T]:
    return Created(data=data, message=message)


def listed(page: Page[T]) -> Success[Items[T]]:
    return Success(
        data=Items(
            items=list(page.items),
            total=page.total,
            skip=page.skip,
            limit=page.limit,
            next_cursor=page.next_cursor,
            total_is_capped=page.total_is_capped,
        )
    )


def refusal(error: VoiceEraError) -> Response:
    """The answer that an error becomes."""
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    fields = error.fields if isinstance(error, Invalid) else ()
    headers = {}
    if isinstance(error, errors.TooMany | errors.Unavailable | errors.StillInFlight):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return answer(status, error.code, error.message, error.details, fields, headers)


def answer(
    status: int,
    code: str,
    message: str,
    details: str | None = None,
    fields: tuple[FieldProblem, ...] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    error: dict[str, object] = {"code": code, "message": message, "details": details}
    if status == 422:
        error["fields"] = [{"field": problem.field, "message": problem.message} for problem in fields]
    body = {"success": False, "error": error, "timestamp": iso(clock.utc_now())}
    content = json.dumps(body, ensure_ascii=False).encode(errors="replace")
    return Response(content, status, headers, media_type="application/json")


def known(error: Exception) -> VoiceEraError | None:
    """An error of the tree for what the database throws; None for a bug."""
    if isinstance(error, VoiceEraError):
        return error
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _UNSTORABLE:
        return Invalid("A value cannot be stored.", details="Text may not hold NUL or unpaired surrogates.")
    if isinstance(error, DBAPIError) and str(getattr(error.orig, "sqlstate", None)).startswith(_OUT_OF_ORDER):
        return errors.Unavailable("The database cannot work at the moment.", retry_after_seconds=30)
    if isinstance(error, PoolTimeout | OperationalError | InterfaceError | OSError):
        return errors.Unavailable("The database cannot be reached.")
    return None


def install(app: FastAPI) -> None:
    """Everything but bugs; those are caught by the outermost middleware, which knows the request id."""
    app.add_exception_handler(VoiceEraError, _on_ours)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_framework)


async def _on_ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, VoiceEraError)
    return refusal(error)


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = tuple(FieldProblem(_path(each["loc"]), str(each["msg"])) for each in error.errors())
    return answer(422, "VALIDATION_001", "The request does not fit.", None, problems)


async def _on_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(methods_of(request.app, request.url.path)))
    if error.status_code == 400:
        return answer(422, "VALIDATION_001", "The request does not fit.", str(error.detail))
    code, message = _FRAMEWORK.get(error.status_code, ("REQUEST_001", HTTPStatus(error.status_code).phrase + "."))
    return answer(error.status_code, code, message, None, headers=headers)


def _path(location: tuple[int | str, ...]) -> str:
    """("body", "flow", "steps", 0) → "flow.steps.0"; the body itself stays "body"."""
    parts = location[1:] if len(location) > 1 and location[0] in ("body", "query", "path", "header") else location
    return ".".join(str(part) for part in parts)
