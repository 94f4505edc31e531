"""Language tags (BCP 47), as agents, calls and vendors name languages."""


def short(tag: str) -> str:
    """Its language alone, ISO 639: "hi" of "hi-IN", "hi_IN" and "HI"."""
    return tag.lower().replace("_", "-").partition("-")[0]
