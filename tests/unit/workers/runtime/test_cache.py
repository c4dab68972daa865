import pytest

from workers.runtime.cache import Lru


def test_the_least_recently_used_goes_first():
    cache = Lru(2)
    cache.take("a", lambda: 1)
    cache.take("b", lambda: 2)
    cache.take("a", lambda: 3)
    cache.take("c", lambda: 4)
    assert "a" in cache
    assert "b" not in cache
    assert cache.take("a", lambda: 5) == 1


def test_the_limit_is_on_the_weight():
    cache = Lru(10, len)
    for name in "abc":
        cache.take(name, lambda: b"12345")
    assert (len(cache), cache.weight) == (2, 10)


def test_what_is_heavier_than_the_limit_is_given_but_not_kept():
    cache = Lru(3, len)
    assert cache.take("big", lambda: b"12345") == b"12345"
    assert len(cache) == 0


def test_the_last_few_are_kept_whatever_they_weigh():
    cache = Lru(3, len, least=2)
    for name in "abc":
        cache.take(name, lambda: b"12345")
    assert [name in cache for name in "abc"] == [False, True, True]
    cache.take("d", lambda: b"")
    assert [name in cache for name in "bcd"] == [False, True, True]


def test_clear_forgets_everything():
    cache = Lru(3)
    cache.take("a", lambda: 1)
    cache.clear()
    assert (len(cache), cache.weight) == (0, 0)


def test_a_negative_limit_is_refused():
    with pytest.raises(ValueError, match="0 or more; came -1"):
        Lru(-1)
