"""What bodies and answers are made of."""

from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from voiceera import clock
from voiceera.rules.sent import Sent

T = TypeVar("T")


def iso(instant: datetime) -> str:
    """UTC, ISO 8601, milliseconds, Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    PlainSerializer(iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2024-01-29T10:30:00.000Z"]}),
]


class Body(Sent):
    """The body of a request."""


class Nothing(Body):
    """The body of a request that needs none: `{}`."""


class Shown(BaseModel):
    """What an answer holds; made from a dataclass of the same fields by `from_row`."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, from_attributes=True, json_schema_serialization_defaults_required=True
    )


class Success(BaseModel, Generic[T]):
    """Every answer of 200."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    success: bool = Field(default=True, json_schema_extra={"const": True})
    data: T
    timestamp: Instant = Field(default_factory=clock.utc_now)


class Created(Success[T], Generic[T]):
    """Every answer of 201, and of 202 for work that is queued."""

    message: str = "Resource created successfully"


class Items(BaseModel, Generic[T]):
    """One page of a list. `total` is exact up to 10,000; beyond, it is 10,000 and `total_is_capped`."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    items: list[T]
    total: int
    skip: int
    limit: int
    next_cursor: str | None = None
    total_is_capped: bool = False


class Problem(BaseModel):
    """One field that does not fit."""

    field: str
    message: str


class ErrorDetail(BaseModel):
    code: str = Field(examples=["AGENT_001"])
    message: str
    details: str | None
    fields: list[Problem] | None = Field(default=None, description="Given with a 422.")


class ErrorAnswer(BaseModel):
    """Every answer of 4xx and 5xx."""

    success: bool = Field(default=False, json_schema_extra={"const": False})
    error: ErrorDetail
    timestamp: Instant
