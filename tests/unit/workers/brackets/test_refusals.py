import pytest
import torch

from workers.brackets.refusals import refusals
from workers.errors import UserFault


def test_a_branch_on_a_value_is_refused() -> None:
    def branching(x: torch.Tensor) -> torch.Tensor:
        return x if float(x) > 0 else -x

    with pytest.raises(UserFault, match=r"that torch\.func can differentiate twice .* refused it: vmap"), refusals():
        torch.func.vmap(branching)(torch.ones(2))


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), refusals():
        torch.zeros(2, 3) @ torch.zeros(2, 3)
