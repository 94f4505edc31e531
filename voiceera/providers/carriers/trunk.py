"""What every carrier's integration configures, whoever the vendor is: our line into them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

E164 = Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{6,14}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^\+\d{0,14}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class TrunkSettings(BaseModel):
    """The part of an integration's `config` that pacing and the gate go by; a vendor's `Settings` adds its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    caller_ids: tuple[E164, ...] = Field((), title="Caller ids", description="Numbers of yours that calls come from.")
    allowed_countries: tuple[Country, ...] = Field(
        (), title="Countries that may be called", description="ISO codes, like US. None: no call is placed."
    )
    calls_per_second: float = Field(1.0, gt=0, le=5000, title="Calls per second")
    max_concurrent_calls: int = Field(10, ge=1, le=100_000, title="Calls at the same time")
    caller_id_calls_per_second: float | None = Field(None, gt=0, le=1000, title="Calls per second of each caller id")
    caller_id_max_concurrent_calls: int | None = Field(
        None, ge=1, le=100_000, title="Calls at the same time of each caller id"
    )
    price_per_minute: float | None = Field(
        None,
        ge=0,
        le=10_000,
        title="Price per minute",
        description="What a minute costs at most, begun minutes counted; for caps on spending.",
    )
    wideband_prefixes: tuple[Prefix, ...] = Field(
        (),
        title="Wideband numbers",
        description="Prefixes whose calls carry L16 at 16 kHz; all others µ-law at 8 kHz.",
    )
