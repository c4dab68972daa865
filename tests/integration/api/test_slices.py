import hashlib

import numpy as np
import pytest
from safetensors.numpy import load, save

from schemas.blocks import ObjectRef
from service.api import slices
from service.api.slices import Array, NotSafetensorsError


def stored(api, data: bytes) -> ObjectRef:
    sha256 = hashlib.sha256(data).hexdigest()
    key = f"slices/{sha256}"
    api.backend.objects.put(key, data)
    return ObjectRef(name="x", key=key, sha256=sha256, size_bytes=len(data))


def test_rows_of_an_object_whose_header_is_long(api) -> None:
    random = np.random.default_rng(1)
    arrays: dict[str, Array] = {f"array-{n:04d}": random.normal(size=(3, 2)) for n in range(1_500)}
    arrays["half"] = random.normal(size=(2, 4)).astype(np.float16)
    arrays["empty"] = np.zeros((2, 0), np.int64)
    ref = stored(api, save(arrays, {"made": "here"}))
    layout = slices.layout(api.backend.objects, ref)
    assert layout.keys() == arrays.keys()
    for name in ("array-0000", "array-1499", "half", "empty"):
        for row in range(len(arrays[name])):
            np.testing.assert_array_equal(
                slices.read_row(api.backend.objects, ref, layout[name], row), arrays[name][row]
            )
    with pytest.raises(IndexError, match="row 3 of an array with 3"):
        slices.read_row(api.backend.objects, ref, layout["array-0000"], 3)


def test_a_row_of_every_array_is_streamed_as_an_object(api) -> None:
    random = np.random.default_rng(2)
    arrays: dict[str, Array] = {
        "large": random.normal(size=(3, 1_200_000)),  # in more than one piece
        "scalar": np.arange(3),
        "half": random.normal(size=(3, 2, 2)).astype(np.float16),
        "empty": np.zeros((3, 0), np.int64),
    }
    ref = stored(api, save(arrays))
    layout = slices.layout(api.backend.objects, ref)
    size, chunks = slices.stream_rows(api.backend.objects, ref, layout, 2)
    data = b"".join(chunks)
    assert len(data) == size
    found = load(data)
    assert found.keys() == arrays.keys()
    for name, values in arrays.items():
        np.testing.assert_array_equal(found[name], values[2])
        assert found[name].dtype == values.dtype
    with pytest.raises(IndexError, match="row 3 of array 'empty', which has 3"):
        slices.stream_rows(api.backend.objects, ref, {"empty": layout["empty"]}, 3)


def test_packing_is_safetensors() -> None:
    array = np.arange(6.0).reshape(2, 3).T
    np.testing.assert_array_equal(load(slices.pack({"a": array}))["a"], array)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"short", "header would end at byte"),
        ((2**40).to_bytes(8, "little") + b"{}", "header would end at byte"),
        ((2).to_bytes(8, "little") + b"[]", "header cannot be read"),
        ((2).to_bytes(8, "little") + b"{x", "header cannot be read"),
        (save({"a": np.zeros(8)})[:-1], "'a' would end beyond its"),
    ],
)
def test_other_bytes_are_refused(api, data: bytes, reason: str) -> None:
    with pytest.raises(NotSafetensorsError, match=reason):
        slices.layout(api.backend.objects, stored(api, data))
