"""A process that lives and does not answer is started anew, and nothing else is."""

from __future__ import annotations

import os
import signal

import pytest

from cloud import guests, health
from onestack import Cloud
from onestack.core.wait import until

pytestmark = pytest.mark.cloud

SILENT = "placement"
"""The process that is made to hang: nothing else ends when it does."""


def test_a_process_that_hangs_is_started_anew(varied: Cloud, writer: guests.Guest) -> None:
    health.wait_healthy(varied)
    before = health.pids(varied)
    running = guests.qemus(varied)
    os.kill(before[SILENT], signal.SIGSTOP)
    until(
        "`status` to say what is degraded",
        lambda: (f"{SILENT} does not answer" in str(varied.status().reasons), str(varied.status().reasons)),
        seconds=60,
    )
    # A minute of silence, then fifteen seconds in which it could have ended by itself.
    health.wait_back(varied, SILENT, before[SILENT], seconds=240)
    health.wait_healthy(varied)
    now = health.pids(varied)
    assert {other for other in before if now.get(other) != before[other]} == {SILENT}
    assert guests.qemus(varied) == running
