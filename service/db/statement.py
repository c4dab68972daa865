"""A statement that a person wrote, made ready to run: comments blanked, parameters written in.

Parameters are named `:name`, anywhere but in strings, quoted names, casts (`::`) and comments.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.nearest import did_you_mean
from service.db.literals import Value, literal
from service.errors import Refused

_TOKENS = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\* )
    | (?:\b[eE])'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    | (?P<quote>\$(?:[A-Za-z_]\w*)?\$) .*? (?P=quote)
    | ::
    | :(?P<name>[A-Za-z_]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)
_MARKS = re.compile(r"/\*|\*/")


@dataclass(frozen=True)
class _Piece:
    """A part of a statement: where it begins in what runs and in what was written."""

    start: int
    source_start: int
    copied: bool
    """Whether it is the same in both, character by character."""


@dataclass(frozen=True)
class Statement:
    """A statement to run, and the text that it comes from."""

    sql: str
    """Without comments, without a semicolon at its end, with its parameters written in."""
    source: str
    """As it was written."""
    pieces: tuple[_Piece, ...]

    def line_and_column(self, position: int) -> tuple[int, int]:
        """Place in the source, from 1, of a character of `sql`, counted from 1."""
        offset = position - 1
        piece = next(piece for piece in reversed(self.pieces) if piece.start <= offset)
        found = piece.source_start + (offset - piece.start if piece.copied else 0)
        before = self.source[:found]
        return before.count("\n") + 1, found - before.rfind("\n")


def ready(source: str, parameters: Mapping[str, Value] | None = None) -> Statement:
    """Make a statement ready to run.

    Args:
        source: One statement. Without parameters a colon is nothing special in it.
        parameters: Values by name; each must be named in the statement, and each name must have a value.

    Raises:
        Refused: nothing is left to run, a comment does not end, a parameter is missing or not named, or a value is
            none of Postgres'.
    """
    values = dict(parameters or {})
    sql, pieces, used, end = "", list[_Piece](), set[str](), 0
    while token := _TOKENS.search(source, end):
        pieces.append(_Piece(len(sql), end, copied=True))
        sql += source[end : token.start()]
        pieces.append(_Piece(len(sql), token.start(), copied=not (values and token["name"])))
        stop = _end_of_comment(source, token.end()) if token["comment"] == "/*" else token.end()
        if token["comment"]:
            # As long as it was, so that line and column stay what they are.
            sql += re.sub(r"[^\n]", " ", source[token.start() : stop])
        elif values and token["name"]:
            used.add(token["name"])
            sql += _value(token["name"], values)
        else:
            sql += token[0]
        end = stop
    pieces.append(_Piece(len(sql), end, copied=True))
    sql = (sql + source[end:]).rstrip(" \t\r\n;")
    if not sql.strip():
        raise Refused("empty_query", "the query is empty: write a select")
    for name in values:
        if name not in used:
            raise Refused("parameter", f"the query does not name the parameter :{name}{did_you_mean(name, used)}")
    return Statement(sql, source, tuple(pieces))


def _end_of_comment(source: str, start: int) -> int:
    """Where a comment ends that began before `start`: in Postgres they may hold others."""
    depth = 1
    for mark in _MARKS.finditer(source, start):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    line = source.count("\n", 0, start) + 1
    raise Refused("open_comment", f"the comment that begins in line {line} has no end: expected */")


def _value(name: str, values: Mapping[str, Value]) -> str:
    if name not in values:
        raise Refused("parameter", f"the query names :{name}, which has no value{did_you_mean(name, values)}")
    try:
        return literal(values[name])
    except ValueError as error:
        raise Refused("parameter", f"parameter :{name}: {error}") from None
