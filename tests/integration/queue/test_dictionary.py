"""The data dictionary is the database's own, complete and up to date."""

import pytest

from schemas import units
from schemas.results import RESULT_TABLES
from service.db import dictionary
from service.db.migrate import downgrade
from service.db.views import Undescribed, read_views

_NUMBERS = {"bigint", "integer", "double precision"}
_NO_NUMBERS = {"name", "text", "yes/no", "UTC", "JSON"}


def _is_number(unit):
    return units.known(unit) and unit not in _NO_NUMBERS


def test_the_page_is_up_to_date(migrated_url):
    assert dictionary.main(["--check", migrated_url]) == 0


def test_drift_is_told_and_a_database_of_its_own_serves_as_well(migrated_url, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(dictionary, "PAGE", tmp_path / "reference" / "database.md")
    assert dictionary.main(["--check", migrated_url]) == 1
    assert "database.md does not match the database" in capsys.readouterr().err
    assert dictionary.main([]) == 0
    assert dictionary.main(["--check", migrated_url]) == 0


def test_every_number_has_a_unit_and_every_view_a_place_in_the_page(desk):
    with desk.engine.connect() as connection:
        views = read_views(connection)
    for view in views.values():
        for column in view.columns:
            assert (column.type in _NUMBERS) == _is_number(column.comment.unit) or column.comment.unit == "id"
    page = dictionary.page(views)
    assert all(f"\n### {name}\n" in page for name in views)
    assert page.count("\n### ") == len(views)
    assert "`norm` for `bracket_norm`" in page
    assert set(RESULT_TABLES) < set(views)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("comment on column results.pairs.defect is null", r"results\.pairs\.defect: a comment reads"),
        (
            "comment on column results.pairs.defect is 'Defect. Unit: theta.'",
            r"results\.pairs\.defect: 'theta' is no unit of schemas/units\.py",
        ),
        ("comment on view results.runs is null", r"results\.runs: the view has no comment"),
    ],
)
def test_what_is_not_described_is_named(desk, statement, fault):
    desk.sql(statement)
    with desk.engine.connect() as connection, pytest.raises(Undescribed, match=fault):
        read_views(connection)


def test_an_older_database_is_refused(migrated_url, capsys):
    downgrade(migrated_url, "0005")
    assert dictionary.main(["--check", migrated_url]) == 1
    assert "came one at 0005: upgrade it" in capsys.readouterr().err
