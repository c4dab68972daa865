import pytest
import torch
from torch.func import hessian

from schemas.losses import RegistryLoss
from workers.errors import UserFault
from workers.losses import example_loss

NAMES = ("a", "b", "c")


def test_a_factory_gets_its_options(lab: None) -> None:
    loss = example_loss(RegistryLoss(name="power", options={"exponent": 4}), NAMES)
    z, t = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    torch.testing.assert_close(hessian(loss)(z, t), torch.diag(12 * z**2))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("nowhere", {}, "'nowhere' is not installed on the workers in the entry-point group holonomy.losses"),
        ("power", {"base": 2}, "refused its arguments"),
        ("mean-over-batch", {}, r"should map logits \(3, 3\) to losses \(3,\), one per example, it gave \(\)"),
        ("not-a-tensor", {}, "it gave float; leave the sum over examples to Holonomy"),
        ("centred", {}, "'centred' gives an example another loss in a batch than alone"),
        ("breaks", {}, r"'breaks' cannot take logits \(3, 3\): shape .* is invalid"),
    ],
)
def test_what_is_no_loss_of_single_examples(lab: None, name: str, options: dict[str, int], message: str) -> None:
    with pytest.raises(UserFault, match=message):
        example_loss(RegistryLoss(name=name, options=options), NAMES)
