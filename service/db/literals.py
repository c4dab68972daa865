"""Values as SQL literals, for statements that take no bound parameters."""

Value = str | int | float | bool | None


def literal(value: Value) -> str:
    """The value in SQL: one expression, whatever the text in it and whatever the session's settings.

    Raises:
        ValueError: text with a NUL character, or a whole number of more than 64 bits.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            if not -(2**63) <= value < 2**63:
                raise ValueError(f"expected whole numbers of 64 bits; came {value}")
            # In quotes the least of them is one as well, which it is not as a minus before a number.
            return f"'{value}'::bigint"
        case float():
            return f"'{value!r}'::float8"
        case str():
            if "\0" in value:
                raise ValueError("expected text without NUL characters")
            # An escape string means the same under either setting of standard_conforming_strings.
            doubled = value.replace("\\", "\\\\").replace("'", "''")
            return f"E'{doubled}'"
