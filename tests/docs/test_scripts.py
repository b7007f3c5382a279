"""Scripts in bench/ and examples/ say what they need: no traceback, whatever Python runs them, with no cloud."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Not run but imported by others.
LIBRARIES = {"bench/gains.py", "bench/measuring.py", "bench/screening.py", "bench/autoscaling/rivals.py"}
SCRIPTS = sorted(
    str(file.relative_to(ROOT))
    for folder in ("bench", "examples")
    for file in (ROOT / folder).rglob("*.py")
    if str(file.relative_to(ROOT)) not in LIBRARIES
)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_is_given(script: str) -> None:
    done = run(sys.executable, "-W", "ignore", script, "--help")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.startswith("usage:")


@pytest.mark.parametrize(
    "script", ["bench/apply.py", "bench/autoscaling/decisions.py", "examples/deploy_cloud.py"]
)
def test_a_python_without_the_project_is_no_traceback(script: str) -> None:
    """It finds nothing but its own library: the script goes on in the project's, or says what to do."""
    done = run(getattr(sys, "_base_executable", sys.executable), "-S", script, "--help")
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 2)
    assert done.stdout.startswith("usage:") or "project's own" in done.stderr


@pytest.mark.parametrize(
    "words", [["bench/apply.py", "--root"], ["bench/volumes.py", "--root"], ["examples/deploy_cloud.py"]]
)
def test_where_no_cloud_is_it_says_so(words: list[str], tmp_path: Path) -> None:
    done = run(sys.executable, "-W", "ignore", *words, str(tmp_path))
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert "there is no cloud under" in done.stderr or "needs root" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_shell_script_has_help_too() -> None:
    done = run("bench/first_answer.sh", "--help")
    assert (done.returncode, done.stdout.startswith("usage:")) == (0, True)
