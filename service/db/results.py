"""The result tables as SQLAlchemy tables, generated from `schemas.results`.

They carry no foreign key: millions of rows arrive by COPY, and a check of each would halve the rate.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, PrimaryKeyConstraint, Table, Text
from sqlalchemy.types import TypeEngine

from schemas.columns import JOB_ID, ColumnType, ResultTable
from schemas.results import RESULT_TABLES
from service.db.metadata import metadata

_TYPES: dict[ColumnType, type[TypeEngine[Any]]] = {
    "int": BigInteger,
    "float": Double,
    "text": Text,
    "bool": Boolean,
}


def _table(described: ResultTable) -> Table:
    columns = [
        Column(column.name, _TYPES[column.type](), nullable=column.nullable, comment=column.comment)
        for column in described.columns
    ]
    keys = [column.name for column in described.columns if column.key]
    return Table(
        described.name,
        metadata,
        Column("job_id", BigInteger, nullable=False, comment=str(JOB_ID)),
        *columns,
        PrimaryKeyConstraint("job_id", *keys),
        comment=described.meaning,
    )


results: dict[str, Table] = {name: _table(described) for name, described in RESULT_TABLES.items()}

# The largest values of a checkpoint are asked for most: 0.3 ms instead of 200 ms among half a million rows.
for _name, _within, _value in (
    ("pairs_by_norm", (), "bracket_norm"),
    ("perturbations_by_norm", (), "norm_euclidean"),
    ("projections_by_value", ("target",), "value"),
):
    _columns = results[_name.split("_")[0]].c
    Index(_name, _columns.job_id, _columns.step, *(_columns[key] for key in _within), _columns[_value].desc())
