"""scikit-learn's handwritten digits, which come inside its wheel."""

import torch

from schemas.data import DIGITS_LABELS, DIGITS_TEST, DIGITS_TRAIN
from workers.data.dataset import Dataset, Split


def digits() -> Dataset:
    """1,797 images (1, 8, 8) in their published order: the first 1,437 train, the last 360 test; float64 in [0, 1].

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI repository, 1998 (test part).
    """
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    inputs = torch.from_numpy(pixels / 16.0).reshape(-1, 1, 8, 8)
    labels = torch.from_numpy(classes).to(torch.int64)
    return Dataset(
        train=Split(inputs[:DIGITS_TRAIN], labels[:DIGITS_TRAIN]),
        test=Split(inputs[-DIGITS_TEST:], labels[-DIGITS_TEST:]),
        label_names=tuple(str(label) for label in range(DIGITS_LABELS)),
        normalisation="pixels 0 … 16 divided by 16",
    )
