import torch

from workers.brackets.gradients import first_order


def test_losses_and_gradients_are_those_of_single_examples(problem) -> None:
    found = first_order(problem.functional, problem.inputs, problem.targets)
    torch.testing.assert_close(found.losses, problem.reference.losses)
    flat = torch.cat([tensor.reshape(len(found), -1) for tensor in found.gradients.values()], 1)
    torch.testing.assert_close(flat, problem.reference.gradients)
    assert torch.equal(torch.cat(list(found.flat.values()), 1), flat)
