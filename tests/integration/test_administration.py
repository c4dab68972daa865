"""What an operator does to a database directly, on a real one."""

import pytest

from service.administration import new_token, upgraded
from service.db.engine import connect
from service.db.migrate import head
from service.errors import ServiceError
from service.queue import tokens


def test_the_first_token_of_an_installation(postgres_url: str) -> None:
    with pytest.raises(ServiceError, match='relation "tokens" does not exist'):
        new_token(postgres_url, "ada", ["admin"])
    assert f" is at revision {head()}" in upgraded(postgres_url)
    made = new_token(postgres_url, "ada", ["admin"])
    engine = connect(postgres_url)
    with engine.begin() as connection:
        found = tokens.find(connection, made.token)
    engine.dispose()
    assert found is not None
    assert (found.name, found.scopes) == ("ada", ("admin",))


def test_a_database_that_does_not_answer_is_one_line() -> None:
    with pytest.raises(ServiceError, match=r"^127\.0\.0\.1:1/x: .*Connection refused.*`holonomy doctor` tells more$"):
        new_token("postgresql://u:hidden@127.0.0.1:1/x", "ada", ["read"])
