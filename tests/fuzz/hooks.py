"""What schemathesis is told: who it is, which rows there are, and not to lock itself out.

Loaded by the runs that `python -m tests.fuzz` starts (SCHEMATHESIS_HOOKS); the file of VOICEERA_FUZZ says the rest.
"""

import json
import os
import random
import urllib.request
from pathlib import Path
from typing import Any
from uuid import UUID

import schemathesis

from tests.api.conftest import PASSWORD

_TOLD = json.loads(Path(os.environ["VOICEERA_FUZZ"]).read_text())
_POOLS: dict[str, list[str]] = _TOLD["pools"]
_ME: dict[str, str] = _TOLD["me"]
_KNOWN_SHARE = 0.8
_choose = random.Random(1)


class Session:
    token: str | None = None

    @classmethod
    def open(cls) -> str:
        if cls.token is None:
            body = json.dumps({"email": _ME["email"], "password": PASSWORD}).encode()
            request = urllib.request.Request(f"{_TOLD['url']}/auth/login", body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request) as response:
                cls.token = json.load(response)["data"]["token"]
        return cls.token


@schemathesis.auth(refresh_interval=None)
class Auth:
    def get(self, case: Any, context: Any) -> str:
        return Session.open()

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Ids that never were become ones that are; what is done to oneself is done to somebody else."""
    is_stateful = case.meta is not None and "stateful" in str(case.meta.phase.name).lower()
    for values in (case.path_parameters, case.query, case.body):
        if isinstance(values, dict) and not is_stateful:
            for name in values.keys() & _POOLS.keys():
                if _is_id(values[name]) and _choose.random() < _KNOWN_SHARE:
                    values[name] = _choose.choice(_POOLS[name])
    path = case.path_parameters
    if case.method.upper() != "GET" and isinstance(path, dict) and path.get("user_id") == _ME["id"]:
        path["user_id"] = _choose.choice(_POOLS["user_id"])


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    if response.status_code == 401:
        Session.token = None


def _is_id(value: Any) -> bool:
    try:
        return str(UUID(str(value))) == str(value)
    except ValueError:
        return False
