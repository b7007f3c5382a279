"""Nova's connection to libvirtd is made anew when libvirtd is back, and until then asked for again and again."""

from __future__ import annotations

import logging

import pytest

from onestack_runtime.runners import libvirt_connection


class Host:
    """Nova's libvirt host: away at some of the times it is asked."""

    def __init__(self, away: set[int]) -> None:
        self.away, self.asked = away, 0

    def get_connection(self) -> object:
        self.asked += 1
        if self.asked in self.away:
            raise ConnectionError("no socket")
        return object()


def test_it_asks_until_the_end_and_says_once_that_it_went_and_came(caplog: pytest.LogCaptureFixture) -> None:
    host, waited = Host({2, 3, 4}), []

    def ended(seconds: float) -> bool:
        waited.append(seconds)
        return len(waited) > 6

    with caplog.at_level(logging.INFO):
        libvirt_connection.keep(host, ended)
    assert host.asked == 6
    assert waited == [libvirt_connection.SECONDS] * 7
    assert [record.message for record in caplog.records] == [
        "libvirtd is away: no socket",
        "libvirtd is back",
    ]
