"""What is computed on a GPU is what is computed on the CPU, in float64."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.support.tiles import tile_of, whole
from workers.brackets.frozen import frozen_statistics
from workers.brackets.minibatches import minibatch_brackets
from workers.brackets.orders.orders import Reordering
from workers.brackets.orders.reorderings import reordering_effects
from workers.brackets.paths.generic import Generic
from workers.brackets.targets.projections import project_rows
from workers.brackets.tiles.null import null_defects
from workers.brackets.tiles.recompute import recompute_cancelled
from workers.brackets.tiles.tile import TileTask
from workers.brackets.tiles.verify import StoredPair, verify_pairs
from workers.determinism import deterministic

DEVICE = "cuda"
N = 6
pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def on_device(problem):
    functional = replace(
        problem.functional,
        model=problem.functional.model.to(DEVICE),
        parameters={name: tensor.to(DEVICE) for name, tensor in problem.functional.parameters.items()},
        buffers={name: tensor.to(DEVICE) for name, tensor in problem.functional.buffers.items()},
    )
    inputs, targets = problem.inputs.to(DEVICE), problem.targets.to(DEVICE)
    return replace(problem, functional=functional, inputs=inputs, targets=targets)


def everything(problem) -> dict[str, np.ndarray]:
    """Numbers of every reduction that is not part of a tile."""
    functional, inputs, targets = problem.functional, problem.inputs, problem.targets

    def examples(indices):
        return inputs[list(indices)], targets[list(indices)]

    frozen = frozen_statistics(functional, inputs)
    directions = [{name: torch.ones_like(tensor) for name, tensor in functional.parameters.items()}]
    projected = project_rows(functional, inputs, targets, range(N), directions, 4)
    (minibatch,) = minibatch_brackets(functional, examples, [(0, 1, 2), (2, 3)], [(0, 1)])
    (effect,) = reordering_effects(
        functional, examples, [Reordering((0, 1, 2), (2, 1, 0))], 1e-2, (inputs[:2], targets[:2])
    )
    null = null_defects(functional, inputs, targets, np.arange(N), np.array([[0, 1]]), seed=0)
    stored = StoredPair(0.0, np.zeros(len(functional.parameters)), 0.0, 0.0)
    (verified,) = verify_pairs(functional, inputs, targets, [(0, 1)], [stored])
    return {
        "frozen": frozen.logits(frozen.parameters, inputs).cpu().numpy(),
        "projections": projected.values,
        "minibatch": np.array([minibatch.norm, minibatch.gradient_cosine, minibatch.hvp_norm_bc]),
        "effect": np.array([effect.predicted_norm, effect.exact_norm, effect.predicted_loss, effect.realised_loss]),
        "null": null,
        "verified": np.array([verified.norm]),
    }


@pytest.mark.parametrize("name", ["mlp-mish-bce", "convnet-batchnorm-mish"])
def test_both_devices_agree(problem_of, name: str) -> None:
    with deterministic():
        expected, found = everything(problem_of(name)), everything(on_device(problem_of(name)))
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=1e-8, atol=1e-11, err_msg=key)


def test_cancelled_pairs_are_taken_again_where_the_tile_is(problem_of) -> None:
    problem = problem_of("mlp-mish-bce", torch.float32)
    problem.inputs[3], problem.targets[3] = problem.inputs[0] * (1 + 3e-6), problem.targets[0]
    problem.inputs[4], problem.targets[4] = problem.inputs[1], problem.targets[1]
    problem = on_device(problem)
    shape, everywhere = whole(N), np.ones(15, dtype=np.bool_)
    path, tests = Generic(problem.functional), problem.inputs[:2]
    found = tile_of(path, problem.inputs, problem.targets, shape, 4, tests=tests, kept=[(0, 3)], gauss_newton=True)
    task = TileTask(shape, 4, True, moved=everywhere, kept=np.arange(15) == 2)
    with deterministic():
        flags = recompute_cancelled(path, problem.inputs, problem.targets, found.tile, task, tests)
    assert {tuple(pair) for pair in shape.members()[flags].tolist()} == {(0, 3), (1, 4)}
    assert found.tile.sums.squares.device.type == DEVICE
    assert {tensor.device.type for tensor in found.tile.kept[2].values()} == {"cpu"}
