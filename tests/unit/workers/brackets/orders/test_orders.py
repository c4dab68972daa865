import numpy as np
import pytest

from schemas.reorderings import ListedOrders, Shuffles, Swaps, count_reorderings
from workers.brackets.orders.orders import Reordering, reorderings
from workers.errors import BlockFault, UserFault

CHOSEN = np.array([3, 5, 8, 13])
SPECS = {
    "swaps": Swaps(count=5),
    "shuffles": Shuffles(count=5, seed=2),
    "listed": ListedOrders(orders=(((0, 1), (1, 0)),) * 5),
}


@pytest.mark.parametrize("kind", SPECS)
def test_a_job_cut_into_blocks_is_the_same_job(kind: str) -> None:
    spec = SPECS[kind]
    whole = reorderings(spec, CHOSEN, 20, 0, 5)
    assert reorderings(spec, CHOSEN, 20, 0, 2) + reorderings(spec, CHOSEN, 20, 2, 5) == whole
    assert all(sorted(one.first) == sorted(one.second) for one in whole)


def test_swaps_are_different_pairs_of_the_chosen_examples() -> None:
    drawn = reorderings(Swaps(count=5), CHOSEN, 20, 0, 5)
    assert len({one.first for one in drawn}) == 5
    assert [one.first for one in drawn] == sorted(one.first for one in drawn)
    for one in drawn:
        assert one.second == one.first[::-1]
        assert one.first[0] < one.first[1]
        assert set(one.first) <= set(CHOSEN.tolist())


def test_no_more_swaps_than_pairs() -> None:
    assert count_reorderings(Swaps(count=100), 4) == 6
    assert len(reorderings(Swaps(count=100), CHOSEN, 20, 0, 6)) == 6


def test_shuffles_are_compared_with_the_ascending_order() -> None:
    drawn = reorderings(Shuffles(count=30), CHOSEN, 20, 0, 30)
    assert {one.second for one in drawn} == {(3, 5, 8, 13)}
    assert len({one.first for one in drawn}) > 10
    assert drawn != reorderings(Shuffles(count=30, seed=1), CHOSEN, 20, 0, 30)


def test_listed_orders_may_name_any_train_example() -> None:
    spec = ListedOrders(orders=(((7, 1), (1, 7)), ((1, 19), (19, 1))))
    assert reorderings(spec, CHOSEN, 20, 1, 2) == [Reordering((1, 19), (19, 1))]
    with pytest.raises(UserFault, match=r"orders 1 names example 19 of the train split, which has 19 \(0 … 18\)"):
        reorderings(spec, CHOSEN, 19, 0, 2)


@pytest.mark.parametrize(("start", "stop"), [(0, 6), (3, 3), (-1, 2)])
def test_reorderings_that_are_not_there(start: int, stop: int) -> None:
    with pytest.raises(BlockFault, match="the job has 5"):
        reorderings(SPECS["shuffles"], CHOSEN, 20, start, stop)
