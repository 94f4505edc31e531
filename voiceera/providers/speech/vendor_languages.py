"""Languages that a vendor knows, and those that it does not."""

from collections.abc import Container

from voiceera.errors import ProviderError
from voiceera.rules.languages import short


def known_code(vendor: str, language: str, known: Container[str]) -> str:
    """ISO 639 of a language tag. Raises ProviderError for one that the vendor does not know."""
    code = short(language)
    if code not in known:
        raise ProviderError(vendor, f"does not know the language {language!r}", permanent=True)
    return code
