import pytest
import torch

from workers.brackets import means as module
from workers.brackets.means import mean_gradient, mean_loss, mean_product
from workers.brackets.vectors import flat, shaped


@pytest.mark.parametrize("chunk", [1, 4, 64])
def test_means_of_a_batch(problem, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", chunk)
    functional, reference = problem.functional, problem.reference
    given = problem.inputs, problem.targets
    direction = torch.randn(reference.gradients.shape[1], dtype=torch.float64)
    assert mean_loss(functional, functional.parameters, *given) == pytest.approx(float(reference.losses.mean()))
    torch.testing.assert_close(flat(mean_gradient(functional, *given)), reference.gradients.mean(0))
    product = mean_product(functional, *given, shaped(direction, functional.parameters))
    torch.testing.assert_close(flat(product), reference.hessians.mean(0) @ direction)


def test_float32_examples_add_up_in_float64(problem_of) -> None:
    problem = problem_of("mlp-mish-bce", torch.float32)
    gradient = mean_gradient(problem.functional, problem.inputs, problem.targets)
    assert {tensor.dtype for tensor in gradient.values()} == {torch.float64}
