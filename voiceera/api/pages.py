"""Where the links in our mails lead: one small page that posts to the API. The token stands behind the #, which no
browser sends to a server and no log keeps."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from voiceera.api.depends import visit

PATHS = ("/forgot-password", "/reset-password", "/accept-invitation")

_PUBLIC = [Depends(visit)]


def install(app: FastAPI) -> None:
    page = files("voiceera.api").joinpath("page_files/account.html").read_text()
    headers = {
        "Content-Security-Policy": _policy(page),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }

    async def account_page() -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    for path in PATHS:
        app.add_api_route(path, account_page, include_in_schema=False, dependencies=_PUBLIC)


def _policy(page: str) -> str:
    """Nothing runs but the page's own script and style, and it talks to nobody but us."""
    script, style = (_hash(re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[0]) for tag in ("script", "style"))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
