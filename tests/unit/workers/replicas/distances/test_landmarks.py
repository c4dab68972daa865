import numpy as np
import torch
from safetensors.torch import load, save

from workers.replicas.distances import Landmarks


def parameters() -> dict[str, torch.Tensor]:
    return {"w": torch.tensor([[3.0, 4.0]] * 4), "b": torch.tensor([[0.0], [0.0], [0.0], [0.0]])}


def test_the_start_is_the_baselines() -> None:
    landmarks = Landmarks.at_start(parameters())
    assert landmarks.start_norms.tolist() == [5, 0]
    assert landmarks.start_norm == 5
    assert np.isnan(landmarks.first_moves).all()
    assert landmarks.diverged_steps.tolist() == [-1] * 4


def test_only_the_first_move_of_a_member_is_kept() -> None:
    held = parameters()
    held["w"][2, 0] += 1
    landmarks = Landmarks.at_start(parameters()).moved(held, [1, 2])
    np.testing.assert_array_equal(landmarks.first_moves, [np.nan, 0, 1, np.nan])
    held["w"][2:, 0] += 1
    later = landmarks.moved(held, [2, 3])
    np.testing.assert_array_equal(later.first_moves, [np.nan, 0, 1, 1])
    assert later.moved(held, [1, 2]) is later


def test_the_first_look_that_is_not_finite_is_kept() -> None:
    landmarks = Landmarks.at_start(parameters())
    fine = np.array([True] * 4)
    assert landmarks.looked(10, fine) is landmarks
    once = landmarks.looked(20, np.array([True, True, False, True]))
    twice = once.looked(30, np.array([True, True, False, False])).looked(40, fine)
    assert twice.diverged_steps.tolist() == [-1, -1, 20, 30]


def test_what_is_stored_is_what_comes_back() -> None:
    held = parameters()
    held["w"][2] += 0.1
    before = Landmarks.at_start(parameters()).moved(held, [2]).looked(7, np.array([True, False, True, True]))
    after = Landmarks.from_arrays(load(save(before.arrays())))
    for name in ("start_norms", "first_moves", "diverged_steps"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
        assert getattr(after, name).dtype == getattr(before, name).dtype
