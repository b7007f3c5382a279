"""A check's program is read as it speaks, ended at its deadline, and ends with the tool, however that ends."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from onestack.core.wait import until
from onestack.health.verify import child

FOLLOW = Path(__file__).parents[2] / "releases/2026.2/suites/follow.py"
ENVIRONMENT = {"PATH": os.defpath}


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _gone(pid: int) -> tuple[bool, str]:
    return not _alive(pid), f"pid {pid} lives"


def test_its_lines_and_its_exit_status_are_read(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import sys; print('one'); print('two'); sys.exit(3)"]
    with child.running(words, ENVIRONMENT, tmp_path / "errors", 60) as process:
        assert [line.strip() for line in process.lines()] == ["one", "two"]
    assert (process.exit_status, process.late) == (3, False)


def test_it_is_ended_at_its_deadline(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(600)"]
    with child.running(words, ENVIRONMENT, tmp_path / "errors", 0.5) as process:
        list(process.lines())
    assert process.late


def test_tests_end_when_the_tool_is_killed(tmp_path: Path) -> None:
    """The tool is killed, so it can end nothing; what follows the tests sees its input close."""
    for name in ("subunit", "testtools"):
        (tmp_path / f"{name}.py").write_text(
            "class StreamToDict:\n    def __init__(self, told): pass\n    def startTestRun(self): pass\n"
            "    def stopTestRun(self): pass\n"
            "class ByteStreamToStreamResult:\n    def __init__(self, stream, **words): self.stream = stream\n"
            "    def run(self, tests): self.stream.read()\n"
        )
    pid_file = tmp_path / "pid"
    suite = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    tool = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from onestack.health.verify import child
        words = [sys.executable, {str(FOLLOW)!r}, {str(tmp_path)!r}, "-c", {suite!r}]
        errors = Path({str(tmp_path / "errors")!r})
        with child.running(words, {{"PYTHONPATH": {str(tmp_path)!r}}}, errors, 600) as process:
            list(process.lines())
    """)
    started = subprocess.Popen([sys.executable, "-c", tool])
    try:
        until(
            "the suite to run",
            lambda: (pid_file.exists() and bool(pid_file.read_text()), "no pid"),
            seconds=60,
        )
        suite_pid = int(pid_file.read_text())
        assert _alive(suite_pid)
        os.kill(started.pid, signal.SIGKILL)
        started.wait()
        until("the suite to be gone", lambda: _gone(suite_pid), seconds=60)
        assert not _alive(suite_pid)
    finally:
        if started.poll() is None:
            started.kill()
            started.wait()
