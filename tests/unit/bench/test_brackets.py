"""The baseline is right: the textbook equals whole Hessians, and the bench tells right norms from wrong ones."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bench.brackets.engine import check_norms, tile_shapes, tiles
from bench.brackets.perturbations import check_perturbations
from bench.brackets.subjects import Subject, subject
from bench.brackets.textbook import textbook_norms
from schemas.models import ConvNet, Mlp
from tests.support.dense import dense

N, K = 4, 2


def in_double(given: Subject) -> Subject:
    return replace(
        given,
        functional=given.functional.double(),
        path=given.path.double(),
        inputs=given.inputs.double(),
        targets=given.targets.double(),
    )


@pytest.fixture(params=["mlp", "convnet"])
def small(request: pytest.FixtureRequest) -> Subject:
    """A model of a few dozen parameters in float64."""
    spec, shape = {
        "mlp": (Mlp(hidden=(4, 3), activation="gelu"), (3,)),
        "convnet": (ConvNet(channels=(2,)), (1, 3, 3)),
    }[request.param]
    return in_double(subject(spec, shape, N, torch.device("cpu"), K=K))


def norms_from_hessians(given: Subject) -> Tensor:
    """‖[v_x, v_y]‖ of every tensor, (N, N, n), from whole Hessian matrices."""
    model = given.functional.model.double()
    reference = dense(model, given.functional.loss, given.inputs, given.targets)
    brackets = (reference.bracket(x, y).split(reference.sizes) for x in range(N) for y in range(N))
    return torch.stack([torch.stack([part.norm() for part in bracket]) for bracket in brackets]).reshape(N, N, -1)


def test_both_textbooks_equal_whole_hessians(small: Subject) -> None:
    expected = norms_from_hessians(small)
    for chunk_size in (None, 1):
        norms = textbook_norms(small.functional, small.inputs, small.targets, chunk_size)
        torch.testing.assert_close(norms, expected, rtol=1e-9, atol=1e-12)


def test_the_engine_passes_the_check_and_a_wrong_one_does_not(small: Subject) -> None:
    norms = textbook_norms(small.functional, small.inputs, small.targets)
    shapes = list(tile_shapes(N, N))
    [tile] = tiles(small, shapes)
    check_norms(tile, norms, 1e-7)
    with pytest.raises(RuntimeError, match="norms must agree to 1e-07 relative"):
        check_norms(tile, norms * (1 + 1e-6), 1e-7)


@pytest.mark.parametrize(("count", "edge"), [(7, 3), (6, 3), (5, 8)])
def test_tiles_hold_every_pair_once(count: int, edge: int) -> None:
    pairs = [tuple(pair) for shape in tile_shapes(count, edge) for pair in shape.members().tolist()]
    assert sorted(pairs) == [(a, b) for a in range(count) for b in range(a + 1, count)]


@pytest.mark.parametrize("ours", [None, torch.tensor([1.0, 2.1])])
def test_wrong_perturbations_do_not_pass(ours: Tensor | None) -> None:
    right = torch.tensor([1.0, 2.0])
    check_perturbations(right, right)
    with pytest.raises(RuntimeError, match="must equal those of a jvp"):
        check_perturbations(ours, right)
