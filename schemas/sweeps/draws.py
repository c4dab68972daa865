"""Random draws that are the same for ever: no generator with a state, but a hash of what is drawn.

A draw depends on (seed, path of the axis, number of the sample) alone, so that another axis, or more samples, leave
those that were there as they were; and on no version of Python or of a library.
"""

import hashlib

from pydantic import JsonValue

from schemas.sweeps.axes import Drawn


def draw(axis: Drawn, seed: int, path: str, sample: int) -> JsonValue:
    """Sample number `sample` of an axis."""
    hashed = hashlib.sha256(f"holonomy sweep {seed} {path} {sample}".encode()).digest()
    return axis.draw(int.from_bytes(hashed, "big"))
