"""A dataset in the format of MNIST that no bench has to fetch: random images with labels that take turns."""

import struct
from pathlib import Path

import numpy as np

SIDE, LABELS, SEED = 28, 10, 0


def write_idx(folder: Path, train: int, test: int) -> None:
    """Write so many images of 28×28 with labels that take turns into a new folder."""
    folder.mkdir()
    generator = np.random.default_rng(SEED)
    for stem, examples in (("train", train), ("t10k", test)):
        images = generator.integers(256, size=(examples, SIDE, SIDE), dtype=np.uint8)
        labels = np.arange(examples, dtype=np.uint8) % LABELS
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (folder / f"{stem}-{kind}-ubyte").write_bytes(header + array.tobytes())
