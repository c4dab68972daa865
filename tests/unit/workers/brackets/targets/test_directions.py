import pytest
import torch

from tests.support.dense import flatten, logits
from workers.brackets.targets.directions import logit_direction, loss_direction, saved_direction
from workers.brackets.vectors import flat
from workers.errors import UserFault


def test_the_test_loss(problem) -> None:
    q = loss_direction(problem.functional, problem.inputs[:4], problem.targets[:4])
    torch.testing.assert_close(flat(q), problem.reference.gradients[:4].mean(0))


def test_one_logit(problem) -> None:
    q = logit_direction(problem.functional, problem.inputs[2], 1)
    z = torch.autograd.functional.jacobian(
        lambda theta: logits(problem.model, theta, problem.inputs[2:3])[0, 1], flatten(problem.model)
    )
    torch.testing.assert_close(flat(q), z)


def test_an_output_that_is_not_there(problem_of) -> None:
    problem = problem_of("mlp-mish-bce")
    with pytest.raises(UserFault, match=r"which has 3 \(0 … 2\); came 3"):
        logit_direction(problem.functional, problem.inputs[0], 3)


def stored(problem, position: int | None) -> dict[str, torch.Tensor]:
    parameters = problem.functional.parameters
    if position is None:
        return {f"parameters/{name}": tensor + 1 for name, tensor in parameters.items()}
    return {f"kept/{name}": torch.stack([tensor + 1, tensor + 2]) for name, tensor in parameters.items()}


@pytest.mark.parametrize(("prefix", "position"), [("parameters/", None), ("kept/", 1)])
def test_a_saved_direction_has_the_type_of_the_parameters(problem_of, prefix: str, position: int | None) -> None:
    problem = problem_of("mlp-mish-bce", torch.float32)
    arrays = {name: array.double() for name, array in stored(problem, position).items()}
    q = saved_direction(problem.functional, arrays, prefix, position, "tiles/x")
    for name, parameter in problem.functional.parameters.items():
        torch.testing.assert_close(q[name], parameter + 1 + (position or 0))


def test_saved_directions_that_do_not_fit(problem_of) -> None:
    functional = problem_of("mlp-mish-bce").functional
    arrays = stored(problem_of("mlp-mish-bce"), 0)
    name = next(iter(functional.parameters))
    for changed, position, message in (
        ({}, 2, rf"position 2 is not along the first axis of 'kept/{name}' in tiles/x, whose shape is \(2, "),
        ({}, None, r"must be shaped as the parameters"),
        ({f"kept/{name}": arrays[f"kept/{name}"][:, :1]}, 0, r"must be shaped as the parameters: '.*' is \(5, 16\)"),
        ({f"kept/{name}": arrays[f"kept/{name}"] / 0}, 0, "must be finite"),
    ):
        with pytest.raises(UserFault, match=message):
            saved_direction(functional, arrays | changed, "kept/", position, "tiles/x")
    with pytest.raises(UserFault, match=r"needs an array 'other/.*', tiles/x has \['kept/"):
        saved_direction(functional, arrays, "other/", 0, "tiles/x")
