"""What the pages point to is there, and the examples are what they say."""

import re
from pathlib import Path

import pytest

from holonomy.cli.specfile import read_spec
from holonomy.presets import digits_brackets

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob("bench/**/*.md")]
)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
EXAMPLES = sorted(ROOT.glob("examples/*.yaml"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_a_spec_and_is_listed(example: Path) -> None:
    read_spec(str(example))
    assert f"`{example.name}`" in (ROOT / "examples/README.md").read_text()


def test_listed_examples_exist() -> None:
    listed = re.findall(r"`(\w+\.yaml)`", (ROOT / "examples/README.md").read_text())
    assert sorted(listed) == [example.name for example in EXAMPLES]


def test_the_example_of_the_demo_is_the_demo() -> None:
    assert read_spec(str(ROOT / "examples/digits_brackets.yaml")) == digits_brackets()
