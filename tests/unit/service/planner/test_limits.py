import pytest

from schemas.brackets import Brackets
from schemas.data import Digits, First, Idx, Random, RegistryData
from schemas.datasets import IdxManifest, Shard
from schemas.diagnostic import Diagnostic
from schemas.models import Layers, Mlp, Transformer
from schemas.reorderings import ListedOrders, Reorderings, Shuffles, Swaps
from schemas.targets import TestLogit, TestLoss
from schemas.training import Training
from service.errors import Refused
from service.planner.limits import check
from service.planner.size import data_size

DIGITS = data_size(Digits(), None)
RUN = Training(steps=10)
LONG = Training(steps=99, checkpoints=tuple(range(100)))


def refused(spec, match, data=DIGITS):
    with pytest.raises(Refused, match=match) as caught:
        check(spec, data)
    return caught.value.code


def test_a_billion_blocks():
    assert refused(Diagnostic(blocks=10**9), "1,000,000,000: ask for fewer, or for 1,000 jobs") == "too_large"
    check(Diagnostic(blocks=10**6), DIGITS)


def test_examples_outside_the_splits():
    too_many = Brackets(training=RUN, examples=First(count=1438))
    assert refused(too_many, "examples reaches index 1,437 but the train split has 1,437 examples") == "out_of_range"
    test = Brackets(training=RUN, examples=[0, 1436], test_examples=[0, 360])
    assert refused(test, "test_examples reaches index 360 but the test split has 360") == "out_of_range"
    check(Brackets(training=RUN, examples=[0, 1436], test_examples=Random(count=360)), DIGITS)


def test_too_many_pairs():
    data = data_size(RegistryData(name="large"), None)
    spec = Brackets(training=RUN, examples=First(count=100_000))
    assert refused(spec, "100,000 × 99,999 / 2 pairs × 1 checkpoints = 4,999,950,000", data) == "too_large"


def test_too_many_bytes():
    logits = Brackets(training=RUN, examples=First(count=1437), test_examples=First(count=360))
    check(logits, DIGITS)
    wide = Training(steps=10, model=Mlp(hidden=(4096, 4096)))
    kept = Brackets(training=wide, examples=First(count=400), keep="all")
    assert refused(kept, "79,800 kept brackets × 17,088,522 parameters × 4 bytes = ") == "too_large"
    many = Training(steps=10_000, checkpoints=tuple(range(1, 10_001)), model=Mlp(hidden=(4096, 4096)))
    assert refused(many, "10,000 checkpoints of 205,062,264 bytes = ") == "too_large"


def test_outputs_that_are_not_the_labels():
    manifest = IdxManifest(
        shape=(2, 2), labels=("a", "b"), shards=(Shard(sha256="0" * 64, size_bytes=1, split="train", count=9),)
    )
    data = data_size(Idx(digest="0" * 64), manifest)
    spec = Training(steps=1, data=Idx(digest="0" * 64), model=Mlp(outputs=3))
    assert refused(spec, "3 outputs but the dataset has 2 labels", data) == "outputs_mismatch"
    assert refused(Brackets(training=spec, examples=First(count=2)), "3 outputs", data) == "outputs_mismatch"


def test_inputs_that_the_model_cannot_take():
    spec = Training(steps=1, model=Transformer(patch=3))
    assert refused(spec, "must divide height and width, the images have 8 × 8") == "inputs_mismatch"
    assert refused(Brackets(training=spec, examples=First(count=2)), "patch of 3") == "inputs_mismatch"


def test_parameters_that_no_width_has():
    spec = Training(steps=1, model=Mlp(hidden=Layers(depth=3, parameters=88)))
    words = "depth 3 with 64 inputs and 10 outputs has at least 89 parameters, at width 1; came 88: change the depth"
    assert refused(spec, words) == "inputs_mismatch"
    assert refused(Brackets(training=spec, examples=First(count=2)), words) == "inputs_mismatch"
    check(spec, data_size(RegistryData(name="x"), None))


def test_what_is_not_known_here_is_left_to_the_workers():
    check(Brackets(training=RUN, examples=First(count=1500)), data_size(RegistryData(name="x"), None))


def test_a_schedule_that_fits_no_object():
    large = Training(steps=10_000_000, batch_size=1_000_000)
    assert refused(large, "10,000,000 steps × 1,437 examples × 8 bytes = 114,960,000,000: take fewer") == "too_large"
    assert refused(Brackets(training=large, examples=First(count=2)), "batch schedule") == "too_large"
    check(Training(steps=180_000, batch_size=1_000_000), DIGITS)
    unknown = data_size(RegistryData(name="x"), None)
    assert refused(Training(steps=10_000, batch_size=1_000_000), "1,000,000 examples", unknown) == "too_large"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"projections": [TestLoss(), TestLogit(example=3, output=9)], "test_examples": [0], "examples": 20_000},
            "20,000 × 19,999 / 2 pairs × 1 checkpoints × 2 targets = 399,980,000: take fewer examples, targets",
        ),
        (
            {"reorderings": Reorderings(orders=Shuffles(count=100_000))},
            "2 × 100,000 orders × 1,400 examples × 1 checkpoints = 280,000,000: take fewer or shorter ones",
        ),
        (
            {"test_examples": 360, "training": LONG, "logits": "all"},
            r"logits of 1,400 × 1,399 / 2 pairs × 100 checkpoints × 360 test examples × 10 outputs × 4 bytes = ",
        ),
    ],
    ids=["projections", "reorderings", "logits"],
)
def test_reductions_beyond_the_limits(changes, words):
    assert bracket_refusal(changes, words) == "too_large"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"projections": [TestLogit(example=360, output=0)]},
            "a projection on a logit reaches index 360 but the test",
        ),
        ({"projections": [TestLogit(example=0, output=10)]}, "names output 10 but the model has 10, numbered 0 to 9"),
        ({"minibatches": [(0,), (3, 1437)]}, "minibatch 1 reaches index 1,437 but the train split has 1,437"),
        (
            {"reorderings": Reorderings(orders=ListedOrders(orders=[((0, 9999), (9999, 0))]))},
            "pair of orders 0 reaches index 9,999 but the train split",
        ),
    ],
    ids=["test-example", "output", "minibatch", "order"],
)
def test_reductions_of_what_is_not_there(changes, words):
    assert bracket_refusal(changes, words) == "out_of_range"


def test_what_is_within_the_limits_passes():
    for changes in (
        {"test_examples": 360, "training": LONG},
        {"minibatches": [(0,), (1436,)], "projections": [TestLogit(example=359, output=9)]},
        {"reorderings": Reorderings(orders=Swaps(count=100_000))},
    ):
        check(brackets(changes), DIGITS)


def bracket_refusal(changes, words):
    data = data_size(RegistryData(name="large"), None) if changes.get("examples") == 20_000 else DIGITS
    return refused(brackets(changes), words, data)


def brackets(changes):
    counts = {
        name: First(count=value) if isinstance(value, int) else value
        for name, value in ({"examples": 1_400} | changes).items()
        if name in ("examples", "test_examples")
    }
    plain = {"training": RUN, "norms": "training" in changes}
    return Brackets(**(plain | changes | counts))
