from fractions import Fraction
from math import fsum, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workers.replicas.distances.parameters import ROWS, WIDTH, parameter_distances

SHAPES = {"weight": (2, WIDTH // 2 + 1), "bias": (7,), "none": (0,), "scalar": ()}


def stack(R: int, spread: float, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    baseline = {name: torch.randn(shape, generator=draw) for name, shape in SHAPES.items()}
    noise = {name: torch.randn((R, *shape), generator=draw) for name, shape in SHAPES.items()}
    return {name: (tensor + spread * noise[name]).to(dtype) for name, tensor in baseline.items()}


def exact(w: Tensor, v: Tensor) -> tuple[float, float, float]:
    """‖w − v‖ with p = 1, 2, ∞ from exact differences."""
    pairs = zip(w.flatten().tolist(), v.flatten().tolist(), strict=True)
    gaps = [abs(Fraction(a) - Fraction(b)) for a, b in pairs]
    return float(sum(gaps)), sqrt(fsum(float(gap * gap) for gap in gaps)), float(max(gaps, default=0))


@pytest.mark.parametrize("spread", [1.0, 1e-7])
def test_distances_are_those_of_exact_differences(spread: float) -> None:
    parameters = stack(3, spread)
    found = parameter_distances(parameters)
    for place, tensor in enumerate(parameters.values()):
        for member in (0, 2):
            absolute, distance, largest = exact(tensor[member], tensor[0])
            assert found.absolute[member, place] == pytest.approx(absolute, rel=1e-12)
            assert np.sqrt(found.squares[member, place]) == pytest.approx(distance, rel=1e-12)
            assert found.largest[member, place] == largest
    whole = torch.cat([tensor.reshape(3, -1) for tensor in parameters.values()], 1)
    assert found.distance[2] == pytest.approx(exact(whole[2], whole[0])[1], rel=1e-12)
    np.testing.assert_allclose(found.norm, whole.double().norm(dim=1).numpy(), rtol=1e-12)


def test_cosines_are_those_of_products() -> None:
    parameters = {name: tensor.double() for name, tensor in stack(4, 1.0).items()}
    found = parameter_distances(parameters)
    for place, name in enumerate(("weight", "bias")):
        flat = parameters[name].reshape(4, -1)
        expected = torch.nn.functional.cosine_similarity(flat, flat[:1])
        np.testing.assert_allclose(found.tensor_cosine[:, place], expected.numpy(), atol=1e-14)
    whole = torch.cat([tensor.reshape(4, -1) for tensor in parameters.values()], 1)
    expected = torch.nn.functional.cosine_similarity(whole, whole[:1])
    np.testing.assert_allclose(found.cosine, expected.numpy(), atol=1e-14)


@settings(max_examples=50)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=20))
def test_equal_members_have_distance_zero_and_cosine_one_exactly(values: list[float]) -> None:
    found = parameter_distances({"w": torch.tensor([values, values], dtype=torch.float32)})
    assert found.distance[1] == found.absolute[1, 0] == found.largest[1, 0] == 0
    assert found.cosine[1] == 1 or (np.isnan(found.cosine[1]) and found.norm[0] < 1e-70)


def test_opposite_and_vanishing_tensors() -> None:
    found = parameter_distances({"w": torch.tensor([[3.0, 4.0], [-3.0, -4.0], [0.0, 0.0]])})
    assert found.cosine[:2].tolist() == [1, -1]
    assert np.isnan(found.cosine[2])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_other_members_change_no_bit(dtype: torch.dtype) -> None:
    parameters = stack(ROWS + 3, 0.1, dtype)
    copies = {name: tensor.clone() for name, tensor in parameters.items()}
    found = parameter_distances(parameters)
    assert all(torch.equal(tensor, copies[name]) for name, tensor in parameters.items())
    for members in ([0], [0, 5], [0, ROWS + 2, 1], [0, *range(ROWS + 2, 0, -1)]):
        part = parameter_distances({name: tensor[members] for name, tensor in parameters.items()})
        for name in ("absolute", "squares", "largest", "norm_squares"):
            np.testing.assert_array_equal(getattr(part, name), getattr(found, name)[members])
        np.testing.assert_array_equal(part.distance, found.distance[members])
        np.testing.assert_array_equal(part.cosine, found.cosine[members])


@pytest.mark.parametrize("strange", [torch.nan, torch.inf])
def test_members_that_are_not_finite_disturb_nobody(strange: float) -> None:
    parameters = stack(4, 0.1)
    before = parameter_distances(parameters)
    parameters["bias"][2, 1] = strange
    after = parameter_distances(parameters)
    assert not np.isfinite(after.norm[2])
    assert not np.isfinite(after.distance[2])
    np.testing.assert_array_equal(after.distance[[0, 1, 3]], before.distance[[0, 1, 3]])
