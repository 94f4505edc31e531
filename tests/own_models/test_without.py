"""Models of the operator's own, as users see them where the libraries or the models are not there."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.api.conftest import Person, _quiet, ann, anyone, app, bus, join, settings
from voiceera.config import Settings
from voiceera.ids import new_id
from voiceera.providers import registry
from voiceera.providers.registry import Kind
from voiceera.providers.speech.local.model_folders import FolderSpeechToText

__all__ = ["_quiet", "ann", "anyone", "app", "bus", "join", "settings"]


class OwnModels(FolderSpeechToText):
    vendor: ClassVar[str] = "vosk"


@pytest.fixture
def vosk_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.PROVIDERS, (Kind.SPEECH_TO_TEXT, "vosk"), f"{__name__}:OwnModels")


async def listed(person: Person, name: str) -> Any:
    return next(each for each in await person.get("/providers", type="stt") if each["name"] == name)


async def problems(person: Person, **config: Any) -> list[str]:
    agent = await person.post("/agents", name=new_id().hex, system_prompt="Be kind.", **config)
    shown = await person.get(f"/agents/{agent['id']}/config")
    return [each["message"] for each in shown["missing"] if each["field"] == "stt_provider"]


@pytest.mark.skipif(find_spec("vosk") is not None, reason="it is installed")
async def test_a_recognizer_without_its_package_says_what_to_install(ann: Person) -> None:
    vosk = await listed(ann, "vosk")
    assert (vosk["is_installed"], vosk["is_configured"]) == (False, False)
    assert await problems(ann, stt_provider="vosk") == ["vosk: vosk is not installed: pip install 'voiceera[vosk]'."]


@pytest.mark.usefixtures("vosk_is_installed")
async def test_a_recognizer_without_models_says_where_they_go(ann: Person, settings: Settings) -> None:
    assert (await listed(ann, "vosk"))["is_configured"] is False
    assert await problems(ann, stt_provider="vosk") == [
        "vosk: no model lies in VOICEERA_MODELS_DIR/vosk yet: put a folder there for each."
    ]
    (settings.models_folder / "vosk/small-hi").mkdir(parents=True)
    assert (await listed(ann, "vosk"))["is_configured"] is True
    assert await problems(ann, stt_provider="vosk/small-hi") == await problems(ann, stt_provider="vosk") == []
    assert await problems(ann, stt_provider="vosk/small-te") == [
        "vosk/small-te: there is no 'small-te' in VOICEERA_MODELS_DIR/vosk; there are: small-hi."
    ]


def test_the_models_lie_under_the_data_without_a_folder_of_their_own(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).models_folder == tmp_path / "models"
    assert Settings(data_dir=tmp_path, models_dir=tmp_path / "m").models_folder == tmp_path / "m"
