"""A tokenizer trained at import, so that token ids mean what the training texts made of them."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from holonomy.errors import Refused
from holonomy.importers.extras import needed
from holonomy.importers.source import Shorts
from schemas.datasets import StoredTokenizer

PADDING, UNKNOWN = "[PAD]", "[UNK]"
"""Tokens 0 and 1."""
# An encoded text takes far more memory than its tokens.
_BATCH = 256


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
            Refused: the texts have more different characters than that.
            Unconfigured: the library `tokenizers` is not installed.
        """
        library = _library()
        trained = library.Tokenizer(library.models.BPE(unk_token=UNKNOWN))
        cases = [library.normalizers.NFKC(), library.normalizers.Lowercase()]
        trained.normalizer = library.normalizers.Sequence(cases)
        trained.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
        trainer = library.trainers.BpeTrainer(
            vocab_size=vocabulary, special_tokens=[PADDING, UNKNOWN], show_progress=False
        )
        trained.train_from_iterator(texts, trainer)
        least = trained.get_vocab_size()
        # Leaving characters out would not be deterministic where they are equally rare.
        if least > vocabulary:
            raise Refused(
                f"the texts have {least - 2:,} different characters, which with padding and unknown take {least:,} "
                f"tokens; the vocabulary may hold {vocabulary:,}: make it larger"
            )
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
            library=f"tokenizers {_library().__version__}",
        )

    def encode(self, texts: Sequence[str], length: int) -> Shorts:
        """Token ids (len(texts), length): the first `length` of each text, filled up with 0 at the end."""
        tokens = np.zeros((len(texts), length), dtype=np.uint16)
        for start in range(0, len(texts), _BATCH):
            encoded = self._trained.encode_batch_fast(list(texts[start : start + _BATCH]))
            for row, one in zip(tokens[start : start + _BATCH], encoded, strict=True):
                ids = one.ids[:length]
                row[: len(ids)] = ids
        return tokens


def _library() -> Any:
    return needed("tokenizers", "text", "reading texts")
