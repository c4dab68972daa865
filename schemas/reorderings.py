"""Reorderings of plain gradient steps: two orders σ and τ of the same examples, one step on each example in turn."""

from typing import Annotated, Literal, Self, assert_never

from pydantic import Field, model_validator

from schemas.base import Seed, Spec
from schemas.data import Index

MAX_REORDERINGS = 100_000
Order = Annotated[tuple[Index, ...], Field(min_length=2, max_length=10_000)]


class Swaps(Spec):
    """Single pairs: x before y against y before x."""

    kind: Literal["swaps"] = "swaps"
    count: Annotated[int, Field(ge=1, le=MAX_REORDERINGS)]
    """How many pairs of the chosen examples, drawn without replacement."""
    seed: Seed = 0
    """Seed of the draw."""


class Shuffles(Spec):
    """Random orders of all chosen examples, each against the ascending order."""

    kind: Literal["shuffles"] = "shuffles"
    count: Annotated[int, Field(ge=1, le=MAX_REORDERINGS)]
    """How many."""
    seed: Seed = 0
    """Seed of the draw."""


class ListedOrders(Spec):
    """Pairs of orders of training examples, by index."""

    kind: Literal["listed"] = "listed"
    orders: Annotated[tuple[tuple[Order, Order], ...], Field(min_length=1, max_length=MAX_REORDERINGS)]
    """Pairs (σ, τ): each order lists the same examples, each once."""

    @model_validator(mode="after")
    def _same_examples(self) -> Self:
        for place, (first, second) in enumerate(self.orders):
            if len(set(first)) < len(first) or sorted(first) != sorted(second):
                raise ValueError(f"orders {place} must list the same examples, each once, in both orders")
        return self


class Reorderings(Spec):
    """Effect of σ against τ: predicted lr² (S(σ) − S(τ)), and exact, by taking the steps in float64."""

    orders: Annotated[Swaps | Shuffles | ListedOrders, Field(discriminator="kind")]
    """Which orders are compared."""
    lr: Annotated[float, Field(ge=1e-9, le=1e3)] = 1e-3
    """Learning rate of the exact steps; stored effects are divided by lr²."""


def count_reorderings(orders: Swaps | Shuffles | ListedOrders, N: int) -> int:
    """How many are compared among N chosen examples: there are at most N(N − 1)/2 different swaps."""
    match orders:
        case Swaps():
            return min(orders.count, N * (N - 1) // 2)
        case Shuffles():
            return orders.count
        case ListedOrders():
            return len(orders.orders)
        case _:
            assert_never(orders)


def longest_order(orders: Swaps | Shuffles | ListedOrders, N: int) -> int:
    """Most examples in one order."""
    match orders:
        case Swaps():
            return 2
        case Shuffles():
            return N
        case ListedOrders():
            return max(len(first) for first, _ in orders.orders)
        case _:
            assert_never(orders)
