"""Settings: the only file that reads the environment. Built once in `cli.py` and passed down."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_data_dir() -> Path:
    """/var/lib/voiceera as root, else the user's data directory (XDG Base Directory Specification)."""
    if os.geteuid() == 0:
        return Path("/var/lib/voiceera")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "voiceera"


def bare_environment() -> dict[str, str]:
    """Ours without any setting: for a process that is told its settings."""
    return {key: value for key, value in os.environ.items() if not key.upper().startswith("VOICEERA_")}


class Settings(BaseSettings):
    """Every field is read from VOICEERA_<NAME>. URLs carry no trailing slash."""

    model_config = SettingsConfigDict(env_prefix="VOICEERA_", extra="ignore", hide_input_in_errors=True)

    data_dir: Path = Field(default_factory=default_data_dir)
    database_url: SecretStr | None = None
    """postgresql://… ; unset: the embedded PostgreSQL under `data_dir`."""

    secret_key: SecretStr | None = None
    """At least 32 random characters: what secrets are encrypted and tokens signed under; unset: made on first start
    in `data_dir`/keys."""

    allow_bypass_role: bool = False
    """Start although the database role could bypass row-level security, which keeps organizations apart."""

    api_host: str = "127.0.0.1"
    api_port: int = 8000
    media_host: str = "127.0.0.1"
    media_port: int = 8001
    media_processes: int = 1
    """How many media processes `serve` starts, on consecutive ports from `media_port`."""
    media_capacity: int = 100
    """Calls one media process takes at a time; past it, it refuses and the dialer places none."""
    voice_calls_per_user: int = 20
    """Calls over the voice WebSocket that one user may hold at a time: telephone calls shall find seats, too."""
    recognizer_processes: int = 1
    """Worker processes of a recognizer that runs on this machine, for each media process."""
    models_dir: Path | None = None
    """Where models that the operator brings lie, a folder for each vendor; unset: `data_dir`/models."""

    public_url: str = ""
    """What carriers are told and what their signatures are checked against; empty: http://api_host:api_port."""
    media_url: str = ""
    """ws(s):// base told to carriers; empty: ws://media_host:media_port of the process chosen."""

    access_token_minutes: float = 15
    refresh_token_days: float = 30
    argon2_memory_kib: int = 65536
    """Memory of one password hash (RFC 9106's second recommended choice)."""
    argon2_passes: int = 3
    password_hashes_at_once: int = 2
    """How many password hashes run at a time, each on a core of its own."""

    rate_limit_requests: int = 100
    rate_limit_seconds: float = 10
    """A caller's requests in this many seconds; past them, 429."""
    login_tries_per_minute: int = 10
    """For one address and e-mail together; ten times as many for one address."""
    reset_token_minutes: float = 60
    """How long the link to a new password is good."""
    invitation_days: float = 7

    smtp_host: str | None = None
    """The server that mail is handed to; unset: messages are written to `data_dir`/outbox."""
    smtp_port: int = 587
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    mail_from: str = ""
    """VoiceERA <calls@example.com>; empty: no-reply at the public URL's host."""

    upload_bytes_per_minute: int = 10_000_000
    """What a caller may upload on average; one file may be larger, and the next then waits."""
    body_limit_bytes: int = 1_000_000
    upload_limit_bytes: int = 200_000_000

    recording_format: Literal["wav", "flac", "opus", "mp3"] = "flac"
    """What finished recordings are kept as."""
    recording_store: str = ""
    """s3://bucket/prefix, gs://… or az://…, in which finished recordings are kept; empty: in `data_dir`."""
    recording_store_options: SecretStr | None = None
    """A JSON object: {"region": …, "endpoint": …, "access_key_id": …, "secret_access_key": …}."""

    outbound_allow: str = ""
    """Comma-separated CIDR:port entries ("127.0.0.1/32:8090") that user-given URLs may reach although private."""
    disk_free_minimum_bytes: int = 200_000_000
    """Less than this where the recordings lie, and the storage counts as down."""
    api_drain_seconds: float = 0
    """How long the API goes on answering after the signal, with /readiness at 503, so that a load balancer has looked
    elsewhere before it ends."""
    drain_seconds: float = 600
    """How long live calls may go on after the first SIGTERM."""
    metrics_on_loopback: bool = False
    """/metrics needs no token from this machine: not where a proxy runs beside the API."""
    log_level: str = "INFO"
    log_retention_days: float = 30
    """How long the system's log is kept in the database; the audit is kept for good."""

    admin_email: str | None = None
    admin_password: SecretStr | None = None

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must be like postgresql://user:password@host/database")
        return url

    def with_public_url(self, api_port: int) -> "Settings":
        """These settings with the API's real port, and a public URL made from it where none is set."""
        host = "127.0.0.1" if self.api_host in ("0.0.0.0", "::") else self.api_host
        public_url = self.public_url.rstrip("/") or f"http://{host}:{api_port}"
        return self.model_copy(update={"api_port": api_port, "public_url": public_url})

    def plain(self) -> dict[str, str]:
        """What another process builds these same settings from (`Settings(**…)`); secrets in the clear."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in values.items()
            if value is not None
        }

    @property
    def models_folder(self) -> Path:
        return self.models_dir or self.data_dir / "models"

    @property
    def recordings_dir(self) -> Path:
        return self.data_dir / "recordings"

    @property
    def keys_dir(self) -> Path:
        return self.data_dir / "keys"
