"""When replicas are looked at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.looks import Every, Listed, LogSpaced, count_looks, look_steps


@pytest.mark.parametrize(
    ("looks", "steps", "expected"),
    [
        (Every(steps=40), 100, (0, 40, 80, 100)),
        (Every(steps=400), 100, (0, 100)),
        (Every(), 0, (0,)),
        (LogSpaced(looks=3), 100, (0, 1, 10, 100)),
        (LogSpaced(looks=50), 3, (0, 1, 2, 3)),
        (LogSpaced(), 0, (0,)),
        (Listed(steps=(7, 3)), 10, (0, 3, 7, 10)),
    ],
)
def test_looks_have_both_ends(looks: Every | LogSpaced | Listed, steps: int, expected: tuple[int, ...]) -> None:
    assert look_steps(looks, steps) == expected


@given(
    st.one_of(
        st.builds(Every, steps=st.integers(1, 500)),
        st.builds(LogSpaced, looks=st.integers(2, 200)),
        st.lists(st.integers(0, 50), max_size=9).map(lambda steps: Listed(steps=tuple(steps))),
    ),
    st.integers(50, 5_000),
)
def test_there_are_never_more_than_counted(looks: Every | LogSpaced | Listed, steps: int) -> None:
    found = look_steps(looks, steps)
    assert len(found) <= count_looks(looks, steps)
    assert found[0] == 0
    assert found[-1] == steps
    assert list(found) == sorted(set(found))
