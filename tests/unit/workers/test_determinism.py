import pytest
import torch

from workers.determinism import deterministic, forked_generators
from workers.errors import UserFault


def test_settings_hold_inside_and_are_given_back() -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    with deterministic():
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision(before)


def test_settings_are_given_back_after_an_error() -> None:
    with pytest.raises(KeyError), deterministic():
        raise KeyError
    assert not torch.are_deterministic_algorithms_enabled()


def test_an_operation_without_a_deterministic_form_is_the_users_to_replace() -> None:
    with (
        pytest.raises(UserFault, match="the model uses put_, which has no deterministic implementation"),
        deterministic(),
    ):
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2), accumulate=False)


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), deterministic():
        torch.zeros(2, 3) @ torch.zeros(2, 3)


def test_generators_are_given_back() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with forked_generators(torch.device("cpu")):
        torch.rand(10)
    assert torch.equal(torch.rand(3), expected)
