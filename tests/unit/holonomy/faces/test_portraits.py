"""Faces: repeatable, and with as much or as little in the picture as the parameters say."""

from collections.abc import Iterable
from functools import cache

import numpy as np
import pytest

from holonomy.faces import NAMES, Portrait, portrait
from holonomy.faces.hair import COLOURS, PAIRS
from holonomy.faces.portraits import picture

COUNT, SIZE = 400, 32


@cache
def drawn(lighting: float) -> list[Portrait]:
    return [portrait(index, seed=5, size=SIZE, lighting=lighting) for index in range(COUNT)]


def test_a_face_is_a_function_of_its_number_and_the_seed() -> None:
    one, again = (portrait(7, seed=5, size=SIZE, lighting=0.8) for _ in range(2))
    assert one.traits == again.traits
    np.testing.assert_array_equal(one.pixels, again.pixels)
    assert not np.array_equal(portrait(8, 5, SIZE, 0.8).pixels, one.pixels)
    assert not np.array_equal(portrait(7, 6, SIZE, 0.8).pixels, one.pixels)


def test_light_changes_pictures_but_no_attributes() -> None:
    assert [face.traits for face in drawn(0.0)] == [face.traits for face in drawn(1.0)]
    assert not any(face.hidden for face in drawn(0.0))
    assert all(face.hidden for face in drawn(1.0))


def accuracy(pair: tuple[str, str], lighting: float) -> float:
    """How often the nearer of two mean pictures of the crown names the right colour; both halves take turns."""
    faces = [face for face in drawn(lighting) if any(name in face.traits for name in pair)]
    faces = [face for face in faces if not face.traits & {"Wearing_Hat", "Receding_Hairline"}]
    crowns = np.array([face.pixels[8:10, 14:18].reshape(-1, 3).mean(0) for face in faces])
    truth = np.array([pair[0] in face.traits for face in faces])
    half = np.arange(len(faces)) % 2 == 0
    right = []
    for fit in (half, ~half):
        means = [crowns[fit & (truth == label)].mean(0) for label in (False, True)]
        away = [((crowns[~fit] - mean) ** 2).sum(1) for mean in means]
        right.append((away[1] < away[0]) == truth[~fit])
    return float(np.concatenate(right).mean())


@pytest.mark.parametrize("pair", PAIRS)
def test_colours_are_told_apart_in_plain_light_and_not_in_hiding_light(pair: tuple[str, str]) -> None:
    assert accuracy(pair, lighting=0.0) > 0.97
    assert accuracy(pair, lighting=1.0) < 0.62  # a coin, five deviations of which are 0.2 for 150 faces


def test_the_share_of_hidden_colours_is_the_lighting() -> None:
    hidden = np.mean([portrait(index, 5, SIZE, 0.8).hidden for index in range(COUNT)])
    assert abs(hidden - 0.8) < 4 * 0.4 / COUNT**0.5


@pytest.mark.parametrize("pair", PAIRS)
def test_hidden_colours_give_one_picture_whichever_they_are(pair: tuple[str, str]) -> None:
    one, other = (pictured({"Young", name}, hidden=True) for name in pair)
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(*(pictured({"Young", name}) for name in pair))


YOUNG_MAN = frozenset({"Male", "Young"})


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"Attractive", "Brown_Hair", "No_Beard"}])
def test_every_attribute_leaves_a_mark(name: str) -> None:
    """All else equal. `Attractive` has none by design; `No_Beard` is the absence of four others."""
    base = YOUNG_MAN - {name}
    hair = set[str]() if name in COLOURS or name == "Bald" else {"Brown_Hair"}
    with_it, without = pictured(base | hair | {name}), pictured(base | {"Brown_Hair"})
    changed = np.abs(with_it.astype(int) - without).max(axis=2) > 25
    assert changed.sum() >= 4


def test_one_attribute_is_a_coin_and_nothing_else() -> None:
    np.testing.assert_array_equal(pictured(YOUNG_MAN | {"Attractive"}), pictured(YOUNG_MAN))


def pictured(traits: Iterable[str], hidden: bool = False) -> np.ndarray:
    return picture(frozenset(traits), hidden, 64, np.random.default_rng(1))
