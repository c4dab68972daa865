import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from workers.replicas.distances.columns import Floats
from workers.replicas.dynamics.autocorrelation import correlations

DRAW = torch.Generator().manual_seed(0)


def stacked() -> dict[str, Tensor]:
    return {"w": torch.randn(4, 3, 5, generator=DRAW), "b": 2 + torch.randn(4, 3, generator=DRAW)}


def flat(tensors: dict[str, Tensor], member: int) -> Floats:
    values: Floats = torch.cat([tensors[name][member].reshape(-1) for name in ("w", "b")]).double().numpy()
    return values


def test_it_is_pearsons_correlation_over_all_elements() -> None:
    earlier, later = stacked(), stacked()
    expected = [np.corrcoef(flat(earlier, member), flat(later, member))[0, 1] for member in (0, 2, 3)]
    np.testing.assert_allclose(correlations(earlier, later, (0, 2, 3)), expected, rtol=1e-12)


@given(scale=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_scale_and_common_shift_are_not_seen(scale: float, shift: float) -> None:
    earlier = {name: tensor.double() for name, tensor in stacked().items()}
    later = {name: scale * tensor + shift for name, tensor in earlier.items()}
    np.testing.assert_allclose(correlations(earlier, later, range(4)), 1, rtol=1e-9)
    opposite = {name: -tensor for name, tensor in later.items()}
    np.testing.assert_allclose(correlations(earlier, opposite, range(4)), -1, rtol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e20, float("nan"), float("inf")])
def test_what_is_constant_or_not_finite_has_none_and_spoils_no_other(value: float) -> None:
    earlier, later = stacked(), stacked()
    expected = correlations(earlier, later, range(4))
    for tensor in later.values():
        tensor[1] = value
    found = correlations(earlier, later, range(4))
    assert np.isnan(found[1])
    assert found[[0, 2, 3]].tolist() == expected[[0, 2, 3]].tolist()


def test_a_member_is_correlated_alike_at_any_place() -> None:
    earlier, later = stacked(), stacked()
    turned = ({name: tensor.roll(1, 0) for name, tensor in tensors.items()} for tensors in (earlier, later))
    assert correlations(*turned, (1, 2, 3, 0)).tolist() == correlations(earlier, later, range(4)).tolist()
