"""The cache of validated tokens, as keystonemiddleware uses it."""

from __future__ import annotations

import pytest

from onestack_runtime.serving import token_cache
from onestack_runtime.serving.token_cache import TokenCache


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(token_cache, "clock", made)
    return made


def test_a_token_is_known_until_its_time_has_passed(clock: Clock) -> None:
    cache = TokenCache()
    cache.set("a", b"1", time=300)
    clock.now = 299.9
    assert cache.get("a") == b"1"
    clock.now = 300
    assert cache.get("a") is None


def test_an_unknown_token_is_none() -> None:
    assert TokenCache().get("a") is None


def test_the_least_recently_used_token_goes_first(clock: Clock) -> None:
    cache = TokenCache(capacity=2)
    cache.set("a", b"1", time=300)
    cache.set("b", b"2", time=300)
    cache.get("a")
    cache.set("c", b"3", time=300)
    assert [cache.get(key) for key in "abc"] == [b"1", None, b"3"]


def test_a_token_set_again_has_its_new_value_and_time(clock: Clock) -> None:
    cache = TokenCache()
    cache.set("a", b"1", time=10)
    clock.now = 9
    cache.set("a", b"2", time=10)
    clock.now = 18
    assert cache.get("a") == b"2"
