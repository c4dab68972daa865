"""Attributes of faces: which exclude each other, and how often they occur."""

import numpy as np
import pytest

from holonomy.faces import NAMES, attributes
from holonomy.faces.attributes import Traits, draw_traits

COUNT = 4_000
DRAW = np.random.default_rng(0)
DRAWN: list[Traits] = [draw_traits(DRAW) for _ in range(COUNT)]


def share(name: str, among: str | None = None) -> tuple[float, int]:
    chosen = [traits for traits in DRAWN if among is None or among in traits]
    return sum(name in traits for traits in chosen) / len(chosen), len(chosen)


def test_names_and_their_places_are_celebas() -> None:
    assert len(NAMES) == len(set(NAMES)) == 40
    places = {"Black_Hair": 8, "Blond_Hair": 9, "Brown_Hair": 11, "Gray_Hair": 17, "Male": 20, "Young": 39}
    assert {name: NAMES.index(name) for name in places} == places
    assert set().union(*DRAWN) <= set(NAMES)


def test_exactly_one_hair_colour_unless_bald() -> None:
    for traits in DRAWN:
        assert len(traits & attributes.COLOURS.keys()) == (0 if "Bald" in traits else 1)
        assert len(traits & attributes.TEXTURES.keys()) <= (0 if "Bald" in traits else 1)
        assert not ("Bald" in traits and traits & attributes.OF_HAIR.keys())


def test_beards_are_mens_and_no_beard_is_their_absence() -> None:
    for traits in DRAWN:
        beard = traits & attributes.OF_MEN.keys()
        assert not beard or "Male" in traits
        assert ("No_Beard" in traits) == (not beard)


@pytest.mark.parametrize(
    ("rates", "among"),
    [
        (attributes.ALONE, None),
        ({"Bald": attributes.BALD}, None),
        (attributes.OF_MEN, "Male"),
        ({name: rate * (1 - attributes.BALD) for name, rate in attributes.COLOURS.items()}, None),
        ({name: rate * (1 - attributes.BALD) for name, rate in attributes.OF_HAIR.items()}, None),
        ({name: rate * (1 - attributes.BALD) for name, rate in attributes.TEXTURES.items()}, None),
    ],
)
def test_rates_are_the_stated_ones(rates: dict[str, float], among: str | None) -> None:
    for name, rate in rates.items():
        found, count = share(name, among)
        assert abs(found - rate) < 4.5 * (rate * (1 - rate) / count) ** 0.5, name


def test_every_attribute_has_a_rate() -> None:
    parts = (attributes.ALONE, attributes.COLOURS, attributes.OF_MEN, attributes.OF_HAIR, attributes.TEXTURES)
    assert {name for part in parts for name in part} | {"Bald", "No_Beard"} == set(NAMES)
    assert sum(attributes.COLOURS.values()) == pytest.approx(1)
