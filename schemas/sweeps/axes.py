"""Axes of a sweep: the values that a field takes, listed, evenly spaced, or drawn at random."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, JsonValue, model_validator

from schemas.base import PositiveFloat, Spec

MAX_SWEEP_JOBS = 20_000
"""Most jobs of one sweep."""
SIGNIFICANT_DIGITS = 12
"""Of computed values: 1e-3 comes out as 1e-3, and the last bits of a machine's logarithm do not show."""


def rounded(value: float) -> float:
    """The value to twelve significant digits."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def plain(value: Any) -> Any:
    """Specs, tuples and arrays as the JSON that stands for them."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    # Arrays of numpy and torch, and their scalars, know the plain Python that they stand for.
    return plain(value.tolist()) if hasattr(value, "tolist") else value


Count = Annotated[int, Field(ge=1, le=MAX_SWEEP_JOBS)]
Values = Annotated[tuple[JsonValue, ...], Field(min_length=1, max_length=MAX_SWEEP_JOBS), BeforeValidator(plain)]


class LinSpace(Spec):
    """Evenly spaced values, both ends among them: low + (high − low) i/(count − 1)."""

    kind: Literal["lin_space"] = "lin_space"
    low: float
    """First value."""
    high: float
    """Last value; it may be the smaller one."""
    count: Count
    """How many."""

    @property
    def values(self) -> tuple[float, ...]:
        """The values, rounded to twelve significant digits."""
        return tuple(_between(self.low, self.high, share) for share in _shares(self.count))


class LogSpace(Spec):
    """Values with equal ratios, both ends among them: low · (high/low)^(i/(count − 1))."""

    kind: Literal["log_space"] = "log_space"
    low: PositiveFloat
    """First value; not its exponent."""
    high: PositiveFloat
    """Last value; it may be the smaller one."""
    count: Count
    """How many."""

    @property
    def values(self) -> tuple[float, ...]:
        """The values, rounded to twelve significant digits."""
        return tuple(_log_between(self.low, self.high, share) for share in _shares(self.count))


class Uniform(Spec):
    """Random numbers, evenly distributed from low to high."""

    kind: Literal["uniform"] = "uniform"
    low: float
    """Lower end."""
    high: float
    """Upper end."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        _check_rises(self.low, self.high)
        return self

    def draw(self, word: int) -> float:
        """The value for a random 256-bit word."""
        return _between(self.low, self.high, _unit(word))


class LogUniform(Spec):
    """Random numbers whose logarithm is evenly distributed from that of low to that of high."""

    kind: Literal["log_uniform"] = "log_uniform"
    low: PositiveFloat
    """Lower end; not its exponent."""
    high: PositiveFloat
    """Upper end."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        _check_rises(self.low, self.high)
        return self

    def draw(self, word: int) -> float:
        """The value for a random 256-bit word."""
        return _log_between(self.low, self.high, _unit(word))


class IntUniform(Spec):
    """Random whole numbers, each from low to high equally likely, both among them."""

    kind: Literal["int_uniform"] = "int_uniform"
    low: Annotated[int, Field(ge=-(2**63), lt=2**63)]
    """Smallest."""
    high: Annotated[int, Field(ge=-(2**63), lt=2**63)]
    """Largest."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        _check_rises(self.low, self.high)
        return self

    def draw(self, word: int) -> int:
        """The value for a random 256-bit word; a range of 64 bits makes its remainder uneven by 2⁻¹⁹² at most."""
        return self.low + word % (self.high - self.low + 1)


class Choice(Spec):
    """One of several values at random, each equally likely."""

    kind: Literal["choice"] = "choice"
    values: Values
    """What is chosen from."""

    def draw(self, word: int) -> JsonValue:
        """The value for a random 256-bit word."""
        return self.values[word % len(self.values)]


def _a_list_or_an_object(value: Any) -> Any:
    value = value if isinstance(value, BaseModel) else plain(value)
    if not isinstance(value, list | dict | BaseModel):
        raise ValueError(
            f"expected a list of values, as in [{value!r}], or an object with `kind: lin_space | log_space | "
            f"uniform | log_uniform | int_uniform | choice`; came {value!r} alone"
        )
    return value


Spaced = LinSpace | LogSpace
Drawn = Uniform | LogUniform | IntUniform | Choice
Fixed = tuple[JsonValue, ...] | Spaced
"""Axes whose values are known; the others are drawn at random."""
AnyAxis = Fixed | Drawn
Axis = Annotated[
    Values | Annotated[Spaced | Drawn, Field(discriminator="kind")], BeforeValidator(_a_list_or_an_object)
]


def _check_rises(low: float, high: float) -> None:
    if not low < high:
        raise ValueError(f"an axis drawn at random needs low < high; came low {low}, high {high}")


def _shares(count: int) -> tuple[float, ...]:
    return (0.0,) if count == 1 else tuple(place / (count - 1) for place in range(count))


def _unit(word: int) -> float:
    """A number in [0, 1): the highest 53 of 256 bits, all that a float holds."""
    return (word >> 203) / 2**53


def _between(low: float, high: float, share: float) -> float:
    if share in (0.0, 1.0):
        return high if share else low
    # Not low + share · (high − low): the difference of two finite numbers may overflow.
    return _within(low, high, rounded((1 - share) * low + share * high))


def _log_between(low: float, high: float, share: float) -> float:
    if share in (0.0, 1.0):
        return high if share else low
    return _within(low, high, rounded(math.exp((1 - share) * math.log(low) + share * math.log(high))))


def _within(low: float, high: float, value: float) -> float:
    """Rounding and the last bit of a logarithm do not leave the range."""
    return min(max(value, min(low, high)), max(low, high))
