"""Arrow types of query results made plain: such as every reader of Arrow knows, polars among them.

The driver gives types that Arrow lacks as extensions. Here numeric becomes float64 (sums and means of integers are
numeric), json and uuid text, and intervals durations in microseconds, with months of 30 days. Arrays keep their
elements, made plain, and lose further dimensions.
"""

import uuid

import numpy as np
import pyarrow as pa

_INTERVAL = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
_DAY_MICROSECONDS = 86_400_000_000


class NoPlainType(ValueError):
    """A column is of a type that no plain Arrow type stands for."""


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The plain types of a result's columns.

    Raises:
        NoPlainType: naming the column, and what to write instead.
    """
    return pa.schema([pa.field(field.name, _plain(field.type, field.name)) for field in schema])


def plain_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in the types that `plain_schema` gave."""
    columns = zip(batch.columns, schema.types, strict=True)
    return pa.record_batch([_converted(column, kind) for column, kind in columns], schema=schema)


def _plain(kind: pa.DataType, name: str) -> pa.DataType:
    if isinstance(kind, pa.OpaqueType):
        if kind.type_name == "numeric":
            return pa.float64()
        # What pg_sleep gives is of type void: nothing, in no bytes.
        if kind.storage_type != pa.string() and kind.type_name != "void":
            raise NoPlainType(f'column "{name}" is of a type that Arrow has not, {kind.type_name}: cast it to text')
        return pa.string()
    if isinstance(kind, pa.JsonType | pa.UuidType):
        return pa.string()
    if pa.types.is_interval(kind):
        return pa.duration("us")
    if pa.types.is_list(kind):
        if isinstance(kind.value_type, pa.UuidType) or pa.types.is_interval(kind.value_type):
            raise NoPlainType(f'column "{name}" is an array of {kind.value_type}: cast it to text[]')
        return pa.list_(_plain(kind.value_type, name))
    return kind


def _converted(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    if pa.types.is_interval(column.type):
        return _durations(column)
    if isinstance(column.type, pa.UuidType):
        texts = [None if value is None else str(uuid.UUID(bytes=value)) for value in column.storage.to_pylist()]
        return pa.array(texts, kind)
    return column.cast(kind)


def _durations(column: pa.Array) -> pa.Array:
    parts = np.frombuffer(
        column.buffers()[1], _INTERVAL, count=len(column), offset=column.offset * _INTERVAL.itemsize
    )
    days = parts["months"].astype(np.int64) * 30 + parts["days"]
    microseconds = days * _DAY_MICROSECONDS + parts["nanoseconds"] // 1000
    return pa.array(microseconds, mask=column.is_null().to_numpy(zero_copy_only=False)).cast(pa.duration("us"))
