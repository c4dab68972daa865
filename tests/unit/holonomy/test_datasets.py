"""Imports: in shards, once."""

from pathlib import Path

import pytest
import safetensors.numpy

from holonomy import BadFile, Client, Refused
from tests.support.contracts_client import write_idx_folder
from tests.support.fake_service import World


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
