"""Soft-edged shapes on a small picture.

Coordinates run from −1 to 1, x to the right and y down; lengths are in the same unit.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Colour = tuple[float, float, float]
"""Red, green and blue from 0 to 1."""


class Canvas:
    """A square picture (size, size, 3) of values from 0 to 1 that shapes are painted on."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pixels: Floats = np.zeros((size, size, 3), np.float32)
        centres = ((2 * np.arange(size) + 1) / size - 1).astype(np.float32)
        self.x: Floats = centres[None, :]
        self.y: Floats = centres[:, None]

    def fill(self, top: Colour, bottom: Colour) -> None:
        """A gradient from top to bottom over everything."""
        share = (self.y[:, :, None] + 1) / 2
        self.pixels[:] = (1 - share) * np.array(top, np.float32) + share * np.array(bottom, np.float32)

    def ellipse(
        self, x: float, y: float, half_width: float, half_height: float, colour: Colour, opacity: float = 1
    ) -> None:
        """A filled ellipse around (x, y)."""

        def distance(u: Floats, v: Floats) -> Floats:
            radius: Floats = np.sqrt(((u - x) / half_width) ** 2 + ((v - y) / half_height) ** 2)
            return (radius - 1) * min(half_width, half_height)

        self._paint((x - half_width, y - half_height, x + half_width, y + half_height), distance, colour, opacity)

    def ring(self, x: float, y: float, radius: float, width: float, colour: Colour, opacity: float = 1) -> None:
        """A circle of a line of some width."""

        def distance(u: Floats, v: Floats) -> Floats:
            off: Floats = np.abs(np.hypot(u - x, v - y) - radius)
            return off - width / 2

        reach = radius + width
        self._paint((x - reach, y - reach, x + reach, y + reach), distance, colour, opacity)

    def arc(
        self,
        x: float,
        y: float,
        half_width: float,
        bend: float,
        width: float,
        colour: Colour,
        opacity: float = 1,
    ) -> None:
        """A line through (x, y) whose ends lie `bend` lower (higher, when negative)."""

        def distance(u: Floats, v: Floats) -> Floats:
            along = (u - x) / half_width
            off = np.abs(v - y - bend * along**2) - width / 2
            away: Floats = np.maximum(off, (np.abs(along) - 1) * half_width)
            return away

        low, high = y + min(bend, 0) - width, y + max(bend, 0) + width
        self._paint((x - half_width, low, x + half_width, high), distance, colour, opacity)

    def block(
        self,
        x: float,
        top: float,
        bottom: float,
        half_width_top: float,
        half_width_bottom: float,
        colour: Colour,
        opacity: float = 1,
    ) -> None:
        """A trapezium between two heights, symmetric about x."""

        def distance(u: Floats, v: Floats) -> Floats:
            share = (v - top) / (bottom - top)
            half_width = half_width_top + share * (half_width_bottom - half_width_top)
            away: Floats = np.maximum(np.abs(u - x) - half_width, np.maximum(top - v, v - bottom))
            return away

        reach = max(half_width_top, half_width_bottom)
        self._paint((x - reach, top, x + reach, bottom), distance, colour, opacity)

    def blur(self) -> None:
        """Replace each value twice by the mean of the nine around it."""
        for _ in range(2):
            padded = np.pad(self.pixels, ((1, 1), (1, 1), (0, 0)), mode="edge")
            rows = padded[:-2] + padded[1:-1] + padded[2:]
            self.pixels = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9

    def _paint(
        self,
        box: tuple[float, float, float, float],
        distance: Callable[[Floats, Floats], Floats],
        colour: Colour,
        opacity: float,
    ) -> None:
        """Blend a colour in where the signed distance is negative, over an edge of one pixel; only in the box."""
        left, top, right, bottom = (self._pixel(edge, up) for edge, up in zip(box, (0, 0, 1, 1), strict=True))
        part = self.pixels[top:bottom, left:right]
        away = distance(self.x[:, left:right], self.y[top:bottom])
        cover = np.clip(0.5 - away * (self.size / 2), 0, 1) * opacity
        part += cover[:, :, None] * (np.array(colour, np.float32) - part)

    def _pixel(self, at: float, up: int) -> int:
        """The pixel that a coordinate lies in, one further out; within the picture."""
        return min(self.size, max(0, int((at + 1) * self.size / 2) + (2 if up else -1)))
