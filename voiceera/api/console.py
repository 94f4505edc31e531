"""The web console: the files that `scripts/setup` builds out of `console/`, and nothing that the API does not offer.

Its pages are one document whose script reads the address, so every path that is no file answers with that document.
"""

import os
import stat
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from voiceera.api.talk import media_origin
from voiceera.config import Settings

PATH = "/console"

_BUILT = Path(str(files("voiceera"))) / "console"
_FOR_EVER = "public, max-age=31536000, immutable"
"""Vite names these files by what stands in them."""


def install(app: FastAPI, settings: Settings, directory: Path = _BUILT) -> None:
    """`directory`: where the built files lie, or would."""
    not_built = files("voiceera.api").joinpath("page_files/console_not_built.html").read_text()
    app.mount(PATH, Console(directory, policy(media_origin(settings)), not_built), name="console")


def policy(media: str) -> str:
    """Only our own files run, nothing is evaluated, markup is never made from text, and the page talks to nobody but
    the API and the media socket of a browser's call."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
        f"media-src 'self' blob:; worker-src 'self'; connect-src 'self' {media}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )


class Console(StaticFiles):
    """The directory is looked into at each request: what is built while the server runs is served from then on."""

    def __init__(self, directory: Path, policy: str, not_built: str) -> None:
        super().__init__(directory=directory, check_dir=False)
        self._policy = policy
        self._not_built = not_built

    async def check_config(self) -> None:
        """There need be no directory yet."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        found, about = super().lookup_path(path)
        is_file = about is not None and stat.S_ISREG(about.st_mode)
        return (found, about) if is_file or _is_asset(path) else super().lookup_path("index.html")

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(path, scope)
            response.headers["Cache-Control"] = _FOR_EVER if _is_asset(path) else "no-cache"
        except HTTPException as problem:
            if problem.status_code != 404 or _is_asset(path):
                raise
            response = Response(self._not_built, 503, media_type="text/html", headers={"Cache-Control": "no-store"})
        response.headers["Content-Security-Policy"] = self._policy
        response.headers["Permissions-Policy"] = "microphone=(self), camera=(), geolocation=()"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return response


def _is_asset(path: str) -> bool:
    return path.startswith(f"assets{os.sep}")
