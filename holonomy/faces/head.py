"""What a face is placed on: where it is, how wide, in which skin; and the parts that lie behind and around it."""

from dataclasses import dataclass

import numpy as np

from holonomy.faces.attributes import Traits
from holonomy.faces.canvas import Canvas, Colour
from holonomy.faces.hair import shade

_SKINS: tuple[Colour, ...] = ((0.88, 0.70, 0.58), (0.78, 0.58, 0.45), (0.62, 0.43, 0.32))
_PALE: Colour = (0.97, 0.90, 0.86)
GOLD: Colour = (1.0, 0.84, 0.2)
"""Of necklaces and earrings."""
_RED: Colour = (0.75, 0.08, 0.1)
_BLUE: Colour = (0.15, 0.45, 0.6)
_SHINE: Colour = (1.0, 0.97, 0.92)
_CLOTHES: tuple[Colour, ...] = ((0.25, 0.35, 0.55), (0.55, 0.25, 0.30), (0.30, 0.45, 0.30), (0.75, 0.75, 0.78))


@dataclass(frozen=True)
class Head:
    """Place, size and colours of a face.

    Attributes:
        x: Centre.
        y: Centre.
        half_width: Of the face.
        half_height: Of the face.
        skin: Colour.
        hair: Colour that hair is drawn in.
        clothes: Colour.
        traits: Attributes.
    """

    x: float
    y: float
    half_width: float
    half_height: float
    skin: Colour
    hair: Colour
    clothes: Colour
    traits: Traits

    @classmethod
    def draw(cls, traits: Traits, hair: Colour, random: np.random.Generator) -> "Head":
        """A head somewhere near the middle, in one of a few skins and clothes."""
        x, y = random.uniform(-0.05, 0.05, 2)
        half_width, half_height = 0.4 * random.uniform(0.96, 1.04), 0.5 * random.uniform(0.96, 1.04)
        half_width *= 1.2 if "Chubby" in traits else 1.0
        if "Oval_Face" in traits:
            half_width, half_height = 0.9 * half_width, 1.1 * half_height
        skin = _SKINS[random.integers(len(_SKINS))]
        clothes = _CLOTHES[random.integers(len(_CLOTHES))]
        return cls(
            float(x),
            float(y),
            half_width,
            half_height,
            _PALE if "Pale_Skin" in traits else skin,
            hair,
            clothes,
            traits,
        )

    @property
    def chin(self) -> float:
        """Its height."""
        return self.y + self.half_height

    @property
    def crown(self) -> float:
        """Upper end of the face."""
        return self.y - self.half_height


def paint_hair_behind(canvas: Canvas, head: Head) -> None:
    """Hair that frames the face: to the shoulders without `Male`, its outline in bumps with `Wavy_Hair`."""
    if "Bald" in head.traits:
        return
    wide, top = head.half_width + 0.12, head.crown - 0.1
    bottom = head.y + (0.0 if "Male" in head.traits else 0.62)
    canvas.ellipse(head.x, head.y - 0.1, wide, head.y - 0.1 - top, head.hair)
    if bottom > head.y:
        canvas.block(head.x, head.y - 0.1, bottom, wide, wide - 0.04, head.hair)
    if "Wavy_Hair" in head.traits:
        for height in np.arange(head.y - 0.3, bottom + 0.1, 0.17):
            for side in (-1, 1):
                canvas.ellipse(head.x + side * wide, float(height), 0.09, 0.09, head.hair)
    if "Straight_Hair" in head.traits:
        for side in (-1, 1):
            for inset in (0.02, 0.08):
                x = head.x + side * (wide - inset)
                canvas.block(x, head.y - 0.35, max(bottom, head.y) - 0.03, 0.012, 0.012, shade(head.hair, 1.5), 0.9)


def paint_body(canvas: Canvas, head: Head) -> None:
    """Neck, shoulders and what is worn there."""
    neck = 0.24 if "Male" in head.traits else 0.16
    canvas.block(head.x, head.y, 0.9, neck, neck + 0.04, shade(head.skin, 0.88))
    canvas.ellipse(head.x, 1.15, 0.85, 0.38, head.clothes)
    canvas.ellipse(head.x, 0.78, neck, 0.1, shade(head.skin, 0.88))
    if "Wearing_Necklace" in head.traits:
        canvas.arc(head.x, 0.84, neck + 0.06, -0.12, 0.05, GOLD)
    if "Wearing_Necktie" in head.traits:
        canvas.block(head.x, 0.80, 0.88, 0.07, 0.05, _RED)
        canvas.block(head.x, 0.88, 1.05, 0.05, 0.11, _RED)


def paint_skull(canvas: Canvas, head: Head) -> None:
    """Ears and face, with a broad jaw with `Male`, and a second chin."""
    for side in (-1, 1):
        canvas.ellipse(head.x + side * head.half_width, head.y, 0.07, 0.11, shade(head.skin, 0.9))
    if "Double_Chin" in head.traits:
        canvas.ellipse(head.x, head.chin - 0.06, 0.7 * head.half_width, 0.17, shade(head.skin, 0.68))
    canvas.ellipse(head.x, head.y, head.half_width, head.half_height, head.skin)
    if "Male" in head.traits:
        canvas.block(
            head.x, head.y + 0.05, head.chin - 0.06, head.half_width - 0.01, 0.62 * head.half_width, head.skin
        )


def paint_hair_above(canvas: Canvas, head: Head) -> None:
    """Hair over the forehead, with bangs or a receding line, and sideburns."""
    if "Sideburns" in head.traits:
        for side in (-1, 1):
            canvas.block(head.x + side * (head.half_width - 0.05), head.y - 0.1, head.y + 0.2, 0.06, 0.04, head.hair)
    if "Bald" in head.traits:
        canvas.ellipse(head.x - 0.1, head.crown + 0.12, 0.1, 0.05, _SHINE, 0.7)
        return
    line = head.crown + 0.18
    canvas.arc(head.x, head.crown + 0.06, head.half_width - 0.02, 0.2, 0.24, head.hair)
    if "Receding_Hairline" in head.traits:
        for side in (-1, 1):
            canvas.ellipse(head.x + side * 0.2, line - 0.02, 0.13, 0.14, head.skin)
    if "Bangs" in head.traits:
        canvas.block(
            head.x, head.crown + 0.05, head.y - 0.22, 0.6 * head.half_width, 0.75 * head.half_width, head.hair
        )
    if "Wavy_Hair" in head.traits:
        for offset in (-0.24, 0.0, 0.24):
            canvas.ellipse(head.x + offset, head.crown - 0.1, 0.13, 0.1, head.hair)
    if "Straight_Hair" in head.traits:
        for offset in (-0.2, -0.07, 0.07, 0.2):
            canvas.block(head.x + offset, head.crown - 0.06, line - 0.06, 0.012, 0.012, shade(head.hair, 1.5), 0.9)


def paint_hat(canvas: Canvas, head: Head) -> None:
    """A cap with a brim; hair shows below it."""
    if "Wearing_Hat" in head.traits:
        top = max(-0.98, head.crown - 0.25)
        canvas.block(head.x, top, head.crown + 0.1, head.half_width - 0.02, head.half_width + 0.1, _BLUE)
        canvas.block(
            head.x,
            head.crown + 0.06,
            head.crown + 0.14,
            head.half_width + 0.24,
            head.half_width + 0.24,
            shade(_BLUE, 0.68),
        )
