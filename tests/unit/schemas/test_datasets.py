"""Manifests and the specs that name them: stable digests, layouts of shards, and what is refused."""

import pytest
from pydantic import ValidationError

from schemas.canonical import canonical_json
from schemas.data import Images, LabelControls
from schemas.datasets import (
    IdxManifest,
    ImagesManifest,
    Shard,
    StoredTokenizer,
    TextManifest,
    dataset_manifest,
)
from schemas.losses import GroupedCrossEntropy

SHARD = Shard(sha256="0" * 64, size_bytes=3, split="train", count=2)
IDX = IdxManifest(shape=(4, 5), labels=("a",), shards=(SHARD,))


def images(**changes: object) -> ImagesManifest:
    prepared = {"source": "folders", "crop": None, "size": 4, "decoder": "none"}
    fields = {
        "channels": 3,
        "height": 4,
        "width": 4,
        "labels": ("a", "b"),
        "label_kind": "classes",
        "shards": (SHARD,),
    }
    return ImagesManifest.model_validate({**fields, "preparation": prepared, **changes})


def text() -> TextManifest:
    tokenizer = StoredTokenizer(sha256="1" * 64, size_bytes=1, vocabulary=9, library="none")
    return TextManifest(length=7, tokenizer=tokenizer, labels=("neg", "pos"), source="imdb", shards=(SHARD,))


def test_the_form_of_idx_manifests_is_for_ever() -> None:
    """Specs pin the digest of these bytes."""
    assert canonical_json(IDX) == (
        b'{"kind":"idx","labels":["a"],"shape":[4,5],"shards":[{"count":2,"sha256":"'
        + b"0" * 64
        + b'","size_bytes":3,"split":"train"}]}'
    )


@pytest.mark.parametrize("manifest", [IDX, images(), text()], ids=lambda manifest: manifest.kind)
def test_manifests_come_back_as_their_kind(manifest: IdxManifest | ImagesManifest | TextManifest) -> None:
    assert dataset_manifest.validate_json(canonical_json(manifest)) == manifest


@pytest.mark.parametrize(
    ("manifest", "layout"),
    [
        (IDX, {"images": ("uint8", (2, 4, 5)), "labels": ("uint8", (2,))}),
        (images(), {"images": ("uint8", (2, 3, 4, 4)), "labels": ("uint16", (2,))}),
        (images(label_kind="independent"), {"images": ("uint8", (2, 3, 4, 4)), "labels": ("uint8", (2, 2))}),
        (text(), {"tokens": ("uint16", (2, 7)), "labels": ("uint16", (2,))}),
    ],
)
def test_what_a_shard_holds(manifest: IdxManifest | ImagesManifest | TextManifest, layout: object) -> None:
    assert manifest.layout(SHARD) == layout


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "give either the name or the digest"),
        ({"name": "faces", "digest": "0" * 64}, "give either the name or the digest"),
        ({"name": "faces", "labels": ("a", "b", "a")}, r"named once each; named more than once: \['a'\]"),
        ({"name": "faces", "labels": ()}, "at least 1 item"),
        ({"name": "faces", "std": (1.0, 0.0)}, "greater than 0"),
        ({"name": "faces", "controls": {"pair": ("a", "a")}}, "two different labels; came 'a' twice"),
        ({"name": "faces", "labels": ("a",), "controls": {"pair": ("b", "a")}}, r"among `labels`; missing: \['b'\]"),
    ],
)
def test_bad_image_specs(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Images.model_validate(fields)


def test_normalisation_is_one_number_or_one_per_channel() -> None:
    spec = Images(name="faces", mean=0.5, std=(1.0, 2.0, 3.0), controls=LabelControls(pair=("a", "b")))
    assert Images.model_validate_json(canonical_json(spec)) == spec


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ((("a", "b"), ("b",)), r"in one group, once; listed more than once: \['b'\]"),
        (((1, 1),), r"listed more than once: \['1'\]"),
        ((), "at least 1 item"),
        (((-1,),), "greater than or equal to 0"),
    ],
)
def test_bad_groups(groups: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GroupedCrossEntropy.model_validate({"groups": groups})
