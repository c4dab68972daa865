"""Constraints: expressions over the fields of a job, such as `training.batch_size * training.steps <= 100000`.

The grammar is a small part of Python's: fields by path, numbers, strings, lists, None, true and false; `+ - * / // %
**` on numbers; comparisons, also chained and with `in`; `and`, `or`, `not`, brackets. There are no calls, and nothing
is looked up but fields of the spec.
"""

import ast
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from schemas.sweeps.paths import FieldPath, NoSuchField, lookup

LONGEST_TEXT = 1_000
MOST_PARTS = 200
LARGEST_EXPONENT = 64
LARGEST_BITS = 4_096
"""Of a whole number; beyond it arithmetic is no longer instant."""
LITERALS = {"true": True, "false": False, "null": None}
"""As JSON and YAML spell them; Python's own spellings are constants of its grammar."""

Evaluate = Callable[[object], Any]


class BadConstraint(ValueError):
    """An expression that is not a constraint, or that has no answer for a job."""


@dataclass(frozen=True)
class Constraint:
    """A constraint that was read."""

    text: str
    paths: tuple[FieldPath, ...]
    """The fields it looks at."""
    evaluate: Evaluate

    def holds(self, spec: object) -> bool:
        """Whether a job satisfies it.

        Raises:
            BadConstraint: its fields are of types, or have values, for which it says nothing.
        """
        try:
            answer = self.evaluate(spec)
        except NoSuchField as error:
            raise BadConstraint(str(error)) from None
        except (ArithmeticError, TypeError) as error:
            raise BadConstraint(f"it has no answer: {error}") from None
        if not isinstance(answer, bool):
            raise BadConstraint(f"expected a comparison, which is true or false; came {answer!r}")
        return answer


def parse_constraint(text: str) -> Constraint:
    """Read a constraint.

    Raises:
        BadConstraint: it is not one; the message says what is not understood.
    """
    if len(text) > LONGEST_TEXT:
        raise BadConstraint(f"expected at most {LONGEST_TEXT:,} characters; came {len(text):,}")
    try:
        body = ast.parse(text.replace("\n", " ").strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise BadConstraint(f"this is not an expression: {reason}") from None
    if sum(1 for _ in ast.walk(body)) > MOST_PARTS:
        raise BadConstraint(f"expected at most {MOST_PARTS} names, numbers and signs")
    return Constraint(text, tuple(dict.fromkeys(_paths(body))), _compiled(body))


def _paths(node: ast.expr) -> Iterator[FieldPath]:
    """Fields of an expression, whole paths only."""
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        path = _path(node)
        if path not in _LITERAL_PATHS:
            yield path
        return
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.expr):
            yield from _paths(inner)


def _compiled(node: ast.expr) -> Evaluate:
    match node:
        case ast.Constant(value=None | bool() | int() | float() | str() as value):
            return lambda _: value
        case ast.Name(id=name) if name in LITERALS:
            literal = LITERALS[name]
            return lambda _: literal
        case ast.Name() | ast.Attribute() | ast.Subscript():
            path = _path(node)
            return lambda spec: _comparable(lookup(spec, path))
        case ast.List(elts=items) | ast.Tuple(elts=items):
            parts = [_compiled(item) for item in items]
            return lambda spec: tuple(part(spec) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            negated = _compiled(inner)
            return lambda spec: not _truth(negated(spec))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            positive = _compiled(inner)
            return lambda spec: -_number(positive(spec))
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            same = _compiled(inner)
            return lambda spec: _number(same(spec))
        case ast.BoolOp(op=op, values=values):
            return _logical(isinstance(op, ast.And), [_compiled(value) for value in values])
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _arithmetic(_ARITHMETIC[type(op)], _compiled(left), _compiled(right))
        case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARISONS for op in ops):
            compared = [_compiled(operand) for operand in (left, *others)]
            return _chain([_COMPARISONS[type(op)] for op in ops], compared)
        case _:
            raise BadConstraint(
                f"`{ast.unparse(node)}` is not understood: expected fields, numbers, texts and lists, "
                "joined by + - * / // % **, comparisons, in, and, or, not"
            )


def _path(node: ast.expr) -> FieldPath:
    match node:
        case ast.Name(id=name):
            return (name,)
        case ast.Attribute(value=holder, attr=name):
            return (*_path(holder), name)
        case ast.Subscript(value=holder, slice=ast.Constant(value=int() as place)) if not isinstance(place, bool):
            return (*_path(holder), place)
        case _:
            raise BadConstraint(f"`{ast.unparse(node)}` is not a field: expected a path such as `arms[0].replicas`")


def _logical(every: bool, parts: list[Evaluate]) -> Evaluate:
    """`and`, `or`: what comes after the answer is known is not looked at."""
    if every:
        return lambda spec: all(_truth(part(spec)) for part in parts)
    return lambda spec: any(_truth(part(spec)) for part in parts)


def _chain(comparisons: list[Callable[[Any, Any], bool]], operands: list[Evaluate]) -> Evaluate:
    def evaluate(spec: object) -> bool:
        left = operands[0](spec)
        for compare, operand in zip(comparisons, operands[1:], strict=True):
            right = operand(spec)
            if not compare(left, right):
                return False
            left = right
        return True

    return evaluate


def _arithmetic(operate: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda spec: operate(_number(left(spec)), _number(right(spec)))


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"arithmetic is done on numbers; came {value!r}")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"`and`, `or` and `not` join what is true or false; came {value!r}")
    return value


def _comparable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > LARGEST_EXPONENT:
        raise OverflowError(f"an exponent is at most {LARGEST_EXPONENT}; came {exponent}")
    if isinstance(base, int) and base.bit_length() * abs(exponent) > LARGEST_BITS:
        raise OverflowError("a power is too large")
    result = base**exponent
    if isinstance(result, complex):
        raise ArithmeticError(f"{base} ** {exponent} is not a real number")
    return float(result) if isinstance(result, float) else int(result)


_LITERAL_PATHS = frozenset((name,) for name in LITERALS)
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, several: item in several,
    ast.NotIn: lambda item, several: item not in several,
}
