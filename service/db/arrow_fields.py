"""Columns of result tables as Arrow fields that say what they mean."""

import pyarrow as pa

from schemas.columns import Column, ColumnType
from schemas.comments import Comment

_TYPES: dict[ColumnType, pa.DataType] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
}


def arrow_field(column: Column) -> pa.Field:
    """Name and type of a column, with its meaning, unit and sign as metadata."""
    comment = Comment(column.meaning, column.unit, column.sign)
    return pa.field(column.name, _TYPES[column.type], column.nullable, said(comment))


def said(comment: Comment) -> dict[str, str]:
    """What is said of a column, as metadata of its field."""
    sign = {} if comment.sign is None else {"sign": comment.sign}
    return {"meaning": comment.meaning, "unit": comment.unit, **sign}
