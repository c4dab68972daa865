"""What the encoder refuses, and the bytes of a row."""

import struct

import numpy as np
import pytest

from schemas.columns import Column, ResultTable
from service.db.copy import BadRows, encode

TABLE = ResultTable("t", "", (Column("n", "int", "", "", key=True), Column("s", "text", "", "", nullable=True)))


def test_the_bytes_of_rows():
    expected = struct.pack(">hiqiqi2s", 3, 8, 9, 8, 1, 2, b"ab") + struct.pack(">hiqiqi", 3, 8, 9, 8, 2, -1)
    assert encode(TABLE, 9, {"n": np.array([1, 2]), "s": ["ab", None]}) == expected


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"n": [1]}, r"missing \['s'\], unknown \[\]"),
        ({"n": [1], "s": ["a"], "x": [1]}, r"unknown \['x'\]"),
        ({"n": [1, 2], "s": ["a"]}, "must have one length; came {'n': 2, 's': 1}"),
        ({"n": [1, None], "s": ["a", "b"]}, "column `n` takes no null; row 1 has one"),
        ({"n": [0.5], "s": ["a"]}, "holds whole numbers of 64 bits; came fractions"),
        ({"n": [1e30], "s": ["a"]}, "or larger ones"),
        ({"n": np.array([2**63], np.uint64), "s": ["a"]}, "came larger ones"),
        ({"n": [[1, 2]], "s": ["a"]}, r"one value per row; came an array of shape \(1, 2\)"),
        ({"n": ["1"], "s": ["a"]}, "column `n` is of type int; came <U1"),
        ({"n": [1], "s": [2]}, "column `s` is text; came int"),
    ],
)
def test_what_does_not_fit_is_refused(columns, complaint):
    with pytest.raises(BadRows, match=complaint):
        encode(TABLE, 1, columns)
