"""Models that the operator brings: `VOICEERA_MODELS_DIR`/vendor/model. A name is never taken for one to download."""

from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from voiceera.errors import ProviderError
from voiceera.providers.speech.local.client import LocalSpeechToText


def need(package: str) -> None:
    """Raises ImportError where the package is not installed: its worker process would find out too late."""
    if find_spec(package) is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)


def chosen(vendor: str, there: tuple[str, ...], wanted: str) -> str:
    """The model that is wanted, or the only one there is. Raises ProviderError, which says what to do."""
    where = f"VOICEERA_MODELS_DIR/{vendor}"
    if wanted in there:
        return wanted
    if wanted:
        message = f"there is no {wanted!r} in {where}; there are: {', '.join(there) or 'none'}"
    elif len(there) == 1:
        return there[0]
    elif there:
        message = f"several models lie in {where}: name one, such as {vendor}/{there[0]}"
    else:
        message = f"no model lies in {where} yet: put a folder there for each"
    raise ProviderError(vendor, message, permanent=True)


class FolderSpeechToText(LocalSpeechToText):
    """Base of recognizers whose models the operator brings. `folder`: where this vendor's lie; `model`: the name of
    one, needed where there are several."""

    FROM_FOLDER: ClassVar[bool] = True

    def __init__(self, folder: Path, model: str = "", processes: int = 1) -> None:
        super().__init__(processes)
        self._folder = folder
        self._model = model

    @classmethod
    def models_in(cls, folder: Path) -> tuple[str, ...]:
        """The names of the models that lie there, sorted."""
        found = folder.iterdir() if folder.is_dir() else ()
        return tuple(sorted(each.name for each in found if each.is_dir() and not each.name.startswith(".")))

    @classmethod
    def find(cls, folder: Path, model: str = "") -> str:
        """The model that would be used. Raises ProviderError."""
        return chosen(cls.vendor, cls.models_in(folder), model)

    def arguments(self) -> tuple[str, ...]:
        return (str((self._folder / self.find(self._folder, self._model)).resolve()),)
