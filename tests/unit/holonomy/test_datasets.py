"""Imports: in shards, once."""

import hashlib
import sys
from pathlib import Path

import pytest
import safetensors.numpy
import tokenizers
import torch

from holonomy import BadFile, Client, Images, LabelControls, Refused, Unconfigured, faces
from schemas.canonical import canonical_json
from schemas.data import CONTROL_LABELS
from schemas.datasets import ImagesManifest, TextManifest, manifest_key, shard_key
from tests.support.contracts_client import write_idx_folder
from tests.support.fake_service import World
from tests.support.layouts import NAMES, REVIEWS, write_celeba, write_imdb, write_picture_folders
from tests.support.memory_context import MemoryContext
from workers.data import load


def test_a_dataset_travels_in_shards_that_are_sent_once(client: Client, world: World, tmp_path: Path) -> None:
    write_idx_folder(tmp_path, train=23, test=4)
    told = list[tuple[int, int]]()
    dataset = client.data.import_idx(
        "small", tmp_path, shard_bytes=4096 + 10 * 21, report=lambda *done: told.append(done)
    )
    assert told == [(10, 27), (20, 27), (23, 27), (27, 27)]
    assert [shard.count for shard in dataset.manifest.shards] == [10, 10, 3, 4]
    arrays = safetensors.numpy.load(world.shards[dataset.manifest.shards[2].sha256])
    assert (arrays["images"].shape, arrays["labels"].tolist()) == ((3, 4, 5), [2, 0, 1])
    client.data.import_idx("again", tmp_path, shard_bytes=4096 + 10 * 21)
    assert sum(request.startswith("PUT") for request in world.requests) == 4


def test_a_bad_name_is_refused_before_anything_is_sent(client: Client, world: World, tmp_path: Path) -> None:
    write_idx_folder(tmp_path)
    with pytest.raises(Refused, match=r"the name of a dataset is up to 100 letters.*; came 'two words'"):
        client.data.import_idx("two words", tmp_path)
    assert world.shards == {}


def test_nothing_is_named_when_a_file_is_damaged(client: Client, world: World, tmp_path: Path) -> None:
    write_idx_folder(tmp_path)
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadFile, match="t10k-images-idx3-ubyte ends early"):
        client.data.import_idx("small", tmp_path)
    assert world.datasets == {}


def test_celeba_in_shards_with_how_it_was_prepared(client: Client, world: World, tmp_path: Path) -> None:
    write_celeba(tmp_path)
    dataset = client.data.import_celeba("few", tmp_path, size=8, crop=10, shard_bytes=4096 + 2 * (3 * 8 * 8 + 3))
    manifest = dataset.manifest
    assert isinstance(manifest, ImagesManifest)
    assert [(shard.split, shard.count) for shard in manifest.shards] == [("train", 2), ("train", 1), ("test", 2)]
    assert (manifest.labels, manifest.label_kind) == (NAMES, "independent")
    prepared = manifest.preparation
    assert (prepared.source, prepared.crop, prepared.size, prepared.test_split) == ("celeba", 10, 8, "test")
    assert prepared.decoder.startswith("Pillow")
    arrays = safetensors.numpy.load(world.shards[manifest.shards[1].sha256])
    assert (arrays["images"].shape, arrays["labels"].tolist()) == ((1, 3, 8, 8), [[0, 1, 0]])
    valid = client.data.import_celeba("valid", tmp_path, size=8, test_split="valid").manifest
    assert valid.count("test") == 1


def test_pictures_in_folders(client: Client, tmp_path: Path) -> None:
    manifest = client.data.import_folders("pets", write_picture_folders(tmp_path), size=4).manifest
    assert isinstance(manifest, ImagesManifest)
    assert (manifest.labels, manifest.label_kind) == (("cat", "dog"), "classes")
    assert (manifest.count("train"), manifest.count("test")) == (5, 3)


def test_a_tokenizer_is_stored_with_its_texts(client: Client, world: World, tmp_path: Path) -> None:
    manifest = client.data.import_imdb("reviews", write_imdb(tmp_path), length=6, vocabulary=60).manifest
    assert isinstance(manifest, TextManifest)
    stored = manifest.tokenizer
    assert (manifest.count("train"), manifest.count("test"), manifest.length) == (5, 5, 6)
    content = client.data.tokenizer(stored)
    assert (len(content), hashlib.sha256(content).hexdigest()) == (stored.size_bytes, stored.sha256)
    tokenizer = tokenizers.Tokenizer.from_str(content.decode())
    assert (tokenizer.get_vocab_size(), tokenizer.id_to_token(0)) == (stored.vocabulary, "[PAD]")
    arrays = safetensors.numpy.load(world.shards[manifest.shards[0].sha256])
    first = tokenizer.encode(REVIEWS["neg"][0].replace("<br />", " ")).ids
    assert arrays["tokens"][0].tolist() == first[:6]
    assert arrays["labels"].tolist() == [0, 1, 0, 1, 0]


def test_a_missing_extra_is_named(client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_picture_folders(tmp_path / "pets")
    write_imdb(tmp_path / "reviews")
    for module in ("PIL.Image", "tokenizers"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Unconfigured, match=r"reading pictures needs .* install `holonomy\[images\]`"):
        client.data.import_folders("pets", tmp_path / "pets")
    with pytest.raises(Unconfigured, match=r"reading texts needs .* install `holonomy\[text\]`"):
        client.data.import_imdb("reviews", tmp_path / "reviews")


@pytest.mark.parametrize(
    ("call", "numbers", "message"),
    [
        ("import_celeba", {"size": 0}, "size is a whole number from 1 to 65,536; came 0"),
        ("import_folders", {"crop": -1}, "crop is a whole number from 1 to 65,536; came -1"),
        ("import_imdb", {"length": 0}, "length is a whole number from 1"),
        ("import_imdb", {"vocabulary": 100_000}, "vocabulary is a whole number from 2 to 65,536; came 100000"),
    ],
)
def test_numbers_out_of_range(
    client: Client, call: str, numbers: dict[str, int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=message):
        getattr(client.data, call)("some", tmp_path, **numbers)


def test_faces_go_from_the_drawing_to_a_worker(client: Client, world: World, tmp_path: Path) -> None:
    faces.write(tmp_path / "faces", faces.Parameters(count=30, size=32, seed=1))
    dataset = client.data.import_celeba("faces", tmp_path / "faces", size=32)
    context = MemoryContext()
    context.put(manifest_key(dataset.digest), canonical_json(dataset.manifest))
    for shard in dataset.manifest.shards:
        context.put(shard_key(shard.sha256), world.shards[shard.sha256])
    spec = Images(digest=dataset.digest, mean=0.5, std=0.5, controls=LabelControls(pair=("Black_Hair", "Brown_Hair")))
    data = load(spec, context, torch.float32)
    assert (len(data.train), len(data.test), data.input_shape) == (24, 3, (3, 32, 32))
    assert data.label_names == (*faces.NAMES, *CONTROL_LABELS)
    drawn = faces.portrait(0, seed=1, size=32, lighting=faces.LIGHTING)
    assert {
        name for name, held in zip(data.label_names, data.train.labels[0, :40], strict=False) if held
    } == drawn.traits
    shown = (data.train.inputs[0].double() * 0.5 + 0.5).permute(1, 2, 0) * 255
    assert float((shown - torch.from_numpy(drawn.pixels).double()).abs().mean()) < 3  # JPEG
