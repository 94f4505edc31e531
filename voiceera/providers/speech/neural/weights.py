"""Where the model's files lie: in an installed wheel whose code is never run.

Moonshine "tiny" (Jeffries et al. 2024, arXiv:2410.15608), English, MIT: an encoder of raw sound and a decoder of
pieces of words, together 44 MB.
"""

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "moonshine_voice"
ENCODER, DECODER, TOKENS = "encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin"


def folder() -> Path | None:
    """None: the package is not installed, or comes without the model."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / "assets" / "tiny-en"
    return found if all((found / name).is_file() for name in (ENCODER, DECODER, TOKENS)) else None


def read_tokens(path: Path) -> list[str]:
    """Every token's text, a space before those that begin a word. Each is stored as its length (one byte, or two with
    the high bit set) and its UTF-8; single bytes of longer characters are of no use here and come out empty."""
    stored, position, tokens = path.read_bytes(), 0, []
    while position < len(stored):
        length, position = stored[position], position + 1
        if length >= 128:
            length, position = stored[position] * 128 + length - 128, position + 1
        piece, position = stored[position : position + length], position + length
        tokens.append(piece.decode(errors="ignore").replace("▁", " "))
    return tokens
