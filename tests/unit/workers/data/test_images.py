import pytest
import torch

from schemas.data import CONTROL_LABELS, Images, LabelControls
from schemas.datasets import ImagesManifest, Pictures
from tests.support.memory_context import MemoryContext
from tests.support.stored_datasets import stored_manifest, stored_shard
from workers.data import load
from workers.errors import UserFault

DRAW = torch.Generator().manual_seed(0)
PIXELS = torch.randint(0, 256, (7, 3, 2, 4), dtype=torch.uint8, generator=DRAW)
CLASSES = torch.tensor([0, 2, 1, 0, 300, 1, 2], dtype=torch.uint16)
LABELS = torch.randint(0, 2, (7, 3), dtype=torch.uint8, generator=DRAW)
PREPARATION = Pictures(source="celeba", crop=None, size=4, filter="bilinear", decoder="none")


def imported(context: MemoryContext, stored: torch.Tensor = LABELS, **changes: object) -> str:
    """Two shards of training images (4 and 1) around one of test images (2)."""
    parts = (("train", slice(0, 4)), ("test", slice(4, 6)), ("train", slice(6, 7)))
    shards = [stored_shard(context, split, {"images": PIXELS[part], "labels": stored[part]}) for split, part in parts]
    fields = {
        "channels": 3,
        "height": 2,
        "width": 4,
        "labels": ("a", "b", "c"),
        "label_kind": "independent" if stored.dim() == 2 else "classes",
        "preparation": PREPARATION,
        "shards": tuple(shards),
    }
    return stored_manifest(context, ImagesManifest.model_validate(fields | changes))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_images_are_normalised_by_channel_when_they_are_read(context: MemoryContext, dtype: torch.dtype) -> None:
    spec = Images(digest=imported(context), mean=(0.1, 0.2, 0.3), std=(0.5, 0.4, 2.0))
    data = load(spec, context, dtype)
    order = [0, 1, 2, 3, 6]
    scaled = [
        (PIXELS[order, k].double() / 255 - m) / s for k, (m, s) in enumerate([(0.1, 0.5), (0.2, 0.4), (0.3, 2)])
    ]
    expected = torch.stack(scaled, dim=1).to(dtype)
    assert torch.equal(data.train.inputs[:], expected)
    assert torch.equal(data.train.inputs[torch.tensor([4, 1])], expected[[4, 1]])
    assert torch.equal(data.train.inputs[2], expected[2])
    assert (len(data.train), data.input_shape) == (5, (3, 2, 4))
    assert data.normalisation == (
        "centred largest square of celeba scaled to 4×4 (bilinear, none); "
        "(pixels / 255 - (0.1, 0.2, 0.3)) / (0.5, 0.4, 2.0)"
    )


def test_labels_are_independent_and_can_be_chosen(context: MemoryContext) -> None:
    pin = imported(context)
    whole = load(Images(digest=pin, mean=0.5, std=0.25), context, torch.float64)
    assert whole.independent
    assert torch.equal(whole.test.labels, LABELS[4:6].double())
    assert whole.normalisation.endswith("; (pixels / 255 - 0.5) / 0.25")
    chosen = load(Images(digest=pin, labels=("c", "a")), context, torch.float32)
    assert chosen.label_names == ("c", "a")
    assert torch.equal(chosen.test.labels, LABELS[4:6][:, [2, 0]].float())


def test_classes_beyond_one_byte(context: MemoryContext) -> None:
    names = tuple(str(number) for number in range(301))
    data = load(Images(digest=imported(context, CLASSES, labels=names)), context, torch.float32)
    assert data.test.labels.tolist() == [300, 1]
    assert not data.independent


def test_controls_follow_the_labels(context: MemoryContext) -> None:
    spec = Images(digest=imported(context), labels=("b", "a"), controls=LabelControls(pair=("a", "b"), seed=3))
    data = load(spec, context, torch.float32)
    assert data.label_names == ("b", "a", *CONTROL_LABELS)
    assert torch.equal(data.train.labels[:, -1], data.train.labels[:, 1])


@pytest.mark.parametrize(
    ("changes", "spec", "message"),
    [
        ({}, {"labels": ("z",)}, "the dataset has no label 'z'; it has a, b, c"),
        ({}, {"controls": {"pair": ("a", "z")}}, "the dataset has no label 'z'; it has a, b, c"),
        ({}, {"std": (1.0, 2.0)}, "`std` has 2 values but the images have 3 channels: give one number, or one per"),
        (
            {"width": 5},
            {},
            r"should hold images torch.uint8 \(4, 3, 2, 5\) and labels torch.uint8 \(4, 3\); it has images",
        ),
        ({"labels": ("a", "b")}, {}, r"labels torch.uint8 \(4, 2\); it has .* labels torch.uint8 \(4, 3\)"),
        ({"labels": tuple(map(str, range(99)))}, {"labels": ("z",)}, r"0, 1, .* 39 and 59 more"),
    ],
)
def test_what_the_dataset_does_not_have(context: MemoryContext, changes, spec, message: str) -> None:
    asked = Images.model_validate({"digest": imported(context, **changes), **spec})
    with pytest.raises(UserFault, match=message):
        load(asked, context, torch.float32)


@pytest.mark.parametrize("asked", [{"labels": ("a",)}, {"controls": {"pair": ("a", "b")}}])
def test_classes_are_not_chosen_from_or_controlled(context: MemoryContext, asked) -> None:
    spec = Images.model_validate({"digest": imported(context, CLASSES), **asked})
    with pytest.raises(UserFault, match="are for independent labels, but each example of this dataset has one class"):
        load(spec, context, torch.float32)
