"""The application's own routes, for tests that go through all of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI, params
from fastapi.routing import APIRoute, iter_route_contexts

from voiceera.api.routing import _query_names, policies
from voiceera.rules.permissions import Access


@dataclass(frozen=True)
class Declared:
    """`body`: None, "json" or "form"; `needs_body`: an empty one does not do."""

    method: str
    path: str
    access: Access
    names: tuple[str, ...]
    queries: frozenset[str]
    body: str | None
    needs_body: bool

    def filled(self, value: str) -> str:
        """The path with `value` in every place."""
        path = self.path
        for name in self.names:
            path = path.replace("{" + name + "}", value)
        return path


def declared(app: FastAPI) -> Iterator[Declared]:
    asked = policies(app)
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute):
            continue
        names = tuple(part[1:-1] for part in route.path.split("/") if part.startswith("{"))
        body = None
        if route.body_field is not None:
            body = "form" if isinstance(route.body_field.field_info, params.Form) else "json"
        queries = frozenset(_query_names(route))
        needs_body = route.body_field is not None and route.body_field.field_info.is_required()
        for method in sorted(route.methods or ()):
            yield Declared(method, route.path, asked[method, route.path], names, queries, body, needs_body)
