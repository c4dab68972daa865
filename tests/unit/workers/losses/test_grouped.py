"""Grouped cross-entropy against a reference with an explicit class "none of them", written out."""

import pytest
import torch
from torch import Tensor
from torch.func import grad, hessian, jvp, vmap

from schemas.losses import BinaryCrossEntropy, GroupedCrossEntropy
from workers.errors import UserFault
from workers.losses import example_loss

NAMES = ("a", "b", "c", "d", "e")
SPEC = GroupedCrossEntropy(groups=(("b", "d"), (4,)), reduction="sum")
LOGITS = 2 * torch.randn(4, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
TARGETS = torch.tensor([[1, 0, 0, 1, 0], [0, 1, 1, 0, 1], [1, 0, 0, 0, 0], [0, 0, 1, 0, 1]], dtype=torch.float64)


def reference(z: Tensor, t: Tensor) -> Tensor:
    """−log of the probability of what holds, factor by factor."""
    none = 1 - t[1] - t[3]
    below = 1 + z[1].exp() + z[3].exp()
    group = (t[1] * z[1].exp() + t[3] * z[3].exp() + none) / below
    singles = [(t[k] * z[k].exp() + 1 - t[k]) / (1 + z[k].exp()) for k in (0, 2, 4)]
    return -(group.log() + sum(single.log() for single in singles))


def test_values_gradients_and_hessians_are_those_of_the_product_of_probabilities() -> None:
    loss = example_loss(SPEC, NAMES)
    for z, t in zip(LOGITS, TARGETS, strict=True):
        torch.testing.assert_close(loss(z, t), reference(z, t))
        torch.testing.assert_close(grad(loss)(z, t), grad(reference)(z, t))
        torch.testing.assert_close(hessian(loss)(z, t), hessian(reference)(z, t))


def test_a_batch_is_its_examples_and_derivatives_can_be_vectorised() -> None:
    loss = example_loss(SPEC, NAMES)
    torch.testing.assert_close(loss(LOGITS, TARGETS), torch.stack(list(map(loss, LOGITS, TARGETS))))

    def product(direction: Tensor) -> Tensor:
        return jvp(lambda z: grad(loss)(z, TARGETS[0]), (LOGITS[0],), (direction,))[1]

    directions = torch.randn(3, 5, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    torch.testing.assert_close(vmap(product)(directions), directions @ hessian(reference)(LOGITS[0], TARGETS[0]))


def test_the_hessian_couples_a_group_and_nothing_else() -> None:
    coupled = hessian(example_loss(SPEC, NAMES))(LOGITS[0], TARGETS[0]) != 0
    assert {(i, j) for i, j in coupled.nonzero().tolist() if i < j} == {(1, 3)}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_groups_of_one_are_binary_cross_entropy(reduction: str) -> None:
    grouped = example_loss(GroupedCrossEntropy(groups=((0,), (1,)), reduction=reduction), NAMES)
    binary = example_loss(BinaryCrossEntropy(reduction=reduction), NAMES)
    torch.testing.assert_close(grouped(LOGITS, TARGETS), binary(LOGITS, TARGETS))


def test_large_logits_stay_finite() -> None:
    z = torch.tensor([300.0, -300.0, 0.0, 300.0, -300.0])
    assert grad(example_loss(SPEC, NAMES))(z, torch.zeros(5)).isfinite().all()


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ((("a", "z"),), "names the label 'z'; the data has a, b, c, d, e"),
        ((("a", "B"),), "did you mean .b.\\?"),
        (((0, 5),), "names output 5, but the data has 5 labels from 0"),
        ((("a", 1), ("b", 2)), "an output is in one group, once; the groups hold 'b' by name and by number"),
    ],
)
def test_groups_that_do_not_fit_the_data(groups, message: str) -> None:
    with pytest.raises(UserFault, match=message):
        example_loss(GroupedCrossEntropy(groups=groups), NAMES)
