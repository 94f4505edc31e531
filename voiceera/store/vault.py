"""Secrets at rest: AES-GCM under one key, each bound to the row it belongs to."""

import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from voiceera.config import Settings
from voiceera.errors import StartupError

_NONCE_BYTES = 12
_SHORTEST_KEY = 32


class Vault:
    """Seals bytes so that they open only with the same key and the same identity.

    `identity` is the row's own ("integrations", organization id, row id): one copied to another row is refused.
    """

    def __init__(self, master_key: bytes) -> None:
        self._master_key = master_key
        self._cipher = AESGCM(self.derive("secrets at rest"))

    def __repr__(self) -> str:
        return "Vault(…)"

    @classmethod
    def load(cls, settings: Settings) -> "Vault":
        """The key of VOICEERA_SECRET_KEY, else the data directory's own, made on first start. Raises StartupError."""
        if settings.secret_key is None:
            return cls(_key_file(settings.keys_dir / "secret.key"))
        key = settings.secret_key.get_secret_value()
        if len(key) < _SHORTEST_KEY or len(set(key)) < _SHORTEST_KEY // 4:
            raise StartupError(
                f"VOICEERA_SECRET_KEY must be at least {_SHORTEST_KEY} random characters; "
                "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        return cls(key.encode())

    def seal(self, plain: bytes, *identity: object) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, _associated(identity))

    def open(self, sealed: bytes, *identity: object) -> bytes:
        """Raises ValueError when the key or the identity is another, or a bit has changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _associated(identity))
        except InvalidTag:
            raise ValueError("this secret was sealed under another key or for another row") from None

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for another purpose (signing tokens, download links), by HKDF (RFC 5869)."""
        return HKDF(SHA256(), 32, salt=b"voiceera", info=purpose.encode()).derive(self._master_key)


def _associated(identity: tuple[object, ...]) -> bytes:
    return "\x1f".join(str(part) for part in identity).encode()


def _key_file(path: Path) -> bytes:
    """Read the key, or make it; of several processes that start at once, one makes it and all read the same."""
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48) + "\n")
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        except OSError as error:
            raise StartupError(f"cannot make the secret key {path}: {error.strerror}") from error
    try:
        key = path.read_text().strip().encode()
    except OSError as error:
        raise StartupError(f"cannot read the secret key {path}: {error.strerror}") from error
    if len(key) < _SHORTEST_KEY:
        raise StartupError(f"the secret key {path} is damaged: it is shorter than {_SHORTEST_KEY} characters")
    return key
