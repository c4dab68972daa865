"""Looks at stacks that are really trained."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from schemas.data import Digits
from schemas.models import ConvNet, Mlp
from schemas.optimizers import Sgd
from schemas.replicas import Measures
from schemas.results import RESULT_TABLES
from schemas.training import Training
from service.db.copy import encode
from workers.data import Dataset, Split
from workers.models import initialised
from workers.replicas.distances import Examples, Gauge, Landmarks, Look, Meaning
from workers.replicas.stack import Part, Stack, stack

NUMBERS, SIZES = (-3, 40, 41, 42), (0.0, 1e-3, 1e-1, 1e-1)
RULE = Sgd(lr=0.1)


def training(model: Mlp | ConvNet) -> Training:
    return Training(data=Digits(), model=model, optimizer=RULE, steps=10, batch_size=16)


@pytest.fixture(scope="module")
def data() -> Dataset:
    """200 training examples, 80 test examples."""
    draw = torch.Generator().manual_seed(0)
    splits = (
        Split(torch.randn(count, 1, 8, 8, generator=draw), torch.randint(0, 10, (count,), generator=draw))
        for count in (200, 80)
    )
    return Dataset(*splits, tuple("0123456789"), "none")


def gauge(spec: Training, dataset: Dataset, measures: Measures, replicas: tuple[int, ...] = NUMBERS) -> Gauge:
    model = initialised(spec.model, dataset.input_shape, 10, spec.seed, torch.float32).eval()
    return Gauge(
        model,
        Meaning.of(spec.loss, dataset),
        measures,
        Examples.drawn(measures.train_examples, measures.test_examples, 5, dataset),
        Examples.everything(dataset),
        replicas,
        np.array([np.nan, *SIZES[1:]]),
    )


def trained(spec: Training, dataset: Dataset, places: tuple[int, ...] = (0, 1, 2, 3, 4)) -> tuple[Stack, Landmarks]:
    """Members 1 to 4 moved at the start, as far as they are at these places, and all trained for some steps."""
    built = stack(spec, dataset, torch.float32, len(places))
    landmarks = Landmarks.at_start(built.parameters)
    for member, place in enumerate(places[1:], start=1):
        draw = torch.Generator().manual_seed(place)
        for tensor in built.parameters.values():
            tensor[member] += SIZES[place - 1] * torch.randn(tensor[member].shape, generator=draw)
    landmarks = landmarks.moved(built.parameters, range(1, len(places)))
    everyone = tuple(range(len(places)))
    for step in range(1, 6):
        built.step(step, [Part(everyone, torch.arange(16 * step, 16 * step + 16), RULE)])
    return built, landmarks


def encoded(look: Look) -> None:
    for name, rows in look.rows.items():
        encode(RESULT_TABLES[name], 1, rows)


def equal(first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_a_look_fills_the_tables(data: Dataset) -> None:
    spec = training(Mlp(hidden=(12,)))
    built, landmarks = trained(spec, data)
    look = gauge(spec, data, Measures(train_examples=100)).look(built, 5, 0.1, landmarks, checkpoint=False)
    encoded(look)
    assert set(look.rows) == {"replica_metrics", "replica_tensors", "replica_baseline"}
    metrics, tensors = look.rows["replica_metrics"], look.rows["replica_tensors"]
    assert list(metrics["replica"]) == list(NUMBERS)
    assert set(metrics["train_examples"]) == {100}
    assert set(metrics["test_examples"]) == {80}
    assert list(tensors["tensor"]) == list(built.parameters) * 4
    assert list(tensors["replica"]) == [number for number in NUMBERS for _ in built.parameters]
    assert look.rows["replica_baseline"]["lr"] == [0.1]
    assert look.finite.all()


def test_metrics_hang_together(data: Dataset) -> None:
    spec = training(Mlp(hidden=(12,)))
    built, landmarks = trained(spec, data)
    look = gauge(spec, data, Measures(train_examples=100)).look(built, 5, 0.1, landmarks, checkpoint=False)
    found, baseline, tensors = look.metrics, look.rows["replica_baseline"], look.rows["replica_tensors"]
    flat = torch.cat([tensor.flatten(1) for tensor in built.parameters.values()], 1).double()
    distance = (flat[1:] - flat[0]).norm(dim=1).numpy()
    start = float(
        sum(initial.detach().double().square().sum() for initial in gauge(spec, data, Measures()).model.parameters())
    )
    np.testing.assert_allclose(found["distance"], distance, rtol=1e-12)
    np.testing.assert_allclose(found["relative_now"], distance / float(flat[0].norm()), rtol=1e-12)
    np.testing.assert_allclose(found["relative_start"], distance / np.sqrt(start), rtol=1e-12)
    np.testing.assert_allclose(found["over_epsilon"][1:], distance[1:] / SIZES[1:], rtol=1e-12)
    np.testing.assert_allclose(found["growth"][1:], distance[1:] / landmarks.first_moves[2:], rtol=1e-12)
    assert np.isnan([found["over_epsilon"][0], found["growth"][0]]).all()
    by_tensor = np.reshape(tensors["distance"], (4, -1))
    np.testing.assert_allclose(np.sqrt((by_tensor**2).sum(1)), distance, rtol=1e-12)
    for split in ("train", "test"):
        for what in ("loss", "accuracy"):
            expected = found[f"{split}_{what}"] - baseline[f"{split}_{what}"][0]
            np.testing.assert_array_equal(found[f"{split}_{what}_difference"], expected)
    np.testing.assert_array_equal(found["churn"], 1 - found["counterfactual_accuracy"])


def test_the_twin_is_at_distance_zero(data: Dataset) -> None:
    spec = training(ConvNet(channels=(2, 3)))
    built, landmarks = trained(spec, data)
    look = gauge(spec, data, Measures(cka=True)).look(built, 5, 0.1, landmarks, checkpoint=True)
    encoded(look)
    twin = {name: values[0] for name, values in look.metrics.items()}
    nothing = {name for name, value in twin.items() if value == 0}
    assert nothing >= {"distance", "distance_l1", "distance_sup", "relative_now", "churn", "kl", "root_js"}
    assert nothing >= {name for name in twin if name.endswith("_difference") or name.startswith("logit_")}
    assert twin["cosine"] == twin["counterfactual_accuracy"] == 1
    layers = look.rows["replica_layers"]
    assert list(layers["layer"]) == ["2", "5", "6"] * 4
    assert list(layers["cka"][:3]) == [1, 1, 1]
    assert (np.array(layers["cka"][3:]) < 1).all()


def test_checkpoints_measure_all_examples(data: Dataset) -> None:
    spec = training(Mlp(hidden=(12,)))
    built, landmarks = trained(spec, data)
    few = gauge(spec, data, Measures(train_examples=10, test_examples=10, tensors=False))
    every = gauge(spec, data, Measures(train_examples="all", test_examples="all", tensors=False))
    look = few.look(built, 5, 0.1, landmarks, checkpoint=True)
    assert set(look.rows) == {"replica_metrics", "replica_baseline"}
    assert look.rows["replica_baseline"]["train_examples"] == [200]
    equal(look.metrics, every.look(built, 5, 0.1, landmarks, checkpoint=False).metrics)


def test_a_diverged_replica_is_marked_and_disturbs_nobody(data: Dataset) -> None:
    spec = training(Mlp(hidden=(12,)))
    built, landmarks = trained(spec, data)
    measure = gauge(spec, data, Measures(train_examples=100))
    before = measure.look(built, 5, 0.1, landmarks, checkpoint=False)
    built.parameters["1.weight"][3] = torch.inf
    after = measure.look(built, 6, 0.1, before.landmarks, checkpoint=False)
    encoded(after)
    assert after.finite.tolist() == [True, True, True, False, True]
    assert after.landmarks.diverged_steps.tolist() == [-1, -1, -1, 6, -1]
    assert after.rows["replica_metrics"]["distance"][2] is None
    assert after.metrics["distance"][2] == np.inf
    others = [0, 1, 3]
    equal(
        {name: values[others] for name, values in before.metrics.items()},
        {name: values[others] for name, values in after.metrics.items()},
    )


def test_a_replica_whose_losses_alone_are_not_finite_has_diverged(data: Dataset) -> None:
    spec = training(Mlp(hidden=(12,)))
    built, landmarks = trained(spec, data)
    built.parameters["1.weight"][3] = 3e38  # its products with inputs are too large for float32
    look = gauge(spec, data, Measures(train_examples=100)).look(built, 5, 0.1, landmarks, checkpoint=False)
    assert np.isfinite(look.metrics["distance"]).all()
    assert look.landmarks.diverged_steps.tolist() == [-1, -1, -1, 5, -1]


def test_a_diverged_baseline_is_marked(data: Dataset) -> None:
    spec = training(Mlp(hidden=(12,)))
    built, landmarks = trained(spec, data)
    built.parameters["1.weight"][0] = torch.nan
    look = gauge(spec, data, Measures(train_examples=100)).look(built, 5, 0.1, landmarks, checkpoint=False)
    assert np.isnan(look.rows["replica_baseline"]["norm"]).all()
    assert look.rows["replica_metrics"]["distance"].tolist() == [None] * 4
    assert look.finite.tolist() == [False, True, True, True, True]


@pytest.mark.parametrize("model", [Mlp(hidden=(12,)), ConvNet(channels=(2, 3))])
def test_the_other_replicas_change_no_bit(data: Dataset, model: Mlp | ConvNet) -> None:
    spec = training(model)
    measures = Measures(train_examples=50, cka=True)
    whole = gauge(spec, data, measures).look(*before(spec, data), checkpoint=True)
    part = gauge(spec, data, measures, (-3, 41))
    part = replace(part, epsilons=np.array([np.nan, SIZES[2]]))
    look = part.look(*before(spec, data, (0, 1, 3)), checkpoint=True)
    equal(look.metrics, {name: values[[0, 2]] for name, values in whole.metrics.items()})
    rows, alone = whole.rows["replica_layers"], look.rows["replica_layers"]
    assert [cka for replica, cka in zip(rows["replica"], rows["cka"], strict=True) if replica in (-3, 41)] == list(
        alone["cka"]
    )


def before(
    spec: Training, dataset: Dataset, places: tuple[int, ...] = (0, 1, 2, 3, 4)
) -> tuple[Stack, int, float, Landmarks]:
    """What a look at step 5 is given."""
    built, landmarks = trained(spec, dataset, places)
    return built, 5, 0.1, landmarks
