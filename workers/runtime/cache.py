"""What a worker keeps between blocks: values by key, the least recently used dropped first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Lru:
    """Values up to a total weight. Used by one thread; values must not be changed by who takes them.

    With `weigh` the length of a byte string the limit is in bytes; without it every value weighs 1.

    Args:
        limit: Total weight.
        weigh: Weight of a value.
        least: So many values, the last used, are kept whatever they weigh: what every block needs is not to be made
            anew by each.
    """

    def __init__(self, limit: int, weigh: Callable[[Any], int] | None = None, least: int = 0) -> None:
        if limit < 0:
            raise ValueError(f"a cache's limit is 0 or more; came {limit}")
        self._limit = limit
        self._least = least
        self._weigh = weigh or (lambda value: 1)
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self.weight = 0

    def take(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value under `key`, made now if it is not there. One heavier than the limit is kept only for `least`."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            value: T = found[0]
            return value
        value = make()
        weight = self._weigh(value)
        if weight <= self._limit or self._least:
            self._kept[key] = (value, weight)
            self.weight += weight
            self._drop_oldest()
        return value

    def clear(self) -> None:
        """Drop everything: the answer to a lack of memory."""
        self._kept.clear()
        self.weight = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def _drop_oldest(self) -> None:
        while self.weight > self._limit and len(self._kept) > self._least:
            _, (_, weight) = self._kept.popitem(last=False)
            self.weight -= weight
