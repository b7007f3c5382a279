"""A program that is stopped has ended, whoever asked for it first: on a real supervisord."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onestack.core.paths import Paths
from onestack.core.wait import until
from onestack.host.supervisor import Program, Supervisor, configuration

SLOW = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), sys.exit(0)))
print("ready", flush=True)
while True:
    signal.pause()
"""
"""Takes a second to end."""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    paths = Paths.at(tmp_path)
    for folder in (paths.run, paths.log):
        folder.mkdir(parents=True)
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    slow = Program("slow", (sys.executable, str(script)), {}, paths.log / "slow.log", start_seconds=0)
    file = paths.run / "supervisor.conf"
    # Whoever runs the tests.
    file.write_text(configuration([slow], paths.run, paths.log).replace("user = root\n", ""))
    argv = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-n", "-c", str(file)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
        found = Supervisor(paths)
        try:
            until("supervisord to answer", lambda: (found.pid is not None, ""), seconds=30, every=0.05)
            yield found
        finally:
            started.terminate()


def pid_of_ready(supervisor: Supervisor, log: Path) -> int:
    until("it to be ready", lambda: ("ready" in log.read_text(), ""), seconds=30, every=0.05)
    found = supervisor.program("slow")
    assert found is not None
    return found.pid


def test_a_program_that_is_being_stopped_is_waited_for_and_can_be_started(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.launch("slow")
    first = pid_of_ready(supervisor, Paths.at(tmp_path).log / "slow.log")
    assert first
    supervisor.stop("slow", wait=False)
    supervisor.stop("slow")
    assert not Path(f"/proc/{first}").exists()
    supervisor.stop("slow")
    supervisor.stop("unknown")
    supervisor.launch("slow")
    again = supervisor.program("slow")
    assert again is not None and again.pid not in (0, first)
