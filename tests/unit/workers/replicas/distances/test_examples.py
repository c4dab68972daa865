import numpy as np
import pytest
import torch

from workers.data import Dataset, Split
from workers.data.pixels import Pixels
from workers.replicas.distances import Examples
from workers.replicas.distances.examples import drawn


def dataset(train: int = 50, test: int = 20) -> Dataset:
    def split(count: int) -> Split:
        return Split(torch.arange(count).double().reshape(-1, 1), torch.arange(count) % 2)

    return Dataset(split(train), split(test), ("a", "b"), "none")


def test_examples_are_a_choice_without_repeats_in_order() -> None:
    chosen = drawn(30, 50, 1, 0)
    assert len(np.unique(chosen)) == 30
    assert (np.diff(chosen) > 0).all()
    assert 0 <= chosen[0] < chosen[-1] < 50


def test_the_seed_and_the_split_decide_the_choice() -> None:
    np.testing.assert_array_equal(drawn(30, 50, 1, 0), drawn(30, 50, 1, 0))
    assert not np.array_equal(drawn(30, 50, 1, 0), drawn(30, 50, 2, 0))
    assert not np.array_equal(drawn(30, 50, 1, 0), drawn(30, 50, 1, 1))


@pytest.mark.parametrize("count", ["all", 50, 51])
def test_of_small_splits_all_are_taken(count: int | str) -> None:
    np.testing.assert_array_equal(drawn(count, 50, 1, 0), np.arange(50))


def test_inputs_and_labels_are_those_of_the_numbers() -> None:
    data = dataset()
    examples = Examples.drawn(10, "all", 3, data)
    numbers = drawn(10, 50, 3, 0)
    assert examples.train.inputs.flatten().tolist() == numbers.tolist()
    assert examples.train.labels.tolist() == (numbers % 2).tolist()
    assert examples.test is data.test


def test_at_checkpoints_all_are_taken() -> None:
    data = dataset()
    examples = Examples.everything(data)
    assert (examples.train, examples.test) == (data.train, data.test)


def test_pixels_stay_pixels() -> None:
    stored = torch.arange(60, dtype=torch.uint8).reshape(20, 3, 1, 1)
    ones = torch.ones(3, 1, 1, dtype=torch.float64)
    split = Split(Pixels(stored, 0 * ones, ones / 255, torch.float32), torch.arange(20) % 2)
    examples = Examples.drawn(5, 5, 0, Dataset(split, split, ("a", "b"), "-"))
    assert isinstance(examples.train.inputs, Pixels)
    torch.testing.assert_close(examples.train.inputs[:5], stored[drawn(5, 20, 0, 0)].float())
