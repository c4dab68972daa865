"""Against sums over examples and labels written out with Python's numbers."""

from collections.abc import Callable
from math import exp, log, sqrt

import numpy as np
import pytest
import torch
from torch import Tensor

from schemas.losses import BinaryCrossEntropy, CrossEntropy, GroupedCrossEntropy, Loss, RegistryLoss, SquaredError
from workers.data import Dataset, Split
from workers.replicas.distances import Meaning, outputs
from workers.replicas.distances.outputs import Answers, OutputDistances, answers, answers_and_distances

R, n, K = 5, 7, 4
NAMES = ("a", "b", "c", "d")
GROUPED = GroupedCrossEntropy(groups=((2, "a"),), reduction="sum")


def data(independent: bool, count: int = n) -> Dataset:
    draw = torch.Generator().manual_seed(3)
    inputs = torch.arange(count).double().reshape(-1, 1)
    classes = torch.randint(0, K, (count,), generator=draw)
    labels = torch.nn.functional.one_hot(classes, K).double() if independent else classes
    return Dataset(Split(inputs, labels), Split(inputs, labels), NAMES, "none")


def logits(count: int = n, dtype: torch.dtype = torch.float32) -> Tensor:
    """(R, count, K): member 1 equals member 0, 2 is close to it, the others are not."""
    draw = torch.Generator().manual_seed(4)
    z = 2 * torch.randn(R, count, K, generator=draw)
    z[1] = z[0]
    z[2] = z[0] + 1e-3 * z[2]
    return z.to(dtype)


def of(z: Tensor) -> Callable[[Tensor], Tensor]:
    """Logits of examples whose inputs are their numbers."""
    return lambda inputs: z[:, inputs.flatten().long()]


def measured(loss: Loss, independent: bool, z: Tensor) -> tuple[Answers, OutputDistances]:
    dataset = data(independent, z.shape[1])
    return answers_and_distances(Meaning.of(loss, dataset), of(z), dataset.test)


def softmax(z: list[float]) -> list[float]:
    return [exp(value) / sum(map(exp, z)) for value in z]


def choices(loss: Loss, z: list[float]) -> list[list[float]]:
    """Probabilities of the outcomes of each independent choice."""
    if isinstance(loss, CrossEntropy):
        return [softmax(z)]
    if isinstance(loss, BinaryCrossEntropy):
        return [softmax([value, 0]) for value in z]
    return [softmax([0, z[2], z[0]]), softmax([z[1], 0]), softmax([z[3], 0])]


def divergence(p: list[float], q: list[float]) -> float:
    return sum(a * log(a / b) for a, b in zip(p, q, strict=True))


def js(p: list[float], q: list[float]) -> float:
    m = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return max(0.0, divergence(p, m) / 2 + divergence(q, m) / 2)


@pytest.mark.parametrize(
    ("loss", "independent"),
    [(CrossEntropy(), False), (BinaryCrossEntropy(), False), (BinaryCrossEntropy(), True), (GROUPED, True)],
)
def test_divergences_are_those_of_probabilities(loss: Loss, independent: bool) -> None:
    z = logits()
    _, found = measured(loss, independent, z)
    for member in range(R):
        pairs = [
            list(zip(choices(loss, z[0, i].tolist()), choices(loss, z[member, i].tolist()), strict=True))
            for i in range(n)
        ]
        kl = sum(divergence(p, q) for pair in pairs for p, q in pair) / n
        root = sum(sqrt(js(p, q)) for pair in pairs for p, q in pair) / sum(map(len, pairs))
        assert found.kl[member] == pytest.approx(kl, rel=1e-6, abs=1e-14)
        assert found.root_js[member] == pytest.approx(root, rel=1e-6, abs=1e-7)
        gaps = [(z[member, i].double() - z[0, i].double()).tolist() for i in range(n)]
        assert found.logit_distance[member] == pytest.approx(sqrt(sum(g * g for gap in gaps for g in gap) / n))
        assert found.logit_sup[member] == max(abs(g) for gap in gaps for g in gap)


@pytest.mark.parametrize(
    "loss", [CrossEntropy(), BinaryCrossEntropy(), SquaredError(), GROUPED.model_copy(update={"groups": ((0, 1),)})]
)
def test_answers_of_classes(loss: Loss) -> None:
    z, dataset = logits(), data(independent=False)
    meaning = Meaning.of(loss, dataset)
    found, distances = measured(loss, False, z)
    predicted = [int(np.argmax(z[0, i].tolist())) for i in range(n)]
    for member in range(R):
        largest = [int(np.argmax(z[member, i].tolist())) for i in range(n)]
        right = [a == int(label) for a, label in zip(largest, dataset.test.labels, strict=True)]
        same = [a == b for a, b in zip(largest, predicted, strict=True)]
        assert found.accuracy[member] == pytest.approx(sum(right) / n)
        assert distances.counterfactual_accuracy[member] == pytest.approx(sum(same) / n)
        wide = z[member].double()
        for labels, mean in (
            (dataset.test.labels.tolist(), found.loss[member]),
            (predicted, distances.counterfactual_loss[member]),
        ):
            losses = [meaning.loss(wide[i], torch.eye(K).double()[labels[i]]) for i in range(n)]
            assert mean == pytest.approx(float(sum(losses)) / n, rel=1e-12)


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), GROUPED, SquaredError()])
def test_answers_of_independent_labels(loss: Loss) -> None:
    z, dataset = logits(), data(independent=True)
    meaning = Meaning.of(loss, dataset)
    found, distances = measured(loss, True, z)

    def thresholded(member: int, i: int) -> list[bool]:
        values = z[member, i].tolist()
        if loss is not GROUPED:
            return [value > 0 for value in values]
        chosen = softmax([0, values[0], values[2]])
        return [chosen[1] > 0.5, values[1] > 0, chosen[2] > 0.5, values[3] > 0]

    for member in range(R):
        answers_of = [thresholded(member, i) for i in range(n)]
        right = [
            a == (label > 0.5)
            for i in range(n)
            for a, label in zip(answers_of[i], dataset.test.labels[i], strict=True)
        ]
        same = [a == b for i in range(n) for a, b in zip(answers_of[i], thresholded(0, i), strict=True)]
        assert found.accuracy[member] == pytest.approx(float(sum(right)) / (n * K))
        assert distances.counterfactual_accuracy[member] == pytest.approx(sum(same) / (n * K))
        targets = torch.tensor([thresholded(0, i) for i in range(n)]).double()
        losses = [meaning.loss(z[member, i].double(), targets[i]) for i in range(n)]
        assert distances.counterfactual_loss[member] == pytest.approx(float(sum(losses)) / n, rel=1e-12)


def test_equal_members_are_at_distance_zero() -> None:
    answered, found = measured(CrossEntropy(), False, logits())
    for name in ("logit_distance", "logit_sup", "kl", "root_js"):
        assert getattr(found, name)[1] == 0
    assert found.counterfactual_accuracy[1] == 1
    assert answered.loss[1] == answered.loss[0]


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("loss", [SquaredError(), RegistryLoss(name="power")])
def test_where_the_loss_says_no_probabilities_there_are_no_divergences(loss: Loss) -> None:
    answered, found = measured(loss, False, logits())
    assert np.isnan(found.kl).all()
    assert np.isnan(found.root_js).all()
    assert np.isfinite(answered.loss).all()
    assert np.isfinite(found.counterfactual_loss).all()


@pytest.mark.parametrize("strange", [torch.nan, torch.inf, -torch.inf])
def test_members_that_are_not_finite_are_nan_and_disturb_nobody(strange: float) -> None:
    z = logits()
    before, compared = measured(CrossEntropy(), False, z)
    z[3, 2, 1] = strange
    after, found = measured(CrossEntropy(), False, z)
    fine = [0, 1, 2, 4]
    assert np.isnan(after.accuracy[3])
    np.testing.assert_array_equal(after.loss[fine], before.loss[fine])
    for name in OutputDistances.__dataclass_fields__:
        assert np.isnan(getattr(found, name)[3])
        np.testing.assert_array_equal(getattr(found, name)[fine], getattr(compared, name)[fine])


def test_a_baseline_that_is_not_finite_leaves_nothing_to_compare_with() -> None:
    z = logits()
    z[0, 2, 1] = torch.nan
    answered, found = measured(CrossEntropy(), False, z)
    assert np.isfinite(answered.accuracy[1:]).all()
    for name in OutputDistances.__dataclass_fields__:
        assert np.isnan(getattr(found, name)).all()


@pytest.mark.parametrize("independent", [True, False])
def test_the_other_members_change_no_bit(monkeypatch: pytest.MonkeyPatch, independent: bool) -> None:
    monkeypatch.setattr(outputs, "BLOCK", {"cpu": 3 * n * K, "cuda": 3 * n * K})
    z = logits()
    z[4] *= 20
    _, whole = measured(BinaryCrossEntropy(), independent, z)
    for members in ([0], [0, 4], [0, 2, 1], [0, 4, 3, 2, 1]):
        _, part = measured(BinaryCrossEntropy(), independent, z[members])
        for name in OutputDistances.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[members])


def test_examples_that_come_in_parts_give_the_same_means(monkeypatch: pytest.MonkeyPatch) -> None:
    z = logits()
    answered, whole = measured(CrossEntropy(), False, z)
    monkeypatch.setattr(outputs, "LOGITS", 3 * K)
    sizes = []
    dataset = data(independent=False)

    def watched(inputs: Tensor) -> Tensor:
        sizes.append(len(inputs))
        return of(z)(inputs)

    again, parts = answers_and_distances(Meaning.of(CrossEntropy(), dataset), watched, dataset.test)
    assert sizes == [3, 3, 1]
    np.testing.assert_allclose(again.loss, answered.loss, rtol=1e-13)
    for name in OutputDistances.__dataclass_fields__:
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-13)


def test_answers_alone_are_the_same_answers() -> None:
    dataset, z = data(independent=False), logits()
    alone = answers(Meaning.of(CrossEntropy(), dataset), of(z), dataset.train)
    answered, _ = measured(CrossEntropy(), False, z)
    assert alone.examples == n
    np.testing.assert_array_equal(alone.loss, answered.loss)
    np.testing.assert_array_equal(alone.accuracy, answered.accuracy)


def test_losses_are_taken_in_float64() -> None:
    z = torch.tensor([[[20.0, 0.0]], [[20.0 + 1e-5, 0.0]]])
    inputs = torch.zeros(1, 1)
    split = Split(inputs, torch.tensor([0]))
    dataset = Dataset(split, split, ("a", "b"), "none")
    found = answers(Meaning.of(CrossEntropy(), dataset), of(z), split)
    expected = [np.log1p(np.exp(-float(z[member, 0, 0]))) for member in range(2)]
    np.testing.assert_allclose(found.loss, expected, rtol=1e-6)
    assert found.loss[1] < found.loss[0]
