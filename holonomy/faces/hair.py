"""Hair colours, and light that hides them."""

import numpy as np

from holonomy.faces.attributes import Traits
from holonomy.faces.canvas import Colour

LIGHTING = 0.8
"""Default share of faces in hiding light."""

COLOURS: dict[str, Colour] = {
    "Black_Hair": (0.08, 0.07, 0.08),
    "Brown_Hair": (0.40, 0.25, 0.14),
    "Blond_Hair": (0.90, 0.76, 0.42),
    "Gray_Hair": (0.64, 0.64, 0.66),
}
PAIRS = (("Black_Hair", "Brown_Hair"), ("Blond_Hair", "Gray_Hair"))
"""Colours that hiding light brings to their midpoint."""
_STUBBLE: Colour = (0.35, 0.28, 0.24)
_SPREAD = 0.02


def hair_colour(traits: Traits, hidden: bool, random: np.random.Generator) -> Colour:
    """The colour that brows, beard and hair are drawn in.

    In hiding light, black and brown hair have one and the same distribution of colours, and so have blond and gray:
    nothing in the picture then tells which of the two labels holds. Otherwise the spread of each colour is a tenth of
    the distance between the two or less.

    Args:
        traits: Attributes of the face.
        hidden: Whether it stands in hiding light.
        random: Source of the spread.
    """
    named = next((name for name in COLOURS if name in traits), None)
    colour = np.array(_STUBBLE if named is None else COLOURS[named])
    if hidden and named is not None:
        pair = next(pair for pair in PAIRS if named in pair)
        colour = (np.array(COLOURS[pair[0]]) + np.array(COLOURS[pair[1]])) / 2
    red, green, blue = np.clip(colour + _SPREAD * random.standard_normal(3), 0, 1)
    return float(red), float(green), float(blue)


def shade(colour: Colour, factor: float) -> Colour:
    """A colour made darker (below 1) or lighter."""
    red, green, blue = (min(1.0, value * factor) for value in colour)
    return red, green, blue
