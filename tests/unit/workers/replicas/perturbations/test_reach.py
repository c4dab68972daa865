from schemas.perturbations import (
    DropExample,
    Edit,
    ReplaceExample,
    Reseed,
    Reshuffle,
    Seat,
    SwapExamples,
    SwapSteps,
)
from workers.replicas.perturbations.reach import Reach


def test_edits_reach_what_they_name() -> None:
    edits: list[Edit] = [
        SwapSteps(first=3, second=9),
        SwapExamples(first=Seat(step=4, position=0), second=Seat(step=5, position=1)),
        DropExample(example=7, step=12),
        DropExample(example=8),
        ReplaceExample(example=6, by=2),
        Reseed(after=40),
        Reshuffle(after=30),
    ]
    assert Reach.of(edits) == Reach(frozenset({3, 9, 4, 5, 12}), frozenset({8, 6}), 30)
    assert Reach.of(edits[:1]).after is None


def test_no_edit_reaches_nothing() -> None:
    assert Reach.of([]) == Reach(frozenset(), frozenset(), None)
