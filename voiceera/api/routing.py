"""Routes that take only what they declare: media type, query parameters, a policy."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Message

from voiceera.api import idempotency, strict_json
from voiceera.config import Settings
from voiceera.errors import FieldProblem, Invalid, StartupError, Unauthenticated
from voiceera.rules.permissions import Access

_MOST_FILES, _MOST_FIELDS, _LONGEST_FIELD = 4, 200, 64_000
"""Of a form; its files are on disk, its fields in memory."""
_KEY_PREFIX = "vk_"
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")

_POLICIES: dict[Any, Access] = {}


def declare(dependency: Any, access: Access) -> None:
    """Say that a route which depends on this asks for `access`."""
    _POLICIES[dependency] = access


class Route(APIRoute):
    """Refuses a media type it does not take and a query parameter it does not know: nothing is dropped in silence."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        names = _query_names(self)
        takes_form = self.body_field is not None and isinstance(self.body_field.field_info, params.Form)
        has_owner = any(_POLICIES.get(each.call) not in (None, Access.PUBLIC) for each in _tree(self.dependant))
        wanted = () if self.body_field is None else _FORMS if takes_form else ("application/json",)
        may_lack_body = (
            self.body_field is not None and not takes_form and not self.body_field.field_info.is_required()
        )

        async def checked(request: Request) -> Response:
            if self.param_convertors and request.url.path in request.app.state.literal_paths:
                raise HTTPException(405)  # A word that another route has for its own is no id.
            settings: Settings = request.app.state.backend.settings
            if wanted:
                _check_media_type(request, wanted)
            is_upload = takes_form and _is_multipart(request)
            if is_upload and has_owner:
                _check_credential(request)
            request = limited(request, settings.upload_limit_bytes if is_upload else settings.body_limit_bytes)
            unknown = [name for name in request.query_params if name not in names]
            if unknown:
                known = ", ".join(sorted(names)) or "none"
                raise Invalid(
                    "There are unknown query parameters.",
                    *(
                        FieldProblem(name, f"is not a parameter of this route; these are: {known}")
                        for name in unknown
                    ),
                )
            if may_lack_body and (await request.body()).strip() == b"null":
                raise Invalid("The request does not fit.", FieldProblem("body", "is null; leave it out, or send {}"))
            try:
                response = await handle(request)
            except Exception:
                await idempotency.settle(request, None)
                raise
            # The route's transaction is still open here: what is kept is kept with the effect, or not at all.
            await idempotency.settle(request, response)
            return response

        return checked


class CarrierRoute(APIRoute):
    """What is not ours to shape: any query, any form, but none that fills the memory."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            settings: Settings = request.app.state.backend.settings
            return await handle(limited(request, settings.body_limit_bytes))

        return checked


def router(tag: str) -> APIRouter:
    return APIRouter(tags=[tag], route_class=Route)


def policies(app: FastAPI) -> dict[tuple[str, str], Access]:
    """(method, path) → what it asks for. Raises StartupError for a route that declares nothing: deny by default."""
    found: dict[tuple[str, str], Access] = {}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute):
            continue
        calls = [each.call for each in _tree(route.dependant)]
        declared = {_POLICIES[call] for call in calls if call in _POLICIES}
        if len(declared) != 1:
            raise StartupError(f"the route {route.path} must declare one policy, not {len(declared)}")
        for method in route.methods or ():
            found[method, route.path] = next(iter(declared))
    return found


def literal_paths(app: FastAPI) -> frozenset[str]:
    """The paths that have no parameter."""
    paths = (getattr(context.original_route, "path", "") for context in iter_route_contexts(app.routes))
    return frozenset(path for path in paths if "{" not in path)


def methods_of(app: FastAPI, path: str) -> set[str]:
    """All that a path takes; the framework says only what the first of its routes does."""
    scope = {"type": "http", "method": "", "path": path, "root_path": "", "headers": []}
    routes = [context.original_route for context in iter_route_contexts(app.routes)]
    matching = [each for each in routes if isinstance(each, APIRoute) and each.matches(scope)[0] is Match.PARTIAL]
    own = [route for route in matching if route.path == path]
    return {method for route in own or matching for method in route.methods or ()}


def _tree(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for each in dependant.dependencies:
        yield from _tree(each)


def _query_names(route: APIRoute) -> frozenset[str]:
    names = set()
    for field in (field for each in _tree(route.dependant) for field in each.query_params):
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names |= {each.alias or name for name, each in annotation.model_fields.items()}
        else:
            names.add(field.alias)
    return frozenset(names)


def _check_media_type(request: Request, wanted: tuple[str, ...]) -> None:
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and media_type not in wanted:
        raise HTTPException(415)


def _is_multipart(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/")


def _check_credential(request: Request) -> None:
    """A file is not taken from somebody who has not signed in: forms are read before anything else is asked."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    is_key = credential.startswith(_KEY_PREFIX)
    if scheme.lower() != "bearer" or not (is_key or request.app.state.backend.accounts.tokens.is_ours(credential)):
        raise Unauthenticated("AUTH_003", "An access token is needed: Authorization: Bearer …")


class _Strict(Request):
    """Bodies are read as strictly as they are described."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = strict_json.loads(await self.body())
        return self._json

    def form(self, **_limits: Any) -> Any:
        return super().form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=_LONGEST_FIELD)


def limited(request: Request, most_bytes: int) -> Request:
    """The same request, whose body ends in a 413 once it is longer than it may be, whatever its header said."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise HTTPException(413)
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        if taken > most_bytes:
            raise HTTPException(413)
        return message

    return _Strict(request.scope, receive)
