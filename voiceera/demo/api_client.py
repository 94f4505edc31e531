"""The demo's way in: the public API and nothing else, like any integrator's first program."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any, BinaryIO

import httpx


class DemoFailed(Exception):
    """The demo cannot go on; the message is for the person in front of the terminal."""


class ApiClient:
    """One signed-in user of the platform. Every method raises DemoFailed with what the API said.

    Who has registered here signs in again when the access token has expired, after a quarter of an hour.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
        self._login: dict[str, str] | None = None

    async def close(self) -> None:
        await self._http.aclose()

    def carry(self, token: str) -> None:
        """Send this access token, or API key, from here on."""
        self._http.headers["Authorization"] = f"Bearer {token}"

    async def register(self, email: str, password: str, first_name: str, organization: str) -> str:
        """A new organization with its owner, signed in from here on; answers the access token."""
        person = {"email": email, "password": password, "first_name": first_name, "last_name": "Demo"}
        await self.post("/auth/register", person | {"organization_name": organization})
        self._login = {"email": email, "password": password}
        return await self._sign_in(self._login)

    async def get(self, path: str, **query: str) -> Any:
        return self._data(await self._send("GET", path, params=query))

    async def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._data(await self._send("POST", path, json=body or {}))

    async def download(self, path: str) -> bytes:
        """A file, as it is."""
        response = await self._send("GET", path)
        if response.status_code != 200:
            self._data(response)
        return response.content

    async def upload(self, path: str, name: str, content: str | BinaryIO, *, within_seconds: float = 30) -> Any:
        file = (name, content.encode() if isinstance(content, str) else content, "text/csv")
        return self._data(await self._send("POST", path, files={"file": file}, timeout=within_seconds))

    async def events(self, path: str, opened: Callable[[], None]) -> AsyncGenerator[dict[str, Any], None]:
        """The server-sent events of a stream, until it ends; `opened` is called when they can come."""
        with suppress(httpx.HTTPError):
            async with self._http.stream("GET", path, timeout=httpx.Timeout(10, read=None)) as response:
                if response.status_code != 200:
                    return
                opened()
                async for line in response.aiter_lines():
                    if line.startswith("data:"):
                        message = json.loads(line.removeprefix("data:"))
                        if isinstance(message, dict):
                            yield message

    async def _sign_in(self, login: dict[str, str]) -> str:
        token = str(self._data(await self._http.post("/auth/login", json=login))["token"])
        self.carry(token)
        return token

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = await self._http.request(method, path, **options)
            if response.status_code == 401 and self._login is not None and "files" not in options:
                await self._sign_in(self._login)
                response = await self._http.request(method, path, **options)
            return response
        except httpx.HTTPError as error:
            raise DemoFailed(f"the API did not answer {method} {path}: {error!r}") from error

    def _data(self, response: httpx.Response) -> Any:
        document: dict[str, Any] = response.json() if response.content else {"success": True}
        if document.get("success"):
            return document.get("data")
        error = document.get("error") or {}
        fields = "; ".join(f"{each['field']}: {each['message']}" for each in error.get("fields") or [])
        said = " ".join(filter(None, [error.get("message"), error.get("details"), fields]))
        request = response.request
        raise DemoFailed(f"{request.method} {request.url.path} answered {response.status_code}: {said}")
