"""The tokenizer: reserved tokens, lengths, and training that depends on the texts alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from holonomy import Refused
from holonomy.importers.tokenizer import Tokenizer

ROOT = Path(__file__).parents[4]
LETTERS = "abcdefghij"
DRAW = np.random.default_rng(0)
TEXTS = [" ".join("".join(DRAW.choice(list(LETTERS), 5)) for _ in range(30)) for _ in range(40)]
HASHED = """
import hashlib, json, sys
from holonomy.importers.tokenizer import Tokenizer
print(hashlib.sha256(Tokenizer.train(json.load(sys.stdin), 300).json()).hexdigest())
"""


def test_the_first_two_tokens_are_reserved() -> None:
    made = Tokenizer.train(TEXTS, 60)
    vocabulary = json.loads(made.json())["model"]["vocab"]
    assert (vocabulary["[PAD]"], vocabulary["[UNK]"]) == (0, 1)
    assert made.stored().vocabulary == len(vocabulary) == 60
    tokens = made.encode(["abc €", ""], 8)
    assert tokens[0][np.flatnonzero(tokens[0])[-1]] == 1
    assert tokens[1].tolist() == [0] * 8


def test_case_and_compatible_characters_are_one() -> None:
    made = Tokenizer.train(TEXTS, 60)
    np.testing.assert_array_equal(made.encode(["ABC"], 4), made.encode(["\N{FULLWIDTH LATIN SMALL LETTER A}bc"], 4))


def test_a_small_set_of_texts_has_a_small_vocabulary() -> None:
    assert Tokenizer.train(["a b"], 60).stored().vocabulary == 4


def test_texts_of_more_characters_than_tokens() -> None:
    with pytest.raises(Refused, match="texts have 10 different characters, which with padding and unknown take 12"):
        Tokenizer.train(TEXTS, 11)


def test_many_texts_are_encoded_as_each_alone() -> None:
    made = Tokenizer.train(TEXTS, 60)
    many = [TEXTS[number % 7][: number + 5] for number in range(300)]
    alone = np.concatenate([made.encode([text], 12) for text in many])
    np.testing.assert_array_equal(made.encode(many, 12), alone)


def test_training_is_bitwise_the_same_in_every_process() -> None:
    def trained(parallel: str, seed: str) -> str:
        environment = os.environ | {"TOKENIZERS_PARALLELISM": parallel, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", HASHED],
            cwd=ROOT,
            env=environment,
            input=json.dumps(TEXTS),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert {trained("false", "1"), trained("true", "2")} == {Tokenizer.train(TEXTS, 300).stored().sha256}
