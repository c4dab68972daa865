"""When replicas are looked at: steps of a log, always with the start and the end."""

from typing import Annotated, Literal, assert_never

from pydantic import Field

from schemas.base import Spec, Step

MAX_LOOKS = 100_000


class Every(Spec):
    """All multiples of a number of steps."""

    kind: Literal["every"] = "every"
    steps: Annotated[int, Field(ge=1)] = 100
    """Distance n between looks."""


class LogSpaced(Spec):
    """Steps spaced evenly on a logarithmic axis from 1 to the end, rounded, each once."""

    kind: Literal["log_spaced"] = "log_spaced"
    looks: Annotated[int, Field(ge=2, le=MAX_LOOKS)] = 50
    """How many before rounding; fewer after, since small steps round together."""


class Listed(Spec):
    """These steps."""

    kind: Literal["listed"] = "listed"
    steps: Annotated[tuple[Step, ...], Field(max_length=MAX_LOOKS)]
    """Optimizer steps."""


Looks = Annotated[Every | LogSpaced | Listed, Field(discriminator="kind")]


def look_steps(looks: Every | LogSpaced | Listed, steps: int) -> tuple[int, ...]:
    """The steps looked at in a run of `steps`, ascending, each once, with 0 and the last one."""
    match looks:
        case Every():
            chosen = set(range(0, steps + 1, looks.steps))
        case LogSpaced():
            last = looks.looks - 1
            chosen = {round(steps ** (look / last)) for look in range(looks.looks)} if steps else set()
        case Listed():
            chosen = set(looks.steps)
        case _:
            assert_never(looks)
    return tuple(sorted({0, *chosen, steps}))


def count_looks(looks: Every | LogSpaced | Listed, steps: int) -> int:
    """At most how many looks there are, without listing them."""
    match looks:
        case Every():
            return steps // looks.steps + 2
        case LogSpaced():
            return looks.looks + 1
        case Listed():
            return len(looks.steps) + 2
        case _:
            assert_never(looks)
