"""Widths and lengths of MXResNets: for those who build them, and for those who only need their size."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Layout:
    """A residual network's stem and stages.

    Attributes:
        stem: Output channels of the three convolutions.
        stages: Channels of each stage, before expansion.
        blocks: Blocks in each stage; every stage but the first begins with a strided one.
        expansion: 1 for branches of two 3×3 convolutions; else branches of 1×1, 3×3 and 1×1, the last with this many
            times the stage's channels.
    """

    stem: tuple[int, int, int]
    stages: tuple[int, ...]
    blocks: tuple[int, ...]
    expansion: int


_STEM, _STAGES = (32, 64, 64), (64, 128, 256, 512)
LAYOUTS: dict[Literal[18, 34, 50], Layout] = {
    18: Layout(_STEM, _STAGES, (2, 2, 2, 2), 1),
    34: Layout(_STEM, _STAGES, (3, 4, 6, 3), 1),
    50: Layout(_STEM, _STAGES, (3, 4, 6, 3), 4),
}
