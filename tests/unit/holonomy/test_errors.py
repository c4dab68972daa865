"""Errors: one tree, one line each."""

import pytest
from pydantic import ValidationError

import holonomy
from holonomy import Adam, HolonomyError, NotFound, ServiceFault
from schemas.mistakes import explain


def test_every_error_is_in_the_drawn_tree() -> None:
    names = [name for name in dir(holonomy) if isinstance(getattr(holonomy, name), type)]
    kinds = [name for name in names if issubclass(getattr(holonomy, name), HolonomyError)]
    assert len(kinds) >= 13
    assert all(name in (holonomy.errors.__doc__ or "") for name in kinds)


def test_the_first_few_mistakes_are_told() -> None:
    with pytest.raises(ValidationError) as caught:
        Adam.model_validate({"lr": -1, "eps": 0, "weight_decay": -1, "colour": "red"})
    line = explain(caught.value)
    assert line.startswith("lr: expected greater than 0; came -1; eps: ")
    assert line.endswith("; and 1 more")
    assert "\n" not in line


def test_the_request_is_named_where_the_service_is_at_fault() -> None:
    assert str(ServiceFault("no", request_id="r1")) == "no [request r1]"
    mistake = NotFound("no job 7", request_id="r1")
    assert (str(mistake), mistake.request_id) == ("no job 7", "r1")
