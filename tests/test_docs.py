"""What the documentation promises to list, it lists; what it links to is there; its examples are taken."""

import re
from pathlib import Path

import msgspec
import pytest
import yaml

from voiceera.config import Settings
from voiceera.lab.callees.directory import parse_directory
from voiceera.lab.faults import Faults
from voiceera.lab.ledger import Event
from voiceera.providers.registry import PROVIDERS

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")


def read(page: str) -> str:
    return (ROOT / page).read_text()


def links(page: Path) -> list[str]:
    """Those that lead into the repository."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    found = [first or second for first, second in _LINK.findall(text)]
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page if not path else page.parent / path
        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {link}"


def test_every_page_is_linked_from_the_readme() -> None:
    assert {f"docs/{page.name}" for page in PAGES if page.parent.name == "docs"} <= set(links(ROOT / "README.md"))


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented = set(re.findall(r"^\| `VOICEERA_(\w+)` \|", read("docs/operating.md"), re.MULTILINE))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_the_callees_of_the_example_are_taken_by_the_lab() -> None:
    example = re.search(r"```yaml\n(.*?)```", read("docs/lab.md"), re.DOTALL)
    assert example is not None
    scripts, default = parse_directory(yaml.safe_load(example[1]))
    assert len(scripts) == 5
    assert default is not None


def test_the_labs_faults_and_events_are_all_described() -> None:
    page = read("docs/lab.md")
    example = re.search(r"--faults '(\{.*?\})'", page)
    assert example is not None
    assert msgspec.json.decode(example[1], type=Faults).fail_after == 0.05
    described = set(re.findall(r"\w+", page))
    assert set(Faults.__struct_fields__) <= described
    assert set(map(str, Event)) <= described


def test_every_provider_is_described() -> None:
    page = read("docs/providers.md")
    assert not [name for _, name in PROVIDERS if f"`{name}`" not in page]
