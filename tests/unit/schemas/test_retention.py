import pytest

from schemas.mistakes import InvalidSpec
from schemas.retention import ArrayKind, Checked, Fault, Mended, Retention


def checked(counts=None, mended=None) -> Checked:
    return Checked(objects=1, size_bytes=1, deep=False, counts=counts or {}, examples=(), mended=mended)


def mended(*left: str) -> Mended:
    return Mended(jobs=(), blocks=0, same=0, other=0, tables=0, left=left)


def test_a_check_is_clean_when_nothing_is_amiss_any_more():
    assert checked().clean
    assert not checked({Fault.MISSING: 1}).clean
    assert checked({Fault.MISSING: 1}, mended()).clean
    assert not checked({Fault.MISSING: 1}, mended("a part of a dataset")).clean


def test_a_policy_drops_nothing_by_itself():
    policy = Retention()
    assert (policy.arrays_older_than, policy.tables_older_than) == (None, None)
    assert policy.orphans_older_than == "1d"
    assert policy.kinds == tuple(ArrayKind)


def test_ages_and_kinds_are_checked():
    with pytest.raises(InvalidSpec, match="expected a length of time such as"):
        Retention(arrays_older_than="a month")
    with pytest.raises(InvalidSpec, match="kinds"):
        Retention(arrays_older_than="30d", kinds=("sums",))
