import stat
from pathlib import Path

import pytest

from voiceera.config import Settings
from voiceera.errors import StartupError
from voiceera.store.vault import Vault


def test_a_secret_opens_for_its_own_row_only(tmp_path: Path) -> None:
    vault = Vault.load(Settings(data_dir=tmp_path))
    sealed = vault.seal(b"auth token", "integrations", "organization", "row")
    assert b"auth token" not in sealed
    assert vault.open(sealed, "integrations", "organization", "row") == b"auth token"
    with pytest.raises(ValueError, match="another row"):
        vault.open(sealed, "integrations", "organization", "other")
    with pytest.raises(ValueError, match="another key"):
        Vault(b"k" * 40).open(sealed, "integrations", "organization", "row")


def test_the_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = Vault.load(Settings(data_dir=tmp_path))
    assert Vault.load(Settings(data_dir=tmp_path)).derive("tokens") == first.derive("tokens")
    assert stat.S_IMODE((tmp_path / "keys" / "secret.key").stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "keys").iterdir()] == ["secret.key"]


def test_a_weak_key_is_refused(tmp_path: Path) -> None:
    for weak in ("changeme", "a" * 64):
        with pytest.raises(StartupError, match="VOICEERA_SECRET_KEY"):
            Vault.load(Settings.model_validate({"data_dir": tmp_path, "secret_key": weak}))
