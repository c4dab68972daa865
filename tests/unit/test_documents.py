"""What the pages point to is there, and the examples are what they say."""

import re
from pathlib import Path

import pytest

from holonomy.cli.specfile import read_schedule, read_spec
from holonomy.presets import digits_brackets

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"), *ROOT.glob("bench/**/*.md")]
)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
FOLDERS = sorted(page.parent for page in ROOT.glob("examples/**/README.md"))
EXAMPLES = sorted(ROOT.glob("examples/**/*.yaml"))
SCHEDULES = [ROOT / "examples/nightly.yaml"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.relative_to(ROOT / "examples")))
def test_an_example_is_a_spec_or_a_schedule(example: Path) -> None:
    (read_schedule if example in SCHEDULES else read_spec)(str(example))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_examples_of_a_folder_are_listed_in_its_page(folder: Path) -> None:
    listed = re.findall(r"^\| `(\w+\.yaml)` \|", (folder / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(example.name for example in folder.glob("*.yaml"))


def test_every_example_lies_in_a_folder_with_a_page_that_is_linked() -> None:
    assert {example.parent for example in EXAMPLES} == set(FOLDERS)
    linked = LINK.findall((ROOT / "examples/README.md").read_text())
    assert {f"{folder.name}/README.md" for folder in FOLDERS if folder != ROOT / "examples"} <= set(linked)


def test_the_example_of_the_demo_is_the_demo() -> None:
    assert read_spec(str(ROOT / "examples/digits_brackets.yaml")) == digits_brackets()
