import pytest

from schemas.brackets import Brackets
from schemas.data import Digits, First, Idx, Random, RegistryData
from schemas.datasets import IdxManifest, Shard
from schemas.diagnostic import Diagnostic
from schemas.models import Mlp, Transformer
from schemas.training import Training
from service.errors import Refused
from service.planner.limits import check
from service.planner.size import data_size

DIGITS = data_size(Digits(), None)
RUN = Training(steps=10)


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


def test_what_is_not_known_here_is_left_to_the_workers():
    check(Brackets(training=RUN, examples=First(count=1500)), data_size(RegistryData(name="x"), None))


def test_a_schedule_that_fits_no_object():
    large = Training(steps=10_000_000, batch_size=1_000_000)
    assert refused(large, "10,000,000 steps × 1,437 examples × 8 bytes = 114,960,000,000: take fewer") == "too_large"
    assert refused(Brackets(training=large, examples=First(count=2)), "batch schedule") == "too_large"
    check(Training(steps=180_000, batch_size=1_000_000), DIGITS)
    unknown = data_size(RegistryData(name="x"), None)
    assert refused(Training(steps=10_000, batch_size=1_000_000), "1,000,000 examples", unknown) == "too_large"
