"""A tokenizer trained at import, so that token ids mean what the training texts made of them."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from holonomy.importers.extras import needed
from holonomy.importers.source import Shorts
from schemas.datasets import StoredTokenizer

PADDING, UNKNOWN = "[PAD]", "[UNK]"
"""Tokens 0 and 1."""
_WHY = "reading texts"


class Tokenizer:
    """Byte-pair encoding of lower-case words (NFKC), split at white space and punctuation.

    Training is deterministic: equal texts in equal order give equal bytes, whatever the number of threads.
    """

    def __init__(self, trained: Any) -> None:
        self._trained = trained

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int) -> "Tokenizer":
        """Merge the most frequent neighbours until there are `vocabulary` tokens, or nothing is left to merge.

        Raises:
            Unconfigured: the library `tokenizers` is not installed.
        """
        library = needed("tokenizers", "text", _WHY)
        parts = {name: needed(f"tokenizers.{name}", "text", _WHY) for name in ("normalizers", "pre_tokenizers")}
        trained = library.Tokenizer(library.models.BPE(unk_token=UNKNOWN))
        trained.normalizer = parts["normalizers"].Sequence(
            [parts["normalizers"].NFKC(), parts["normalizers"].Lowercase()]
        )
        trained.pre_tokenizer = parts["pre_tokenizers"].BertPreTokenizer()
        trainer = needed("tokenizers.trainers", "text", _WHY).BpeTrainer(
            vocab_size=vocabulary, special_tokens=[PADDING, UNKNOWN], show_progress=False
        )
        trained.train_from_iterator(texts, trainer)
        return cls(trained)

    def json(self) -> bytes:
        """The tokenizer as the library's JSON, which `tokenizers.Tokenizer.from_str` reads."""
        return str(self._trained.to_str()).encode()

    def stored(self) -> StoredTokenizer:
        """What a manifest says of it."""
        content = self.json()
        return StoredTokenizer(
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            vocabulary=self._trained.get_vocab_size(),
            library=f"tokenizers {needed('tokenizers', 'text', _WHY).__version__}",
        )

    def encode(self, texts: Sequence[str], length: int) -> Shorts:
        """Token ids (len(texts), length): the first `length` of each text, filled up with 0 at the end."""
        tokens = np.zeros((len(texts), length), dtype=np.uint16)
        for row, encoded in zip(tokens, self._trained.encode_batch(list(texts)), strict=True):
            ids = encoded.ids[:length]
            row[: len(ids)] = ids
        return tokens
