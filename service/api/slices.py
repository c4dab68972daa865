"""Parts of safetensors objects, read by byte range, so that one pair does not cost the whole tile.

The format: 8 bytes with the little-endian length n of a header, n bytes of JSON (name to dtype, shape and offsets
into what follows), then the arrays in row-major order.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, NonNegativeInt, TypeAdapter
from safetensors.numpy import save

from schemas.blocks import ObjectRef
from service.objects import ObjectStore

Array = NDArray[np.generic]

_FIRST_READ_BYTES = 64 * 2**10
_LENGTH_BYTES = 8
_DTYPES: dict[str, str] = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items()}
_CHUNK_BYTES = 8 * 2**20


class _Entry(BaseModel):
    dtype: str
    shape: tuple[NonNegativeInt, ...]
    data_offsets: tuple[NonNegativeInt, NonNegativeInt]


_header = TypeAdapter(dict[str, _Entry])


class NotSafetensorsError(ValueError):
    """The bytes are not a safetensors object."""


@dataclass(frozen=True)
class Stored:
    """Where an array lies in its object."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    start: int
    """First byte, counted from the beginning of the object."""

    @property
    def size_bytes(self) -> int:
        """Length of the whole array."""
        return math.prod(self.shape) * self.dtype.itemsize


def layout(store: ObjectStore, ref: ObjectRef) -> dict[str, Stored]:
    """Read the header of a safetensors object: one request, two when the header is longer than 64 KiB.

    Raises:
        NotSafetensorsError: there is no such header.
    """
    head = store.get_range(ref.key, 0, min(_FIRST_READ_BYTES, ref.size_bytes))
    body = _LENGTH_BYTES + int.from_bytes(head[:_LENGTH_BYTES], "little")
    if body > ref.size_bytes:
        raise NotSafetensorsError(f"its header would end at byte {body} of {ref.size_bytes}")
    if body > len(head):
        head += store.get_range(ref.key, len(head), body)
    try:
        header = json.loads(head[_LENGTH_BYTES:body])
        header.pop("__metadata__", None)
        arrays = {name: _stored(entry, body) for name, entry in _header.validate_python(header).items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotSafetensorsError("its header cannot be read") from error
    for name, stored in arrays.items():
        if stored.start + stored.size_bytes > ref.size_bytes:
            raise NotSafetensorsError(f"array {name!r} would end beyond its {ref.size_bytes} bytes")
    return arrays


def _stored(entry: _Entry, body: int) -> Stored:
    return Stored(np.dtype(_DTYPES[entry.dtype]), entry.shape, body + entry.data_offsets[0])


def read_row(store: ObjectStore, ref: ObjectRef, array: Stored, index: int) -> Array:
    """Row `index` along the first axis of an array, without that axis.

    Raises:
        IndexError: the array has no such row.
    """
    rows, *rest = array.shape
    if not 0 <= index < rows:
        raise IndexError(f"row {index} of an array with {rows}")
    count = math.prod(rest)
    if count == 0:
        return np.empty(rest, array.dtype)
    start = array.start + index * count * array.dtype.itemsize
    data = store.get_range(ref.key, start, start + count * array.dtype.itemsize)
    return np.frombuffer(data, array.dtype).reshape(rest)


def stream_rows(
    store: ObjectStore, ref: ObjectRef, arrays: Mapping[str, Stored], index: int
) -> tuple[int, Iterator[bytes]]:
    """Length and chunks of a safetensors object that holds row `index` of each array, read while it is sent.

    Raises:
        IndexError: an array has no such row.
    """
    header, spans, end = dict[str, object](), list[tuple[int, int]](), 0
    for name, array in arrays.items():
        rows, *rest = array.shape
        if not 0 <= index < rows:
            raise IndexError(f"row {index} of array {name!r}, which has {rows}")
        size = math.prod(rest) * array.dtype.itemsize
        header[name] = {"dtype": _NAMES[array.dtype], "shape": rest, "data_offsets": [end, end + size]}
        start = array.start + index * size
        spans += [(at, min(at + _CHUNK_BYTES, start + size)) for at in range(start, start + size, _CHUNK_BYTES)]
        end += size
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % _LENGTH_BYTES)  # the format wants the arrays aligned

    def chunks() -> Iterator[bytes]:
        yield len(head).to_bytes(_LENGTH_BYTES, "little") + head
        for span in spans:
            yield store.get_range(ref.key, *span)

    return _LENGTH_BYTES + len(head) + end, chunks()


def pack(arrays: Mapping[str, Array]) -> bytes:
    """The bytes of a safetensors object."""
    return save({name: np.ascontiguousarray(values) for name, values in arrays.items()})
