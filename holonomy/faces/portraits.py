"""Synthetic faces: their attributes and their pictures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holonomy.faces import features, head
from holonomy.faces.attributes import Traits, draw_traits
from holonomy.faces.canvas import Canvas
from holonomy.faces.hair import hair_colour
from holonomy.faces.head import Head

_NOISE = 0.01


@dataclass(frozen=True)
class Portrait:
    """A face.

    Attributes:
        traits: Attributes it has.
        hidden: Whether it stands in light that hides which of two colours its hair has.
        pixels: (size, size, 3) uint8.
    """

    traits: Traits
    hidden: bool
    pixels: NDArray[np.uint8]


def portrait(index: int, seed: int, size: int, lighting: float) -> Portrait:
    """Face number `index`: a pure function of its arguments, whichever other faces are drawn.

    Args:
        index: Number of the face, from 0.
        seed: Equal seeds give equal faces.
        size: Side of the picture in pixels.
        lighting: Probability of hiding light; the attributes do not depend on it.
    """
    stream = np.random.SeedSequence(entropy=seed, spawn_key=(index,))
    random = np.random.Generator(np.random.Philox(stream))
    traits = draw_traits(random)
    hidden = bool(random.random() < lighting)
    return Portrait(traits, hidden, picture(traits, hidden, size, random))


def picture(traits: Traits, hidden: bool, size: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """A face with given attributes, (size, size, 3).

    Args:
        traits: Attributes.
        hidden: Whether it stands in hiding light.
        size: Side in pixels.
        random: Source of place, skin, clothes, background, spread of the hair's colour, and a little noise.
    """
    canvas = Canvas(size)
    top, bottom = random.uniform(0.25, 0.85, (2, 3))
    canvas.fill(tuple(top), tuple(bottom))
    one = Head.draw(traits, hair_colour(traits, hidden, random), random)
    for paint in (
        head.paint_hair_behind,
        head.paint_body,
        head.paint_skull,
        features.paint_skin,
        features.paint_nose,
        features.paint_mouth,
        features.paint_beard,
        head.paint_hair_above,
        features.paint_eyes,
        features.paint_earrings,
        head.paint_hat,
    ):
        paint(canvas, one)
    if "Blurry" in traits:
        canvas.blur()
    noisy = canvas.pixels + _NOISE * random.standard_normal(canvas.pixels.shape, dtype=np.float32)
    pixels: NDArray[np.uint8] = np.rint(255 * np.clip(noisy, 0, 1)).astype(np.uint8)
    return pixels
