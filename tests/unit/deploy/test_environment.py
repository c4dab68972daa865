"""The example of an environment names settings that exist, and all that a server needs."""

from pathlib import Path

import pytest

from holonomy.config import ClientSettings
from service.settings import Settings

EXAMPLE = Path(__file__).parents[3] / "deploy" / "holonomy.env.example"


@pytest.fixture
def example() -> dict[str, str]:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_every_variable_is_a_setting_and_the_other_way_round(example: dict[str, str]) -> None:
    known = {f"HOLONOMY_{name.upper()}" for name in (*Settings.model_fields, *ClientSettings.model_fields)}
    ours = {name for name in example if name.startswith("HOLONOMY_")}
    assert ours == known - {"HOLONOMY_HOME"}  # of the embedded stack alone


def test_the_values_are_valid(example: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in example.items():
        monkeypatch.setenv(name, value)
    assert Settings().api_port == 8321
    assert ClientSettings().url == "https://holonomy.example.org"
