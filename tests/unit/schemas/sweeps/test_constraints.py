"""Constraints: what they mean, what is not one, and that nothing else gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.brackets import Brackets
from schemas.models import Mlp
from schemas.sweeps.constraints import BadConstraint, parse_constraint
from schemas.training import Training

SPEC = Brackets(training=Training(steps=100, model=Mlp(hidden=(8, 4))), examples=range(4))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("training.batch_size * training.steps <= 6400", True),
        ("training.batch_size * training.steps < 6400", False),
        ("0 < training.optimizer.lr <= 0.01 <= 1", True),
        ("0 < training.optimizer.lr < 0.01 < 1", False),
        ("training.model.hidden[1] == training.model.hidden[0] / 2", True),
        ("training.model.hidden == [8, 4]", True),
        ("training.model.activation in ['relu', 'tanh'] and norms", True),
        ("training.model.activation not in ('relu',) or not norms", False),
        ("test_examples == None and test_examples == null", True),
        ("norms == true and gauss_newton == false and norms != False", True),
        ("-training.steps + 1 == -99 and +training.steps % 7 == 2 and training.steps // 7 == 14", True),
        ("training.optimizer.nesterov and training.optimizer.betas[0] > 0", False),
        ("2 ** 3 ** 2 == 512 and 2 ** -1 == 0.5", True),
        ("  training.steps\n> 1", True),
    ],
)
def test_a_constraint_means_what_it_says(text: str, holds: bool) -> None:
    assert parse_constraint(text).holds(SPEC) is holds


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(1, 1000))
def test_arithmetic_is_pythons(a: int, b: int, c: int) -> None:
    spec = {"a": a, "b": b, "c": c}
    constraint = parse_constraint("a * b - c <= a // c + b % c or not a < b and a / c >= b")
    assert constraint.holds(spec) is (a * b - c <= a // c + b % c or (not a < b and a / c >= b))


def test_the_fields_that_are_looked_at() -> None:
    paths = parse_constraint("a.b[1] < 2 and (c in [d, 3] or a.b[1] == true)").paths
    assert paths == (("a", "b", 1), ("c",), ("d",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps >", "this is not an expression: invalid syntax"),
        ("", "this is not an expression"),
        ("a = 3", "this is not an expression"),
        ("a\0", "this is not an expression"),
        ("(" * 500, "this is not an expression"),
        ("a" * 1001, "at most 1,000 characters; came 1,001"),
        ("1+" * 300 + "1 > 0", "at most 200 names, numbers and signs"),
        ("__import__('os')", r"`__import__\('os'\)` is not understood: expected fields"),
        ("abs(a) > 1", r"`abs\(a\)` is not understood"),
        ("(1).real > a", "`1` is not a field: expected a path"),
        ("a[b] > 1", r"`a\[b\]` is not a field"),
        ("a[-1] > 1", r"`a\[-1\]` is not a field"),
        ("a[True] > 1", r"`a\[True\]` is not a field"),
        ("a[0:1] > 1", r"`a\[0:1\]` is not a field"),
        ("[x for x in a]", "is not understood"),
        ("(lambda: 1)", "is not understood"),
        ("(a := 1)", "is not understood"),
        ("a if b else c", "is not understood"),
        ("f'{a}' == 'x'", "is not understood"),
        ("a is None", "is not understood"),
        ("a & b", "is not understood"),
        ("a << 3 > 1", "is not understood"),
        ("~a > 1", "is not understood"),
        ("b'x' == a", "is not understood"),
        ("1j == a", "is not understood"),
        ("{1: 2} == a", "is not understood"),
        ("*a", "this is not an expression|is not understood"),
    ],
)
def test_what_is_not_a_constraint(text: str, message: str) -> None:
    with pytest.raises(BadConstraint, match=message):
        parse_constraint(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "expected a comparison, which is true or false; came 3"),
        ("a < 'x'", "it has no answer: '<' not supported"),
        ("a + 'x' == 1", "it has no answer: arithmetic is done on numbers; came 'x'"),
        ("'x' * 1000 == a", "arithmetic is done on numbers"),
        ("yes + 1 == 2", "arithmetic is done on numbers; came True"),
        ("a and yes", "`and`, `or` and `not` join what is true or false; came 3"),
        ("a / (a - a) > 1", "it has no answer: division by zero"),
        ("a ** 1000 > 1", "an exponent is at most 64; came 1000"),
        ("((9 ** 64) ** 64) ** 64 > 1", "a power is too large"),
        ("(0 - a) ** 0.5 > 1", "is not a real number"),
        ("1e308 ** 2 > 1", "it has no answer"),
        ("1 in a", "it has no answer"),
        ("b > 1", "'b' is not a field"),
    ],
)
def test_what_has_no_answer(text: str, message: str) -> None:
    with pytest.raises(BadConstraint, match=message):
        parse_constraint(text).holds({"kind": "thing", "a": 3, "yes": True})
