import pytest
import torch

from workers.data import Dataset, Split
from workers.errors import UserFault

CLASSES = Split(torch.zeros(3, 2), torch.tensor([0, 1, 1]))
INDEPENDENT = Split(torch.zeros(3, 2), torch.zeros(3, 2))


def dataset(train: Split = CLASSES, test: Split = CLASSES) -> Dataset:
    return Dataset(train, test, ("a", "b"), "none")


def test_kind_of_labels_and_shape() -> None:
    assert not dataset().independent
    assert dataset(INDEPENDENT, INDEPENDENT).independent
    assert dataset().input_shape == (2,)


def test_moving_casts_inputs_and_independent_labels_only() -> None:
    cpu = torch.device("cpu")
    moved = dataset().to(cpu, torch.float64)
    assert (moved.train.inputs.dtype, moved.train.labels.dtype) == (torch.float64, torch.int64)
    assert dataset(INDEPENDENT, INDEPENDENT).to(cpu, torch.float64).test.labels.dtype == torch.float64


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (Split(torch.zeros(3, 2, dtype=torch.int64), CLASSES.labels), "floating-point inputs .* torch.int64"),
        (Split(torch.zeros(2, 2), CLASSES.labels), "came 2 inputs of torch.float32 and 3 labels"),
        (Split(torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64)), "at least one, came 0"),
        (Split(torch.zeros(3, 2), torch.tensor([0, 1, 2])), r"lie in 0 … 1, the test split has 0 … 2"),
        (Split(torch.zeros(3, 2), torch.tensor([-1, 1, 1])), r"the test split has -1 … 1"),
        (Split(torch.zeros(3, 2), torch.zeros(3, 3)), r"the test split has \(3, 3\) of torch.float32"),
        (Split(torch.zeros(3, 2), torch.zeros(3)), r"the test split has \(3,\) of torch.float32"),
        (Split(torch.zeros(3, 4), CLASSES.labels), r"inputs of one shape, the train inputs have \(2,\)"),
        (INDEPENDENT, "both must be of one kind"),
    ],
)
def test_splits_that_do_not_fit(split: Split, message: str) -> None:
    with pytest.raises(UserFault, match=message):
        dataset(test=split)


TOKENS = torch.tensor([[3, 1, 0], [2, 0, 0], [0, 0, 0]])


def texts(tokens: torch.Tensor = TOKENS, vocabulary: int | None = 4) -> Dataset:
    split = Split(tokens, CLASSES.labels)
    return Dataset(split, split, ("a", "b"), "none", vocabulary)


def test_token_ids_keep_their_type() -> None:
    moved = texts().to(torch.device("cpu"), torch.float64)
    assert moved.train.inputs.dtype == torch.int64
    assert (moved.vocabulary, moved.input_shape) == (4, (3,))


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (TOKENS.double(), "needs as many labels as int64 inputs .* torch.float64"),
        (TOKENS + 1, r"token ids must lie in 0 … 3, the train split has 1 … 4"),
        (TOKENS - 1, r"the train split has -1 … 2"),
        (TOKENS[:, 0], r"texts are \(N, L\) token ids, the train split has \(3,\)"),
    ],
)
def test_texts_that_are_not_token_ids(tokens: torch.Tensor, message: str) -> None:
    with pytest.raises(UserFault, match=message):
        texts(tokens)
