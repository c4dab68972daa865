import pytest
from psycopg2.extensions import parse_dsn

from service.db.engine import described, libpq_url, normalised


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_form_of_a_dsn_names_the_same_driver(scheme):
    url = normalised(f"{scheme}://me:secret@db.lab:5433/holonomy?sslmode=require")
    assert url.render_as_string(hide_password=False) == (
        "postgresql+psycopg2://me:secret@db.lab:5433/holonomy?sslmode=require"
    )


@pytest.mark.parametrize("url", ["sqlite:///x.db", "postgresql://me:secret@db.lab"])
def test_other_addresses_are_refused_without_the_password(url):
    with pytest.raises(ValueError, match="expected a database URL like postgresql://") as caught:
        normalised(url)
    assert "secret" not in str(caught.value)


def test_a_description_holds_no_secrets():
    assert described("postgres://me:secret@db.lab/holonomy") == "db.lab:5432/holonomy"


def test_libpq_reads_the_dsn_with_its_settings():
    url = libpq_url("postgres://me:s%3Acret@db.lab/holonomy?sslmode=require", application="holonomy api")
    parts = parse_dsn(url)
    assert parts["password"] == "s:cret"
    assert (parts["host"], parts["dbname"], parts["sslmode"]) == ("db.lab", "holonomy", "require")
    assert parts["application_name"] == "holonomy api"
    assert parts["options"] == "-c idle_in_transaction_session_timeout=120000 -c timezone=UTC"
