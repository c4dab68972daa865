import pytest
import torch

from schemas.data import Idx, Text
from schemas.datasets import StoredTokenizer, TextManifest
from tests.support.memory_context import MemoryContext
from tests.support.stored_datasets import stored_manifest, stored_shard
from workers.data import load
from workers.errors import UserFault

TOKENS = torch.tensor([[5, 2, 0], [3, 0, 0], [4, 4, 1]], dtype=torch.uint16)
CLASSES = torch.tensor([0, 1, 1], dtype=torch.uint16)


def imported(context: MemoryContext, vocabulary: int = 6) -> str:
    shards = [stored_shard(context, split, {"tokens": TOKENS, "labels": CLASSES}) for split in ("train", "test")]
    tokenizer = StoredTokenizer(sha256="a" * 64, size_bytes=9, vocabulary=vocabulary, library="none")
    manifest = TextManifest(length=3, tokenizer=tokenizer, labels=("neg", "pos"), source="imdb", shards=tuple(shards))
    return stored_manifest(context, manifest)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tokens_stay_whole_numbers(context: MemoryContext, dtype: torch.dtype) -> None:
    data = load(Text(digest=imported(context)), context, dtype)
    assert data.train.inputs[:].tolist() == TOKENS.tolist()
    assert (data.test.inputs.dtype, data.test.labels.tolist()) == (torch.int64, [0, 1, 1])
    assert (data.vocabulary, data.label_names, data.input_shape) == (6, ("neg", "pos"), (3,))
    assert data.normalisation == "tokens of the tokenizer aaaaaaaaaaaa"


def test_tokens_beyond_the_vocabulary(context: MemoryContext) -> None:
    with pytest.raises(UserFault, match="must lie in 0 … 4, the train split has 0 … 5"):
        load(Text(digest=imported(context, vocabulary=5)), context, torch.float32)


def test_a_spec_of_another_kind(context: MemoryContext) -> None:
    with pytest.raises(UserFault, match="is of kind text: name it with that kind in the spec"):
        load(Idx(digest=imported(context)), context, torch.float32)
