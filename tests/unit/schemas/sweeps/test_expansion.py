"""Expansion: how many jobs, in which order, and that each is the base with its own values in it."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.brackets import Brackets
from schemas.canonical import canonical_json, digest
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.models import ConvNet, Mlp, RegistryModel
from schemas.optimizers import Adam, Sgd
from schemas.perturbations import Gaussian, Reshuffle
from schemas.replicas import Arm, Replicas
from schemas.sweeps import Sweep, SweepMistake, expand
from schemas.sweeps.axes import Choice, IntUniform, LinSpace, LogSpace, LogUniform, Uniform
from schemas.sweeps.paths import lookup, parse_path
from schemas.training import Training

RUN = Training(steps=100, seed=5)
BRACKETS = Brackets(training=RUN, examples=First(count=4))
ARM = Arm(perturbations=(Reshuffle(after=3), Gaussian(epsilon=0.5, scale="global")))

LOSSES = ({"kind": "cross_entropy"}, {"kind": "squared_error"})
POOL: dict[str, st.SearchStrategy[Any]] = {
    "optimizer.lr": st.sampled_from([1e-3, 1e-2, 0.1, 1.0]),
    "optimizer.momentum": st.sampled_from([0.0, 0.5, 0.9]),
    "batch_size": st.integers(1, 6),
    "steps": st.integers(1, 6),
    "model": st.sampled_from([Mlp(), Mlp(hidden=(3,)), ConvNet()]).map(lambda model: model.model_dump(mode="json")),
    "model.activation": st.sampled_from(["tanh", "mish"]),
    "checkpoints": st.lists(st.integers(0, 1), unique=True, max_size=2),
}


@st.composite
def grids(draw: st.DrawFn) -> dict[str, list[Any]]:
    names = draw(st.lists(st.sampled_from(sorted(POOL)), unique=True, max_size=3))
    return {name: draw(st.lists(POOL[name], min_size=1, max_size=3, unique_by=str)) for name in names}


@given(grids(), st.one_of(st.none(), st.integers(1, 3)))
def test_the_jobs_are_the_product_in_the_order_given(axes: dict[str, list[Any]], seeds: int | None) -> None:
    points = expand(Sweep(base=RUN, axes=axes, seeds=seeds))
    expected = list(itertools.product(*axes.values(), *([range(5, 5 + seeds)] if seeds else [])))
    names = [*axes, *(["seed"] if seeds else [])]
    # The checkpoints [] and [1] of a run of one step are the same.
    once = dict.fromkeys(tuple(map(repr, values)) for values in expected)
    assert len(points) <= len(once)
    assert [point.position for point in points] == list(range(len(points)))
    assert len({digest(point.spec) for point in points}) == len(points)
    if "checkpoints" not in axes:
        assert len(points) == len(expected)
        plain = [name for name in names if name != "model"]
        given = [
            tuple(value for name, value in zip(names, values, strict=True) if name != "model") for values in expected
        ]
        assert [tuple(point.varied[name] for name in plain) for point in points] == given


@given(grids(), st.integers(1, 3))
def test_what_varied_stands_in_the_spec_and_nothing_else_changed(axes: dict[str, list[Any]], seeds: int) -> None:
    sweep = Sweep(base=RUN, axes=axes, seeds=seeds)
    for point in expand(sweep):
        assert set(point.varied) == set(sweep.paths)
        spec = point.spec.model_dump(mode="json")
        for name, value in point.varied.items():
            assert lookup(spec, parse_path(name)) == value
        touched = {name.split(".")[0] for name in point.varied} | {"checkpoints"}
        base = RUN.model_dump(mode="json")
        assert {name: spec[name] for name in spec if name not in touched} == {
            name: base[name] for name in base if name not in touched
        }


@given(grids(), st.integers(0, 2**63 - 1))
def test_expansion_is_deterministic_and_survives_json(axes: dict[str, list[Any]], seed: int) -> None:
    sweep = Sweep(base=RUN, axes={**axes, "loss": Choice(values=LOSSES)}, samples=2, seed=seed)
    assert expand(Sweep.model_validate_json(sweep.model_dump_json())) == expand(sweep)


@given(st.integers(0, 2**63 - 1), st.integers(1, 5), st.integers(0, 5))
def test_draws_stay_when_axes_and_samples_come(seed: int, samples: int, more: int) -> None:
    axes: dict[str, Any] = {"optimizer.lr": LogUniform(low=1e-4, high=1), "batch_size": IntUniform(low=1, high=10**6)}
    before = expand(Sweep(base=RUN, axes=axes, samples=samples, seed=seed))
    after = expand(
        Sweep(
            base=RUN,
            axes={"optimizer.momentum": Uniform(low=0, high=0.9), "dtype": Choice(values=("float32",)), **axes},
            samples=samples + more,
            seed=seed,
        )
    )
    for one, other in zip(before, after, strict=False):
        assert one.varied.items() <= other.varied.items()
        assert 1e-4 <= one.varied["optimizer.lr"] <= 1


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=12), st.integers(1, 25))
def test_a_constraint_filters_as_python_does(points: list[tuple[int, int]], most: int) -> None:
    sweep = Sweep(
        base=RUN,
        points=[{"batch_size": size, "steps": steps} for size, steps in points],
        constraints=["batch_size * steps <= " + str(most)],
    )
    expected = list(dict.fromkeys((size, steps) for size, steps in points if size * steps <= most))
    if not expected:
        with pytest.raises(SweepMistake, match="no job is left: the constraints exclude all of them"):
            expand(sweep)
        return
    found = [(point.spec.batch_size, point.spec.steps) for point in expand(sweep)]
    assert found == expected


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=6, unique=True))
def test_zipped_axes_advance_together(pairs: list[tuple[int, int]]) -> None:
    sizes, steps = zip(*pairs, strict=True)
    axes = {"batch_size": sizes, "dtype": ["float32", "float64"], "steps": steps}
    points = expand(Sweep(base=RUN, axes=axes, zipped=[("steps", "batch_size")]))
    found = [(point.spec.batch_size, point.spec.steps, point.spec.dtype) for point in points]
    assert found == [(*pair, dtype) for pair in pairs for dtype in ("float32", "float64")]


def test_the_order_of_axes_outlives_stores_that_sort_names() -> None:
    axes = {"steps": [3, 4], "batch_size": [1, 2]}
    made = Sweep(base=RUN, axes=axes)
    assert made.order == ("steps", "batch_size")
    stored = Sweep.model_validate_json(canonical_json(made))
    assert list(stored.axes) == ["batch_size", "steps"]
    assert expand(stored) == expand(made)
    turned = Sweep(base=RUN, axes=axes, order=("batch_size", "steps"))
    assert [list(point.varied.values()) for point in expand(turned)] == [[1, 3], [1, 4], [2, 3], [2, 4]]
    assert digest(turned) != digest(made)


def test_the_factors_come_in_their_order() -> None:
    sweep = Sweep(
        base=RUN,
        axes={"optimizer.lr": [0.1, 0.2], "optimizer.momentum": Choice(values=(0.0, 0.5))},
        samples=1,
        points=({"batch_size": 1}, {"batch_size": 2}),
        seeds=(9, 3),
    )
    found = [(point.spec.optimizer.lr, point.spec.batch_size, point.spec.seed) for point in expand(sweep)]
    assert found == list(itertools.product((0.1, 0.2), (1, 2), (9, 3)))


def test_a_sweep_of_nothing_is_its_base() -> None:
    [point] = expand(Sweep(base=BRACKETS))
    assert (point.position, point.varied, point.spec) == (0, {}, BRACKETS)


def test_values_are_coerced_as_the_field_has_them() -> None:
    """`1e-3` is text in YAML, and a spacing of whole numbers is of floats."""
    points = expand(Sweep(base=RUN, axes={"optimizer.lr": ["1e-3"], "steps": LinSpace(low=10, high=30, count=3)}))
    assert [point.varied for point in points] == [{"optimizer.lr": 1e-3, "steps": steps} for steps in (10, 20, 30)]
    assert all(type(point.varied["steps"]) is int for point in points)


def test_equal_jobs_come_once_and_the_first_stays() -> None:
    points = expand(Sweep(base=RUN, axes={"steps": [7, "7", 7.0, 8]}))
    assert [(point.position, point.spec.steps) for point in points] == [(0, 7), (1, 8)]


def test_paths_into_lists_and_whole_objects() -> None:
    base = Replicas(training=RUN, arms=(ARM,))
    sweep = Sweep(
        base=base,
        axes={
            "arms[0].perturbations[1].epsilon": LogSpace(low=0.01, high=1, count=3),
            "arms[0].replicas": [2],
            "training.model": [Mlp(hidden=(4, 4)), Mlp(hidden=(5, 5))],
            "training.model.hidden[1]": [7],
        },
    )
    points = expand(sweep)
    assert [point.spec.arms[0].epsilon for point in points] == [0.01, 0.01, 0.1, 0.1, 1.0, 1.0]
    assert {point.spec.training.model.hidden for point in points} == {(4, 7), (5, 7)}
    assert all(point.spec.arms[0].replicas == 2 for point in points)
    assert points[0].varied["training.model"]["hidden"] == [4, 7]


def test_places_of_a_list_take_what_their_elements_take() -> None:
    base = Training(steps=1, optimizer=Adam())
    points = expand(Sweep(base=base, axes={"optimizer.betas[0]": ["1e-3", 0, 0.5]}))
    assert [point.varied for point in points] == [{"optimizer.betas[0]": beta} for beta in (0.001, 0.0, 0.5)]


def test_whole_runs_with_seeds_of_their_own() -> None:
    runs = [RUN, RUN.model_copy(update={"optimizer": Sgd(lr=0.5)})]
    points = expand(Sweep(base=BRACKETS, axes={"training": runs}, seeds=(1, 2)))
    found = [(point.spec.training.optimizer.lr, point.spec.training.seed) for point in points]
    assert found == [(0.01, 1), (0.01, 2), (0.5, 1), (0.5, 2)]


def test_free_options_may_gain_a_name() -> None:
    base = Training(steps=1, model=RegistryModel(name="mine", options={"width": 3}))
    points = expand(Sweep(base=base, axes={"model.options.width": [4], "model.options.depth": [1, 2]}))
    assert [point.spec.model.options for point in points] == [{"width": 4, "depth": 1}, {"width": 4, "depth": 2}]


def test_the_last_checkpoint_moves_with_the_end_of_the_run() -> None:
    base = Training(steps=100, checkpoints=(0, 10))
    points = expand(Sweep(base=base, axes={"steps": [50, 200]}))
    assert [point.spec.checkpoints for point in points] == [(0, 10, 50), (0, 10, 200)]


def test_a_constraint_can_exclude_what_would_be_invalid() -> None:
    axes = {"optimizer.nesterov": [False, True], "optimizer.momentum": [0.0, 0.9]}
    with pytest.raises(
        SweepMistake, match=r"point 2 \(optimizer\.nesterov = true, .*\): optimizer: nesterov needs"
    ) as caught:
        expand(Sweep(base=RUN, axes=axes))
    assert caught.value.at == ("axes", "optimizer.nesterov", 1)
    points = expand(Sweep(base=RUN, axes=axes, constraints=["optimizer.momentum > 0 or not optimizer.nesterov"]))
    assert len(points) == 3


@pytest.mark.parametrize(
    ("fields", "message", "at"),
    [
        (
            {"axes": {"steps": [9], "model.hidden[0]": [3, "wide"]}},
            r'point 1 \(steps = 9, model\.hidden\[0\] = "wide"\): model\.hidden\[0\]: expected a whole number',
            ("axes", "model.hidden[0]", 1),
        ),
        (
            {"axes": {"model": [ConvNet(), Mlp()], "model.norm": ["none"]}},
            r"point 1 \(model = mlp\(…\), .*'norm' is not a field of model, which is mlp",
            None,
        ),
        (
            {"axes": {"model": [ConvNet(), Mlp()]}, "constraints": ["steps > 1", "model.norm == 'batch'"]},
            r"constraint \"model\.norm == 'batch'\", point 1 \(model = mlp\(…\)\): .*'norm' is not a field",
            ("constraints", 1),
        ),
        (
            {"base": BRACKETS, "points": [{"steps": [0]}]},
            r"point 0 .*steps \[0\] are not checkpoints",
            ("points", 0, "steps"),
        ),
        (
            {"axes": {"rate.warmup": [5]}, "points": [{"steps": 5}], "seeds": 1},
            "warmup of 5 steps must end before",
            (),
        ),
        ({"axes": {"rate.warmup": [3, 5], "steps": [5]}, "seeds": 1}, "must end before", ("axes",)),
        (
            {"base": Training(steps=9, checkpoints=(0, 5)), "axes": {"checkpoints[2]": [5]}},
            r"checkpoints\[2\] = 5: the spec puts this list in order, .*vary checkpoints as a whole",
            ("axes", "checkpoints[2]"),
        ),
    ],
)
def test_a_job_that_cannot_be_is_told_with_its_values(
    fields: dict[str, Any], message: str, at: tuple[str | int, ...] | None
) -> None:
    with pytest.raises(SweepMistake, match=message) as caught:
        expand(Sweep.model_validate({"base": RUN, **fields}))
    assert at is None or caught.value.at == at


def test_a_diagnostic_can_be_swept() -> None:
    points = expand(Sweep(base=Diagnostic(), axes={"blocks": [1, 2]}))
    assert [point.spec.blocks for point in points] == [1, 2]
