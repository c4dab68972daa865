import torch

from tests.support.perceptrons import perceptron
from workers.brackets.paths.structured.network import Network
from workers.brackets.paths.structured.state import State, first_order


def state(problem) -> State:
    return first_order(Network.of(problem.functional), problem.loss, problem.inputs, problem.targets)


def test_losses_and_squares_agree_with_whole_gradients() -> None:
    problem = perceptron()
    found, reference = state(problem), problem.reference
    torch.testing.assert_close(found.losses, reference.losses)
    squares = torch.stack([part.square().sum(1) for part in reference.gradients.split(reference.sizes, dim=1)], dim=1)
    torch.testing.assert_close(found.squares(), squares, rtol=1e-12, atol=0)


def test_deltas_and_activations_make_up_the_gradient() -> None:
    problem = perceptron()
    found, reference = state(problem), problem.reference
    parts = [
        torch.cat([torch.einsum("mi,mj->mij", delta, a).flatten(1), delta], dim=1)
        for delta, a in zip(found.deltas, found.activations, strict=True)
    ]
    torch.testing.assert_close(torch.cat(parts, dim=1), reference.gradients)


def test_the_output_is_differentiated_in_float64() -> None:
    found = state(perceptron().to(torch.float32))
    assert found.losses.dtype == found.deltas[0].dtype == found.activations[1].dtype == torch.float32
    assert found.logits.dtype == found.deltas[-1].dtype == found.curvatures.dtype == torch.float64


def test_memory_is_that_of_the_tensors_and_not_of_the_parameters() -> None:
    problem = perceptron((6, 50, 40, 3), N=2)
    per_example = 6 + 3 * (50 + 40) + (50 + 40 + 3) + 3 + 3 + 9 + 1  # a, φ′, c; δ; z, targets, S, L
    assert state(problem).nbytes == 2 * 8 * per_example
    assert len(state(problem)) == 2


def test_activations_without_second_derivatives_hold_none() -> None:
    assert state(perceptron(activation="relu")).bends == (None, None)
    assert all(bend is not None for bend in state(perceptron(activation="tanh")).bends)


def test_curvatures_of_many_outputs_are_not_held() -> None:
    assert state(perceptron((4, 65))).curvatures is None
    assert state(perceptron((4, 64))).curvatures is not None
