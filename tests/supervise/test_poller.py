"""supervisord must not spin on the number of a connection that is gone."""

from __future__ import annotations

import os
import socket
import time
from types import SimpleNamespace

from supervisor.poller import BasePoller, PollPoller

from onestack.host.supervisord import Forgetful

SECONDS = 0.2
_LOGGER = SimpleNamespace(logger=SimpleNamespace(blather=lambda *words: None))


def _rounds(poller: BasePoller) -> list[tuple[list[int], list[int], float]]:
    """What two rounds give after a connection was closed and a pipe without a reader got its number."""
    here, there = socket.socketpair()
    number = here.fileno()
    poller.register_readable(number)
    here.close()
    reader, writer = os.pipe()
    try:
        if number not in (reader, writer):
            os.dup2(writer, number)
        if number == reader:
            reader, writer = os.dup(reader), os.dup2(writer, number)
        os.close(reader)
        found = []
        for _ in range(2):
            begun = time.monotonic()
            found.append((*poller.poll(SECONDS), time.monotonic() - begun))
        return found
    finally:
        os.close(number)
        if writer != number:
            os.close(writer)
        there.close()


def test_a_number_that_is_used_again_wakes_it_once() -> None:
    _, (readable, writable, took) = _rounds(Forgetful(_LOGGER))
    assert (readable, writable) == ([], [])
    assert took >= SECONDS * 0.9


def test_its_own_poller_never_sleeps_again() -> None:
    """Why there is another one: should this fail, upstream has mended it and ours can go."""
    _, (readable, writable, took) = _rounds(PollPoller(_LOGGER))
    assert (readable, writable) == ([], [])
    assert took < SECONDS * 0.9


def test_what_can_be_read_is_told() -> None:
    poller = Forgetful(_LOGGER)
    here, there = socket.socketpair()
    with here, there:
        there.send(b"x")
        poller.register_readable(here.fileno())
        poller.register_writable(here.fileno())
        assert poller.poll(SECONDS) == ([here.fileno()], [here.fileno()])
        poller.unregister_readable(here.fileno())
