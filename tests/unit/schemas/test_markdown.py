"""Cells stay cells."""

from schemas import markdown


def test_bars_and_line_breaks_do_not_end_a_cell() -> None:
    assert markdown.table(("a", "b"), [("‖x‖ | 1", "two\nlines")]) == (
        "| a | b |\n| --- | --- |\n| ‖x‖ \\| 1 | two lines |"
    )
