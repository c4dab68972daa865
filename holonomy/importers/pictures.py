"""Picture files as squares of one size."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from holonomy.errors import BadFile
from holonomy.importers.extras import needed
from holonomy.importers.source import Bytes

CHANNELS = 3
FILTER = "bilinear"


@dataclass(frozen=True)
class Square:
    """How a picture becomes a square of `size` pixels.

    Attributes:
        crop: Side of the centred square cut out, in pixels; None takes the largest one.
        size: Side of the result.
    """

    crop: int | None
    size: int

    def read(self, path: Path) -> Bytes:
        """A picture file as (3, size, size): red, green and blue, turned upright as the file says.

        Raises:
            BadFile: the file cannot be decoded, or is smaller than the crop.
            Unconfigured: Pillow is not installed.
        """
        pillow, upright = _pillow("PIL.Image"), _pillow("PIL.ImageOps").exif_transpose
        try:
            with pillow.open(path) as file:
                picture = upright(file).convert("RGB")
        except FileNotFoundError:
            raise BadFile(f"{path} is not there: fetch the dataset again") from None
        except (OSError, SyntaxError, ValueError, pillow.DecompressionBombError) as error:
            raise BadFile(f"{path} cannot be decoded: {error}; fetch it again or take it out") from None
        box = self._box(path, *picture.size)
        scaled = picture.resize((self.size, self.size), pillow.Resampling.BILINEAR, box=box)
        return np.ascontiguousarray(np.asarray(scaled, dtype=np.uint8).transpose(2, 0, 1))

    def _box(self, path: Path, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom; an odd margin leaves its extra pixel right and below."""
        side = self.crop or min(width, height)
        if side > min(width, height):
            raise BadFile(
                f"{path} has {width}×{height} pixels, too few for a crop of {side}: choose a smaller crop, or none "
                "for the largest square"
            )
        left, top = (width - side) // 2, (height - side) // 2
        return left, top, left + side, top + side


def decoder() -> str:
    """The library that decodes, with its version and that of its JPEG decoder.

    Raises:
        Unconfigured: Pillow is not installed.
    """
    pillow, features = _pillow("PIL"), _pillow("PIL.features")
    turbo = features.version("libjpeg_turbo")
    jpeg = f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version('jpg')}"
    return f"Pillow {pillow.__version__} with {jpeg}"


def _pillow(module: str) -> Any:
    return needed(module, "images", "reading pictures")
