"""Synthetic faces on disk, in the layout of CelebA, with what made them beside it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from holonomy.errors import BadFile
from holonomy.faces import attributes, hair
from holonomy.faces.attributes import NAMES
from holonomy.faces.portraits import portrait
from holonomy.importers.celeba import ATTRIBUTES, IMAGES, PARTITION, PARTITIONS
from holonomy.importers.extras import needed

PARAMETERS, LIGHT = "faces.json", "list_light.txt"
"""Files beside CelebA's own: the parameters, and which faces stand in hiding light."""
_SHARES = {"train": 0.8, "valid": 0.1, "test": 0.1}


@dataclass(frozen=True)
class Parameters:
    """What faces are a function of.

    Attributes:
        count: Number of faces: four fifths train, a tenth valid, a tenth test, in order.
        size: Side of a picture in pixels.
        seed: Seed of all draws; face k is the same whatever the count.
        lighting: Share of faces, on average, in light that hides which of two colours the hair has.
    """

    count: int = 2_000
    size: int = 64
    seed: int = 0
    lighting: float = hair.LIGHTING


def write(folder: str | Path, parameters: Parameters) -> None:
    """Draw faces into a new or empty folder.

    Pixels are a pure function of the parameters, bitwise on one machine and set of versions; files are JPEG of
    quality 95 without subsampling of colours.

    Raises:
        BadFile: the folder is not empty.
        Unconfigured: Pillow is not installed.
    """
    root = Path(folder)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise BadFile(f"{root} is not an empty folder: name a new one for the faces")
    encode = needed("PIL.Image", "images", "writing pictures").fromarray
    (root / IMAGES).mkdir(parents=True)
    rows, parts, light = list[str](), list[str](), list[str]()
    for index in range(parameters.count):
        made = portrait(index, parameters.seed, parameters.size, parameters.lighting)
        name = f"{index + 1:06d}.jpg"
        encode(made.pixels).save(root / IMAGES / name, format="JPEG", quality=95, subsampling=0)
        values = " ".join(f"{1 if attribute in made.traits else -1:2d}" for attribute in NAMES)
        rows.append(f"{name} {values}\n")
        parts.append(f"{name} {_part(index, parameters.count)}\n")
        light.append(f"{name} {int(made.hidden)}\n")
    (root / ATTRIBUTES).write_text(f"{parameters.count}\n{' '.join(NAMES)}\n{''.join(rows)}")
    (root / PARTITION).write_text("".join(parts))
    (root / LIGHT).write_text("".join(light))
    (root / PARAMETERS).write_text(json.dumps(_described(parameters), indent=2) + "\n")


def _part(index: int, count: int) -> int:
    train, valid = round(_SHARES["train"] * count), round(_SHARES["valid"] * count)
    return PARTITIONS["train" if index < train else "valid" if index < train + valid else "test"]


def _described(parameters: Parameters) -> dict[str, object]:
    return {
        "generator": "holonomy.faces",
        **asdict(parameters),
        "ambiguous_pairs": hair.PAIRS,
        "rates": {
            "bald": attributes.BALD,
            "hair_colours_unless_bald": attributes.COLOURS,
            "hair_textures_unless_bald": attributes.TEXTURES,
            "unless_bald": attributes.OF_HAIR,
            "of_male": attributes.OF_MEN,
            "alone": attributes.ALONE,
        },
    }
