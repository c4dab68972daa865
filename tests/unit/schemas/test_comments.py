"""A comment is read back as it was written."""

import pytest

from schemas.columns import ResultTable
from schemas.comments import Comment
from schemas.results import RESULT_TABLES


def test_a_comment_is_one_line_with_unit_and_sign() -> None:
    comment = Comment("q · b.", "by target", "positive where it rises")
    assert str(comment) == "q · b. Unit: by target. Sign: positive where it rises."
    assert str(Comment("q · b.", "1")) == "q · b. Unit: 1."


@pytest.mark.parametrize("table", RESULT_TABLES.values(), ids=RESULT_TABLES)
def test_what_is_written_is_read(table: ResultTable) -> None:
    for column in table.columns:
        assert Comment.read(column.comment) == Comment(column.meaning, column.unit, column.sign)


@pytest.mark.parametrize("line", ["", "A sentence.", "Unit: 1.", "A sentence Unit: 1.", "A sentence. Unit: 1"])
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="a comment reads"):
        Comment.read(line)
