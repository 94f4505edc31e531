"""How often the basic analyzer is right about a sentence: accuracy on sentences that were labelled by hand.

    .venv/bin/python -m benchmarks.feelings [--json FILE] [--errors]

Half of the sentences were looked at while the lexicons were made. The figures that count are those of the other half,
which was written afterwards and never tuned to.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voiceera.analysis.feelings import feeling

SENTENCES = Path(__file__).parent / "labelled_sentences.txt"


@dataclass(frozen=True)
class Labelled:
    language: str
    emotion: str
    sentiment: str
    text: str
    is_held_out: bool


def sentences() -> Iterator[Labelled]:
    labels: list[str] = []
    for line in SENTENCES.read_text().splitlines():
        if line.startswith("=="):
            labels = line.split()[1:]
        elif line and not line.startswith("#"):
            half, language, emotion, sentiment = labels
            yield Labelled(language, emotion, sentiment, line, half == "held_out")


def measure(labelled: list[Labelled]) -> dict[str, Any]:
    """Accuracy in percent, of sentiment (three classes) and emotion (ten)."""
    right: Counter[str] = Counter()
    for each in labelled:
        found = feeling(each.text, each.language)
        right["sentiment"] += found.sentiment == each.sentiment
        right["emotion"] += found.emotion == each.emotion
    return {"sentences": len(labelled)} | {
        name: round(100 * right[name] / len(labelled), 1) for name in ("sentiment", "emotion")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--errors", action="store_true", help="list what went wrong in the half that may be looked at"
    )
    options = parser.parse_args()
    everything = list(sentences())
    result = {
        f"{half}_{language}": measure(
            [each for each in everything if each.is_held_out is held_out and language in (each.language, "all")]
        )
        for half, held_out in (("held_out", True), ("seen", False))
        for language in ("en", "hi", "all")
    }
    for name, figures in result.items():
        print(f"{name:14} {figures['sentences']:4} sentences", end="")
        print(f"   sentiment {figures['sentiment']:5.1f} %   emotion {figures['emotion']:5.1f} %")
    if options.errors:
        for each in (each for each in everything if not each.is_held_out):
            found = feeling(each.text, each.language)
            if (found.sentiment, found.emotion) != (each.sentiment, each.emotion):
                print(
                    f"{each.emotion}/{each.sentiment} → {found.emotion}/{found.sentiment} {found.cues}: {each.text}"
                )
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
