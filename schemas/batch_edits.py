"""Whether a perturbation fits the batch schedule and the train split, from their sizes alone."""

from schemas.data import largest_index
from schemas.perturbations import (
    Change,
    DropExample,
    Edit,
    Gaussian,
    GradientMove,
    Move,
    Reinitialise,
    ReplaceExample,
    Reseed,
    Reshuffle,
    Seat,
    Sphere,
    SwapExamples,
    SwapSteps,
)


def batch_length(step: int, train: int, batch_size: int) -> int:
    """Examples in the batch of a step, counted from 1: the last of an epoch holds what is left of the split."""
    per_epoch = -(-train // batch_size)
    return min(batch_size, train - (step - 1) % per_epoch * batch_size)


def misplaced(perturbation: Move | Edit | Change, train: int, batch_size: int) -> str | None:
    """Why a perturbation asks for what the schedule or the split does not hold, in one line; None if it does not.

    Whether an example is in the batch of a step is known to the schedule alone, and is not asked here.

    Args:
        perturbation: A move, an edit of the schedule, or a change of a hyper-parameter.
        train: Examples in the train split.
        batch_size: Examples in a step.
    """
    match perturbation:
        case SwapExamples(first=first, second=second):
            for seat in (first, second):
                if (why := no_seat(seat, batch_length(seat.step, train, batch_size))) is not None:
                    return why
        case DropExample(example=example, step=step):
            if example >= train:
                return _beyond("drop_example", example, train)
            if (batch_length(step, train, batch_size) if step is not None else min(batch_size, train)) == 1:
                return emptied("a batch" if step is None else f"the batch of step {step}")
        case ReplaceExample(example=example, by=by):
            if max(example, by) >= train:
                return _beyond("replace_example", max(example, by), train)
        case GradientMove(examples=examples):
            largest = examples - 1 if isinstance(examples, int) else largest_index(examples)
            if largest >= train:
                return _beyond("the batch of a gradient move", largest, train)
        case Gaussian() | Sphere() | Reinitialise() | SwapSteps() | Reshuffle() | Reseed() | Change():
            pass
    return None


def no_seat(seat: Seat, length: int) -> str | None:
    """Why a place is not one of a batch of `length` examples; None if it is."""
    if seat.position < length:
        return None
    return (
        f"swap_examples names place {seat.position} of step {seat.step}, whose batch has {length}, "
        f"numbered 0 to {length - 1}: choose among those"
    )


def emptied(batch: str) -> str:
    """That a batch would have no example left."""
    return f"drop_example would leave {batch} with no example: take larger batches, or replace the example"


def _beyond(what: str, index: int, train: int) -> str:
    return (
        f"{what} reaches index {index:,} but the train split has {train:,} examples, numbered 0 to {train - 1:,}: "
        "choose among those"
    )
