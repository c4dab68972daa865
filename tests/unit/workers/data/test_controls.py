import pytest
import torch

from schemas.data import CONTROL_LABELS
from workers.data.controls import control_labels

N = 20_000
DRAW = torch.Generator().manual_seed(0)
FIRST = (torch.rand(N, generator=DRAW) < 0.3).to(torch.uint8)
SECOND = (torch.rand(N, generator=DRAW) < 0.1).to(torch.uint8) & ~FIRST & 1
FIVE_DEVIATIONS = 5 * 0.5 / N**0.5


def columns(seed: int = 0, split: str = "train") -> dict[str, torch.Tensor]:
    found = control_labels(FIRST, SECOND, seed, split)
    assert (found.shape, found.dtype) == ((N, 6), torch.uint8)
    return dict(zip(CONTROL_LABELS, found.bool().T, strict=True))


def test_exactly_one_of_the_exclusive_labels_where_either_holds() -> None:
    made = columns()
    either = (FIRST | SECOND).bool()
    assert torch.equal(made["control_exclusive_1"] ^ made["control_exclusive_2"], either)
    assert not (made["control_exclusive_1"] & made["control_exclusive_2"]).any()


@pytest.mark.parametrize("truth", [FIRST, SECOND], ids=["A", "B"])
def test_the_coin_is_fair_and_knows_nothing(truth: torch.Tensor) -> None:
    heads = columns()["control_exclusive_1"][truth.bool()]
    assert abs(float(heads.double().mean()) - 0.5) < 5 * 0.5 / len(heads) ** 0.5


def test_independent_labels_have_the_rates_of_the_pair() -> None:
    made = columns()
    one, two = made["control_independent_1"].double(), made["control_independent_2"].double()
    assert abs(one.mean() - FIRST.double().mean()) < FIVE_DEVIATIONS
    assert abs(two.mean() - SECOND.double().mean()) < FIVE_DEVIATIONS
    assert abs((one * two).mean() - one.mean() * two.mean()) < FIVE_DEVIATIONS
    for truth in (FIRST.double(), SECOND.double()):
        assert abs((one * truth).mean() - one.mean() * truth.mean()) < FIVE_DEVIATIONS


def test_identical_labels_are_the_first() -> None:
    made = columns()
    assert torch.equal(made["control_identical_1"], FIRST.bool())
    assert torch.equal(made["control_identical_2"], FIRST.bool())


def test_draws_follow_seed_and_split() -> None:
    again = columns()
    for other in (columns(seed=1), columns(split="test")):
        for name in ("control_exclusive_1", "control_independent_1"):
            assert torch.equal(columns()[name], again[name])
            assert not torch.equal(other[name], again[name])
