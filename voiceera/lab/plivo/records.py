"""Calls as the vendor's lists and look-ups show them, with exactly its filters.

https://www.plivo.com/docs/voice/api/calls: a plain list holds finished calls; `status=live` and `status=queued` list
the UUIDs of the others. Nothing can be found by what the caller calls it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from voiceera.lab.faults import FaultDraw
from voiceera.lab.phone_call import CallState, PhoneCall, utc_now
from voiceera.lab.plivo.notices import billed_minutes, total_cost

_MAX_PAGE = 20
_WINDOW_WITHOUT_END_TIME = timedelta(days=7)
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "": lambda value, bound: value == bound,
    "__gt": lambda value, bound: value > bound,
    "__gte": lambda value, bound: value >= bound,
    "__lt": lambda value, bound: value < bound,
    "__lte": lambda value, bound: value <= bound,
}


class BadFilter(ValueError):
    """A filter's value that the vendor would refuse."""


class CallRecords:
    """Looks at the network's calls; a call, and each change of its state, shows `reporting_lag_seconds` late."""

    def __init__(self, calls: Mapping[str, PhoneCall], account: str, faults: FaultDraw, vendor: str) -> None:
        self._all_calls = calls
        self._vendor = vendor
        self._account = account
        self._faults = faults

    def _calls(self) -> list[PhoneCall]:
        return [call for call in self._all_calls.values() if call.vendor == self._vendor]

    def live(self, query: Mapping[str, str]) -> list[str]:
        """UUIDs of ringing and answered calls; filters: call_direction, from_number, to_number."""
        return self._uuids(query, (CallState.RINGING, CallState.IN_PROGRESS))

    def queued(self, query: Mapping[str, str]) -> list[str]:
        return self._uuids(query, (CallState.QUEUED,))

    def finished_page(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`meta` and `objects`, newest first, at most 20 at a time."""
        limit, offset = _whole(query, "limit", _MAX_PAGE), _whole(query, "offset", 0)
        if not 0 < limit <= _MAX_PAGE:
            raise BadFilter(f"limit must be between 1 and {_MAX_PAGE}")
        found = [
            call
            for call in reversed(self._calls())
            if self._shown_state(call) is CallState.ENDED and _matches(call, query)
        ]
        page = found[offset : offset + limit]
        base = f"/v1/Account/{self._account}/Call/?limit={limit}&offset="
        return {
            "meta": {
                "limit": limit,
                "next": f"{base}{offset + limit}" if offset + limit < len(found) else None,
                "offset": offset,
                "previous": f"{base}{max(0, offset - limit)}" if offset else None,
                "total_count": len(found),
            },
            "objects": [self._record(call) for call in page],
        }

    def one(self, call_uuid: str, status: str | None) -> dict[str, Any] | None:
        call = self._all_calls.get(call_uuid)
        state = None if call is None else self._shown_state(call)
        if call is None or state is None:
            return None
        match status:
            case None:
                return self._record(call) if state is CallState.ENDED else None
            case "live":
                return _open_call(call, state) if state in (CallState.RINGING, CallState.IN_PROGRESS) else None
            case "queued":
                return _open_call(call, state) if state is CallState.QUEUED else None
        return None

    def _uuids(self, query: Mapping[str, str], states: tuple[CallState, ...]) -> list[str]:
        return [
            call.uuid for call in self._calls() if self._shown_state(call) in states and _matches_ends(call, query)
        ]

    def _shown_state(self, call: PhoneCall) -> CallState | None:
        """The state that the vendor's records have caught up with; None: not listed yet."""
        lag = self._faults.settings.reporting_lag_seconds
        if not lag:
            return call.state
        seen = utc_now() - timedelta(seconds=lag)
        shown = None
        for at, state in (
            (call.initiated_at, CallState.QUEUED),
            (call.ringing_at, CallState.RINGING),
            (call.answered_at, CallState.IN_PROGRESS),
            (call.ended_at, CallState.ENDED),
        ):
            if at is not None and at <= seen:
                shown = state
        return shown

    def _record(self, call: PhoneCall) -> dict[str, Any]:
        ending, ended_at = call.ending, call.ended_at
        assert ending is not None and ended_at is not None
        duration = round(call.talk_seconds)
        return {
            "answer_time": _time(call.answered_at),
            "bill_duration": duration,
            "billed_duration": 60 * billed_minutes(call),
            "call_direction": "inbound" if call.request.is_inbound else "outbound",
            "call_duration": duration,
            "call_state": "ANSWER" if call.answered_at else "HANGUP",
            "call_uuid": call.uuid,
            "end_time": _time(ended_at),
            "from_number": f"+{call.request.from_number}",
            "hangup_cause_code": ending.code,
            "hangup_cause_name": ending.name,
            "hangup_source": ending.source,
            "initiation_time": _time(call.initiated_at),
            "parent_call_uuid": None,
            "resource_uri": f"/v1/Account/{self._account}/Call/{call.uuid}/",
            "to_number": f"+{call.request.to_number}",
            "total_amount": total_cost(call),
            "total_rate": "0.00850",
        }


def _open_call(call: PhoneCall, state: CallState) -> dict[str, Any]:
    return {
        "call_status": state.value,
        "call_uuid": call.uuid,
        "caller_name": f"+{call.request.from_number}",
        "direction": "inbound" if call.request.is_inbound else "outbound",
        "from": call.request.from_number,
        "request_uuid": call.uuid,
        "session_start": f"{call.initiated_at:%Y-%m-%d %H:%M:%S.%f}",
        "to": call.request.to_number,
    }


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else f"{instant:%Y-%m-%d %H:%M:%S+00:00}"


def _matches(call: PhoneCall, query: Mapping[str, str]) -> bool:
    assert call.ended_at is not None and call.ending is not None
    if not _matches_ends(call, query):
        return False
    if (code := query.get("hangup_cause_code")) is not None and code != str(call.ending.code):
        return False
    if (source := query.get("hangup_source")) is not None and source != call.ending.source:
        return False
    if query.get("parent_call_uuid"):
        return False
    if not _compares(call.talk_seconds, query, "bill_duration", _number):
        return False
    if not any(f"end_time{suffix}" in query for suffix in _COMPARISONS):
        return utc_now() - call.ended_at <= _WINDOW_WITHOUT_END_TIME
    return _compares(call.ended_at.timestamp(), query, "end_time", _instant)


def _matches_ends(call: PhoneCall, query: Mapping[str, str]) -> bool:
    """Numbers match exactly or by prefix."""
    direction = query.get("call_direction")
    if direction not in (None, "inbound", "outbound"):
        raise BadFilter("call_direction must be inbound or outbound")
    return (
        (direction is None or call.request.is_inbound == (direction == "inbound"))
        and call.request.from_number.startswith(query.get("from_number", "").lstrip("+ "))
        and call.request.to_number.startswith(query.get("to_number", "").lstrip("+ "))
    )


def _compares(value: float, query: Mapping[str, str], name: str, read: Callable[[str, str], float]) -> bool:
    return all(
        holds(value, read(query[name + suffix], name + suffix))
        for suffix, holds in _COMPARISONS.items()
        if name + suffix in query
    )


def _instant(text: str, name: str) -> float:
    """YYYY-MM-DD HH:MM[:ss[.uuuuuu]], UTC."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise BadFilter(f"{name} is not a time: YYYY-MM-DD HH:MM[:ss[.uuuuuu]]") from None


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadFilter(f"{name} is not a number") from None


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal():
        raise BadFilter(f"{name} is not a number")
    return int(text)
