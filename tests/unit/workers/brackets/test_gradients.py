import torch

from workers.brackets.gradients import gradients_of


def test_losses_and_gradients_are_those_of_single_examples(problem) -> None:
    found = gradients_of(problem.functional, problem.inputs, problem.targets)
    torch.testing.assert_close(found.losses, problem.reference.losses)
    flat = torch.cat([tensor.reshape(len(found), -1) for tensor in found.gradients.values()], 1)
    torch.testing.assert_close(flat, problem.reference.gradients)
    parts = flat.split(problem.reference.sizes, dim=1)
    torch.testing.assert_close(found.squares(), torch.stack([part.square().sum(1) for part in parts], 1))
