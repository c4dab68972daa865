"""Times of several methods taken in turn, so that whatever else the machine does meets all of them."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Times:
    """Seconds of each method by round: equal places were measured next to each other."""

    seconds: Mapping[str, list[float]]

    def median(self, method: str) -> float:
        """Median seconds of a method."""
        return statistics.median(self.seconds[method])

    def fastest(self, *methods: str) -> str:
        """The method with the smallest median."""
        return min(methods, key=self.median)

    def ratio(self, above: str, below: str) -> "Spread":
        """Seconds of one method over those of another, round by round."""
        return Spread.of([a / b for a, b in zip(self.seconds[above], self.seconds[below], strict=True)])


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of some values."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


def interleaved(
    methods: Mapping[str, Callable[[], Any]],
    rounds: int,
    device: torch.device,
    repeats: Mapping[str, int] | None = None,
    warm: frozenset[str] = frozenset(),
) -> Times:
    """Run every method once a round, in turn, after one run of each that is not counted.

    Args:
        methods: What to time, by name.
        rounds: How often.
        device: Where they run; its queue is empty before the clock is read.
        repeats: For short methods, how often to run them in a round; the median of these counts as the round's time.
        warm: Methods that ran before, with the same shapes, and need no run to warm up.
    """
    repeats = repeats or {}
    for name, method in methods.items():
        if name not in warm:
            method()
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, method in methods.items():
            taken = [_timed(method, device) for _ in range(repeats.get(name, 1))]
            seconds[name].append(statistics.median(taken))
    return Times(seconds)


def synchronise(device: torch.device) -> None:
    """Wait until everything that was sent to the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _timed(method: Callable[[], Any], device: torch.device) -> float:
    gc.collect()
    synchronise(device)
    began = time.perf_counter()
    method()
    synchronise(device)
    return time.perf_counter() - began
