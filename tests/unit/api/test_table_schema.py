import pyarrow as pa

from service.api import table_query
from service.api.table_schema import arrow_schema

QUERY = table_query.parse("pairs", "i,gauss_newton_norm,object,recomputed", [], None, None)


def test_every_column_has_its_type_and_says_what_it_means() -> None:
    schema = arrow_schema(QUERY, 7)
    assert schema.names == ["i", "gauss_newton_norm", "object", "recomputed"]
    assert schema.types == [pa.int64(), pa.float64(), pa.string(), pa.bool_()]
    assert [field.nullable for field in schema] == [False, True, False, False]
    assert schema.metadata == {b"table": b"pairs", b"job_id": b"7"}
    assert schema.field("i").metadata[b"meaning"].startswith(b"Train-split index")
    assert schema.field("i").metadata[b"unit"] == b"index"
    assert b"sign" not in schema.field("i").metadata


def test_signs_go_with_the_fields() -> None:
    schema = arrow_schema(table_query.parse("projections", "value", [], None, None), 7)
    assert schema.field("value").metadata[b"sign"].startswith(b"positive where i before j")


def test_across_jobs_each_row_begins_with_its_job() -> None:
    schema = arrow_schema(QUERY, None)
    assert schema.field(0).name == "job_id"
    assert schema.field(0).metadata[b"unit"] == b"id"
    assert schema.metadata == {b"table": b"pairs"}
