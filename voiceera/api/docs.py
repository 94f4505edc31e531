"""Swagger UI and ReDoc, their files out of an installed package: they work in a browser without a network."""

from pathlib import Path

import fastapi_offline
from fastapi import Depends, FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from voiceera.api.depends import visit

_FILES = "/docs/files"
_PUBLIC = [Depends(visit)]


def install(app: FastAPI) -> None:
    directory = Path(fastapi_offline.__file__).parent / "static"
    app.mount(_FILES, StaticFiles(directory=directory), name="docs-files")
    app.add_api_route("/docs", _swagger, include_in_schema=False, dependencies=_PUBLIC)
    app.add_api_route("/redoc", _redoc, include_in_schema=False, dependencies=_PUBLIC)


async def _swagger() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="VoiceERA API",
        swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{_FILES}/swagger-ui.css",
        swagger_favicon_url=f"{_FILES}/favicon.png",
    )


async def _redoc() -> HTMLResponse:
    return get_redoc_html(
        openapi_url="/openapi.json",
        title="VoiceERA API",
        redoc_js_url=f"{_FILES}/redoc.standalone.js",
        redoc_favicon_url=f"{_FILES}/favicon.png",
        with_google_fonts=False,
    )
