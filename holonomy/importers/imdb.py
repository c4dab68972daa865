"""IMDb reviews in their official layout: `aclImdb/{train,test}/{neg,pos}/*.txt`; `train/unsup` has no labels.

Source: A. Maas et al., Learning Word Vectors for Sentiment Analysis, ACL 2011.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from holonomy.importers.classes import Labelled, labelled_files
from holonomy.importers.source import SHARD_BYTES, Arrays, needed_folder, needed_text, rows_of
from holonomy.importers.tokenizer import Tokenizer
from schemas.datasets import SPLITS, Shard, SplitName, TextManifest

NAMES = ("neg", "pos")
UNLABELLED = "unsup"
_SUFFIXES = frozenset({".txt"})
_TOKEN_BYTES = _LABEL_BYTES = 2
# `<br />` is the only markup in the reviews.
_BREAK = "<br />"


@dataclass(frozen=True)
class Imdb:
    """A checked folder, and the tokenizer trained on its train split.

    Attributes:
        files: Files with the numbers of their classes, by split.
        length: Tokens of an example.
        tokenizer: What makes tokens of texts.
    """

    files: dict[SplitName, list[Labelled]]
    length: int
    tokenizer: Tokenizer

    def count(self, split: SplitName) -> int:
        """Examples in a split."""
        return len(self.files[split])

    def pieces(self, split: SplitName, shard_bytes: int = SHARD_BYTES) -> Iterator[Arrays]:
        """`tokens` (n, length) and `labels` (n,), classes taking turns.

        Raises:
            BadFile: a file is not UTF-8.
        """
        rows = rows_of(_TOKEN_BYTES * self.length + _LABEL_BYTES, shard_bytes)
        files = self.files[split]
        for start in range(0, len(files), rows):
            part = files[start : start + rows]
            yield {
                "tokens": self.tokenizer.encode(list(_texts(part)), self.length),
                "labels": np.array([label for _, label in part], dtype=np.uint16),
            }

    def manifest(self, shards: tuple[Shard, ...]) -> TextManifest:
        """What the service keeps of it."""
        return TextManifest(
            length=self.length, tokenizer=self.tokenizer.stored(), labels=NAMES, source="imdb", shards=shards
        )


def open_folder(folder: str | Path, length: int, vocabulary: int) -> Imdb:
    """List the files of both splits, and train a tokenizer of up to `vocabulary` tokens on the train split.

    Raises:
        BadFile: a split or class is missing or empty, or a file is not UTF-8.
        Unconfigured: the library `tokenizers` is not installed.
    """
    root = needed_folder(Path(folder), "train/{neg,pos}/ and test/{neg,pos}/")
    files = dict[SplitName, list[Labelled]]()
    for split in SPLITS:
        files[split] = labelled_files(needed_folder(root / split, "neg/ and pos/"), NAMES, _SUFFIXES)
    return Imdb(files, length, Tokenizer.train(_texts(files["train"]), vocabulary))


def _texts(files: list[Labelled]) -> Iterator[str]:
    return (needed_text(path, "it was listed a moment ago").replace(_BREAK, " ") for path, _ in files)
