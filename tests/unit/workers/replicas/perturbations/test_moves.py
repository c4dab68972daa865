import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from schemas.data import Indices, Random
from schemas.perturbations import Gaussian, GradientMove, Move, Reinitialise, Sphere, Where
from workers.errors import UserFault
from workers.replicas.perturbations.moves import moved

SHAPES = {"a.weight": (6, 5), "a.bias": (6,), "b.weight": (3, 6), "b.bias": (3,)}


def parameters(dtype: torch.dtype = torch.float64, seed: int = 0) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(*shape, generator=draw, dtype=torch.float64).to(dtype) for name, shape in SHAPES.items()
    }


def slope(examples: Tensor) -> dict[str, Tensor]:
    """A made-up gradient that depends on the examples."""
    return parameters(seed=int(examples.sum()) + 1)


def apply(move: Move, start: Mapping[str, Tensor], seed: int = 0, gradient: Any = slope) -> dict[str, Tensor]:
    return moved(
        start, move, np.random.default_rng(seed), gradient, 100, lambda drawn: parameters(seed=drawn % 2**31)
    )


def lengths(after: Mapping[str, Tensor], before: Mapping[str, Tensor]) -> dict[str, float]:
    return {name: float((after[name].double() - before[name].double()).norm()) for name in before}


def whole(tensors: Mapping[str, Tensor]) -> Tensor:
    return torch.cat([tensor.double().reshape(-1) for tensor in tensors.values()])


def identical(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> bool:
    return list(left) == list(right) and all(
        left[name].dtype == right[name].dtype
        and torch.equal(
            left[name].view(torch.uint8), right[name].view(torch.uint8)
        )  # tells −0.0 from 0.0, NaN is NaN
        for name in left
    )


SCALED: list[type[Gaussian] | type[Sphere] | type[GradientMove]] = [Gaussian, Sphere, GradientMove]


@pytest.mark.parametrize("kind", SCALED)
@given(epsilon=st.floats(1e-4, 1.9), seed=st.integers(0, 1000))
def test_epsilon_is_what_the_scale_says(kind: type[Gaussian], epsilon: float, seed: int) -> None:
    start = parameters(seed=seed)
    norm = float(whole(start).norm())
    for scale, expected in (("global", epsilon * norm), ("absolute", epsilon)):
        after = apply(kind(epsilon=epsilon, scale=scale), start, seed)
        assert math.isclose(float((whole(after) - whole(start)).norm()), expected, rel_tol=1e-11)
    after = apply(kind(epsilon=epsilon, scale="per_tensor"), start, seed)
    for name, length in lengths(after, start).items():
        assert math.isclose(length, epsilon * float(start[name].norm()), rel_tol=1e-11)
    assert math.isclose(float((whole(after) - whole(start)).norm()), epsilon * norm, rel_tol=1e-11)


@given(epsilon=st.floats(1e-6, 1.9), seed=st.integers(0, 1000))
def test_the_sphere_keeps_norms(epsilon: float, seed: int) -> None:
    start = parameters(seed=seed)
    after = apply(Sphere(epsilon=epsilon, scale="per_tensor"), start, seed)
    assert all(abs(after[name].norm() / start[name].norm() - 1) <= 1e-12 for name in start)
    for scale in ("global", "absolute"):
        after = apply(Sphere(epsilon=epsilon, scale=scale), start, seed)
        assert abs(whole(after).norm() / whole(start).norm() - 1) <= 1e-12
    assert any(abs(after[name].norm() / start[name].norm() - 1) > 1e-7 * epsilon for name in start)


def test_the_noise_per_element_has_that_deviation() -> None:
    start = {"w": torch.zeros(200, 500)}
    after = apply(Gaussian(epsilon=0.3, scale="per_element"), start)["w"]
    assert float(after.std()) == pytest.approx(0.3, rel=0.02)  # s.d. of the estimate: 0.2 %
    assert abs(float(after.mean())) < 0.005


ZERO: list[Move] = [
    Gaussian(epsilon=0, scale="global"),
    Gaussian(epsilon=0, scale="per_element"),
    Sphere(epsilon=0, scale="per_tensor", unmovable="additive", additive_sd=1),
    Sphere(epsilon=0, scale="absolute"),
    GradientMove(epsilon=0, scale="absolute", direction="descent"),
    Sphere(epsilon=0, scale="per_tensor"),
    GradientMove(epsilon=0, scale="global"),
    Gaussian(epsilon=0, scale="per_tensor", where={"fraction": 0.5}),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("move", ZERO)
def test_epsilon_zero_keeps_every_bit(move: Move, dtype: torch.dtype) -> None:
    start = parameters(dtype)
    start["b.bias"] = torch.tensor([0.0, -0.0, 1e-40], dtype=dtype)
    assert identical(apply(move, start), start)


@pytest.mark.parametrize("move", ZERO)
def test_epsilon_zero_asks_nothing_of_the_point(move: Move) -> None:
    start = {name: torch.zeros_like(tensor) for name, tensor in parameters().items()}
    for where in (move.where, Where(tensors=("a.bias",), element=0)):
        still = move.model_copy(update={"where": where})
        assert identical(apply(still, start, gradient=lambda batch: start), start)


@pytest.mark.parametrize("kind", SCALED)
def test_equal_draws_differ_in_size_alone(kind: type[Gaussian]) -> None:
    start = parameters()
    small, large = (apply(kind(epsilon=epsilon, scale="global"), start, 5) for epsilon in (1e-5, 1e-4))
    directions = [whole(after) - whole(start) for after in (small, large)]
    assert float(torch.cosine_similarity(*directions, dim=0)) > 1 - 1e-6
    other = whole(apply(kind(epsilon=1e-4, scale="global"), start, 6)) - whole(start)
    assert abs(float(torch.cosine_similarity(other, directions[1], dim=0))) < 0.6


def test_only_what_is_chosen_moves() -> None:
    start = parameters()
    after = apply(Sphere(epsilon=0.5, scale="global", where={"tensors": ["b.*"], "fraction": 0.5}), start)
    assert after["a.weight"] is start["a.weight"]
    assert after["a.bias"] is start["a.bias"]
    changed = {name: after[name] != start[name] for name in ("b.weight", "b.bias")}
    assert [int(mask.sum()) for mask in changed.values()] == [9, 2]
    before = torch.cat([start[name][mask] for name, mask in changed.items()])
    now = torch.cat([after[name][mask] for name, mask in changed.items()])
    assert math.isclose(float(now.norm()), float(before.norm()), rel_tol=1e-12)
    assert math.isclose(float((now - before).norm()), 0.5 * float(before.norm()), rel_tol=1e-12)


def test_one_element_moves() -> None:
    start = parameters()
    move = Gaussian(epsilon=0.25, scale="absolute", where={"tensors": ["a.weight"], "element": 7})
    step = apply(move, start)["a.weight"] - start["a.weight"]
    assert step.nonzero().tolist() == [[1, 2]]
    assert abs(float(step[1, 2])) == pytest.approx(0.25)


def test_the_start_is_left_alone_and_the_type_kept() -> None:
    start = parameters(torch.float32)
    kept = {name: tensor.clone() for name, tensor in start.items()}
    after = apply(Gaussian(epsilon=0.1, scale="global"), start)
    assert identical(start, kept)
    assert all(after[name].dtype == torch.float32 and after[name].shape == start[name].shape for name in start)
    wide = apply(Gaussian(epsilon=0.1, scale="global"), {name: tensor.double() for name, tensor in start.items()})
    assert identical(after, {name: tensor.float() for name, tensor in wide.items()})


def test_noise_relative_to_a_zero_tensor_leaves_it() -> None:
    start = {**parameters(), "a.bias": torch.zeros(6, dtype=torch.float64)}
    for kind in (Gaussian, GradientMove):
        after = apply(kind(epsilon=0.1, scale="per_tensor"), start)
        assert identical({"a.bias": after["a.bias"]}, {"a.bias": start["a.bias"]})
        assert lengths(after, start)["a.weight"] > 0
    assert lengths(apply(Gaussian(epsilon=0.1, scale="global"), start), start)["a.bias"] > 0


def test_unmovable_tensors_by_rule() -> None:
    start = {**parameters(), "a.bias": torch.zeros(6, dtype=torch.float64), "b.bias": torch.ones(1).double()}
    skipped = apply(Sphere(epsilon=0.5, scale="per_tensor", unmovable="skip"), start)
    assert identical({n: skipped[n] for n in ("a.bias", "b.bias")}, {n: start[n] for n in ("a.bias", "b.bias")})
    added = apply(Sphere(epsilon=0.5, scale="per_tensor", unmovable="additive", additive_sd=0.01), start)
    assert torch.equal(added["a.weight"], skipped["a.weight"])
    assert torch.equal(added["b.weight"], skipped["b.weight"])
    assert 0 < lengths(added, start)["a.bias"] < 0.05
    twice = apply(Sphere(epsilon=1.0, scale="per_tensor", unmovable="additive", additive_sd=0.01), start)
    assert torch.equal(twice["a.bias"], 2 * added["a.bias"])


@pytest.mark.parametrize("direction", ["ascent", "descent"])
@pytest.mark.parametrize("examples", [Indices(indices=(3, 4)), Random(count=5, seed=1), 7])
def test_a_gradient_move_goes_along_the_gradient_of_its_batch(direction: Any, examples: Any) -> None:
    seen = list[Tensor]()

    def gradient(batch: Tensor) -> dict[str, Tensor]:
        seen.append(batch)
        return slope(batch)

    start = parameters()
    move = GradientMove(epsilon=0.2, scale="global", direction=direction, examples=examples)
    after = apply(move, start, gradient=gradient)
    (batch,) = seen
    count = examples if isinstance(examples, int) else len(getattr(examples, "indices", range(5)))
    assert len(set(batch.tolist())) == len(batch) == count
    assert batch.dtype == torch.int64
    sign = 1 if direction == "ascent" else -1
    expected = 0.2 * float(whole(start).norm()) * sign * torch.nn.functional.normalize(whole(slope(batch)), dim=0)
    torch.testing.assert_close(whole(after) - whole(start), expected, rtol=1e-12, atol=1e-14)


def test_a_new_initialisation_is_a_move_too() -> None:
    seed = int(np.random.default_rng(4).integers(2**63)) % 2**31
    assert identical(apply(Reinitialise(), parameters(), 4), parameters(seed=seed))


def test_a_replica_draws_its_own_batch() -> None:
    seen = list[list[int]]()

    def gradient(batch: Tensor) -> dict[str, Tensor]:
        seen.append(batch.tolist())
        return slope(batch)

    for seed in (0, 0, 1):
        apply(GradientMove(epsilon=0.2, scale="global", examples=10), parameters(), seed, gradient)
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("kind", SCALED)
def test_a_replica_that_has_diverged_stays_as_it_is(kind: type[Gaussian], bad: float) -> None:
    start = parameters()
    start["a.bias"][0] = bad
    assert identical(apply(kind(epsilon=0.1, scale="per_tensor"), start), start)


def test_a_gradient_that_is_not_finite_moves_nothing() -> None:
    def endless(batch: Tensor) -> dict[str, Tensor]:
        return {name: tensor / 0 for name, tensor in slope(batch).items()}

    move = GradientMove(epsilon=0.1, scale="global")
    assert identical(apply(move, parameters(), gradient=endless), parameters())


def zeros(*names: str) -> dict[str, Tensor]:
    return {name: tensor * (name not in names) for name, tensor in parameters().items()}


def flat_at(*names: str) -> Any:
    return lambda batch: {name: tensor * (name not in names) for name, tensor in slope(batch).items()}


@pytest.mark.parametrize(
    ("move", "start", "gradient", "message"),
    [
        (
            Sphere(epsilon=0.1, scale="per_tensor"),
            zeros("a.bias", "b.bias"),
            slope,
            r"a\.bias, b\.bias have norm 0 or one element: choose other tensors, or unmovable: skip or additive",
        ),
        (
            Sphere(epsilon=0.1, scale="global", where={"tensors": ["a.bias"], "element": 1}, step=9),
            parameters(),
            slope,
            r"after step 9 a\.bias has norm 0 or one element",
        ),
        (Sphere(epsilon=0.1, scale="global"), zeros(*SHAPES), slope, r"a\.weight … b\.bias has norm 0"),
        (
            Sphere(epsilon=0.1, scale="per_tensor", unmovable="skip"),
            zeros(*SHAPES),
            slope,
            "choose other tensors, or unmovable: additive",
        ),
        (
            Sphere(epsilon=3.5, scale="absolute"),
            {"w": torch.tensor([1.0, 1.0], dtype=torch.float64)},
            slope,
            "two radii away: the chosen elements of w have norm 1.41421 after step 0, so epsilon is at most "
            "2.82843; came 3.5",
        ),
        (Gaussian(epsilon=0.1, scale="global"), zeros(*SHAPES), slope, "nothing would move: .* take scale absolute"),
        (
            Gaussian(epsilon=0.1, scale="per_tensor"),
            zeros(*SHAPES),
            slope,
            r"a\.bias, b\.weight, b\.bias have norm 0",
        ),
        (
            GradientMove(epsilon=0.1, scale="per_tensor", step=4),
            parameters(),
            flat_at("b.weight"),
            r"the gradient of b\.weight is 0 after step 4, which is no direction to move along",
        ),
        (GradientMove(epsilon=0.1, scale="absolute"), zeros(*SHAPES), flat_at(*SHAPES), "gradient of .* is 0"),
        (GradientMove(epsilon=0.1, scale="global"), zeros(*SHAPES), slope, "nothing would move"),
        (
            GradientMove(epsilon=0.1, scale="global", examples=101),
            parameters(),
            slope,
            "draws its 101 examples from the train split, which has 100: draw fewer",
        ),
        (
            GradientMove(epsilon=0.1, scale="global", examples=Indices(indices=(5, 100))),
            parameters(),
            slope,
            "needs example 100 of the train split, which has 100",
        ),
    ],
)
def test_moves_that_are_none(move: Move, start: dict[str, Tensor], gradient: Any, message: str) -> None:
    with pytest.raises(UserFault, match=message):
        apply(move, start, gradient=gradient)


def test_many_unmovable_tensors_are_counted() -> None:
    start = {f"layers.{number}.bias": torch.zeros(2) for number in range(20)}
    with pytest.raises(UserFault, match=r"layers\.7\.bias and 12 more have norm 0"):
        apply(Sphere(epsilon=0.1, scale="per_tensor"), start)
