"""The 40 attributes of CelebA, and how often they occur among synthetic faces.

Rates are near CelebA's. Attributes are independent of one another, except that
- exactly one of the four hair colours holds, or none with `Bald`; black and brown are equally frequent, and so are
  blond and gray, so that a hidden colour is a fair coin;
- `Bangs`, `Receding_Hairline`, `Straight_Hair` and `Wavy_Hair` need hair, and hair is not both straight and wavy;
- `5_o_Clock_Shadow`, `Goatee`, `Mustache` and `Sideburns` occur with `Male` alone;
- `No_Beard` holds where none of those four does.

All leave a mark in the picture but `Attractive`, which is a coin and nothing else.
"""

import numpy as np

Traits = frozenset[str]
"""The attributes that a face has."""

NAMES = (
    "5_o_Clock_Shadow",
    "Arched_Eyebrows",
    "Attractive",
    "Bags_Under_Eyes",
    "Bald",
    "Bangs",
    "Big_Lips",
    "Big_Nose",
    "Black_Hair",
    "Blond_Hair",
    "Blurry",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Chubby",
    "Double_Chin",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Heavy_Makeup",
    "High_Cheekbones",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "No_Beard",
    "Oval_Face",
    "Pale_Skin",
    "Pointy_Nose",
    "Receding_Hairline",
    "Rosy_Cheeks",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necklace",
    "Wearing_Necktie",
    "Young",
)
"""In CelebA's order."""

BALD = 0.04
COLOURS = {"Black_Hair": 0.32, "Brown_Hair": 0.32, "Blond_Hair": 0.18, "Gray_Hair": 0.18}
"""Rates among those who are not bald."""
ALONE = {
    "Arched_Eyebrows": 0.27,
    "Attractive": 0.5,
    "Bags_Under_Eyes": 0.2,
    "Big_Lips": 0.24,
    "Big_Nose": 0.24,
    "Blurry": 0.05,
    "Bushy_Eyebrows": 0.14,
    "Chubby": 0.1,
    "Double_Chin": 0.1,
    "Eyeglasses": 0.1,
    "Heavy_Makeup": 0.3,
    "High_Cheekbones": 0.45,
    "Male": 0.42,
    "Mouth_Slightly_Open": 0.48,
    "Narrow_Eyes": 0.12,
    "Oval_Face": 0.28,
    "Pale_Skin": 0.1,
    "Pointy_Nose": 0.28,
    "Rosy_Cheeks": 0.1,
    "Smiling": 0.48,
    "Wearing_Earrings": 0.19,
    "Wearing_Hat": 0.08,
    "Wearing_Lipstick": 0.4,
    "Wearing_Necklace": 0.12,
    "Wearing_Necktie": 0.1,
    "Young": 0.77,
}
"""Rates of those that depend on nothing."""
OF_MEN = {"5_o_Clock_Shadow": 0.25, "Goatee": 0.15, "Mustache": 0.15, "Sideburns": 0.15}
"""Rates among faces with `Male`."""
OF_HAIR = {"Bangs": 0.16, "Receding_Hairline": 0.1}
TEXTURES = {"Straight_Hair": 0.3, "Wavy_Hair": 0.35}
"""Rates among those who are not bald; the rest of hair is neither."""


def draw_traits(random: np.random.Generator) -> Traits:
    """The attributes of one face."""
    traits = {name for name, rate in ALONE.items() if random.random() < rate}
    beard = {name for name, rate in OF_MEN.items() if random.random() < rate} if "Male" in traits else set[str]()
    traits |= beard or {"No_Beard"}
    if random.random() < BALD:
        return frozenset(traits | {"Bald"})
    traits |= {name for name, rate in OF_HAIR.items() if random.random() < rate}
    traits |= _one_of(COLOURS, random) | _one_of(TEXTURES, random)
    return frozenset(traits)


def _one_of(rates: dict[str, float], random: np.random.Generator) -> set[str]:
    """At most one: none with what the rates leave."""
    at = int(np.searchsorted(np.cumsum(list(rates.values())), random.random(), side="right"))
    return set(list(rates)[at : at + 1])
