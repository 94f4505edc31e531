"""The web console: the files that `scripts/setup` builds out of `console/`, and nothing that the API does not offer too.

Its pages are one document whose script reads the address, so every path that is no file answers with that document.
"""

import os
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from voiceera.config import Settings

PATH = "/console"

_BUILT = Path(str(files("voiceera"))) / "console"
_ASSETS = "assets"
_FOR_EVER = "public, max-age=31536000, immutable"
"""Vite names these files by what stands in them."""


def install(app: FastAPI, settings: Settings, directory: Path = _BUILT) -> None:
    """`directory`: where the built files lie, or would."""
    not_built = files("voiceera.api").joinpath("page_files/console_not_built.html").read_text()
    app.mount(PATH, Console(directory, policy(settings.media_url), not_built), name="console")


def policy(media_url: str) -> str:
    """Only our own files run, nothing is evaluated, markup is never made from text, and the page talks to nobody but
    the API and the media socket of a browser's call."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
        f"media-src 'self' blob:; connect-src 'self'{f' {media_url}' if media_url else ''}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )


class Console(StaticFiles):
    """The directory is looked into at each request: what is built while the server runs is served from then on."""

    def __init__(self, directory: Path, policy: str, not_built: str) -> None:
        super().__init__(directory=directory, check_dir=False)
        self._built = directory
        self._policy = policy
        self._not_built = not_built

    async def get_response(self, path: str, scope: Scope) -> Response:
        if not (self._built / "index.html").is_file():
            response = Response(self._not_built, 503, media_type="text/html")
            response.headers["Cache-Control"] = "no-store"
        elif path.startswith(f"{_ASSETS}{os.sep}"):
            response = await super().get_response(path, scope)
            response.headers["Cache-Control"] = _FOR_EVER
        else:
            response = await self._page(path, scope)
            response.headers["Cache-Control"] = "no-cache"
        response.headers["Content-Security-Policy"] = self._policy
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return response

    async def _page(self, path: str, scope: Scope) -> Response:
        found, _ = self.lookup_path(path)
        is_file = bool(found) and Path(found).is_file()
        return await super().get_response(path if is_file else "index.html", scope)
