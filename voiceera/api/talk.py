"""The page on which somebody calls an agent from their browser, and where the voice WebSocket is.

The page is a client of the public API like any other. Its policy lets nothing run or be reached but its own files,
this API, and the media processes.
"""

from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from pydantic import Field

from voiceera.api.depends import Watching, visit
from voiceera.api.envelope import success
from voiceera.api.routing import router
from voiceera.api.shapes import Shown, Success
from voiceera.config import Settings
from voiceera.errors import Unavailable
from voiceera.store import media_nodes

routes = router("Calls")

_FILES = "/talk/files"


class VoiceSocket(Shown):
    url: str = Field(description="Open it, and say who you are in the first message.")


@routes.get("/voice-socket")
async def voice_socket(watch: Watching) -> Success[VoiceSocket]:
    """Where to open the voice WebSocket: at the media process with the most room. See docs/voice-socket.md."""
    async with watch.backend.database.platform() as connection:
        nodes = [node for node in await media_nodes.seen(connection) if node.is_alive(watch.now)]
    roomiest = max(nodes, key=lambda node: node.capacity - node.live, default=None)
    if roomiest is None or roomiest.capacity <= roomiest.live:
        raise Unavailable("No media process has room for a call.", retry_after_seconds=10)
    return success(VoiceSocket(url=f"{roomiest.url}/voice"))


def install(app: FastAPI) -> None:
    page = files("voiceera.api").joinpath("page_files/talk/talk.html").read_text()
    headers = {
        "Content-Security-Policy": _policy(app.state.backend.settings),
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }

    async def talk_page() -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    app.add_api_route("/talk", talk_page, include_in_schema=False, dependencies=[Depends(visit)])
    app.mount(_FILES, StaticFiles(directory=Path(__file__).parent / "page_files" / "talk"), name="talk-files")


def _policy(settings: Settings) -> str:
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; worker-src 'self'; "
        f"connect-src 'self' {media_origin(settings)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def media_origin(settings: Settings) -> str:
    """What may be reached beside ourselves: the media processes, on whatever port."""
    if settings.media_url:
        told = urlsplit(settings.media_url)
        return f"{told.scheme}://{told.netloc}"
    return f"ws://{settings.media_host}:*"
