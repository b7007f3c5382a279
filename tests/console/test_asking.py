"""The reader's process: what hangs or ends does not keep the console from answering."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from onestack.console.asking import Asking
from onestack.console.pages import PARTS
from onestack.console.reads_apis import Reads as ByApis
from onestack.console.reads_here import Reads as Here
from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.core.wait import until

READER = """
import json, sys, threading, time
def answer(question):
    if question["read"] == "hang":
        time.sleep(1000)
    said = {"id": question["id"], "data": question["given"]}
    if question["read"] == "wrong":
        said = {"id": question["id"], "error": {"error": "it is down"}}
    print(json.dumps(said), flush=True)
for line in sys.stdin:
    threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()
"""
WORDS = [sys.executable, "-c", READER]


@pytest.fixture
def asking() -> Iterator[Asking]:
    found = Asking(WORDS)
    yield found
    found.close()


def test_it_starts_when_it_is_asked(asking: Asking) -> None:
    assert asking.pid is None
    assert asking.ask("any", {"a": 1}, 30).data == {"a": 1}
    assert asking.pid is not None


def test_a_problem_is_an_answer(asking: Asking) -> None:
    assert asking.ask("wrong", {}, 30).problem == {"error": "it is down"}


def test_one_that_hangs_keeps_no_other(asking: Asking) -> None:
    late = asking.ask("hang", {}, 0.2)
    assert late.problem is not None
    assert "no answer within" in late.problem["error"]
    assert asking.ask("any", {}, 30).data == {}


def test_one_that_hangs_is_killed_in_the_end() -> None:
    asking = Asking(WORDS, stuck=1.0)
    first = asking.ask("hang", {}, 30)
    assert first.problem is not None
    assert "the console's reader ended" in first.problem["error"]
    assert asking.ask("any", {}, 30).data == {}
    asking.close()


def test_a_killed_reader_is_started_again(asking: Asking) -> None:
    asking.ask("any", {}, 30)
    before = asking.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    until("the reader to be gone", lambda: (asking.pid is None, str(asking.pid)), seconds=30)
    assert asking.ask("any", {}, 30).data == {}
    assert asking.pid not in (None, before)


def test_without_readers_it_ends() -> None:
    asking = Asking(WORDS, idle=0.5)
    asking.ask("any", {}, 30)
    until("the reader to end", lambda: (asking.pid is None, str(asking.pid)), seconds=30)
    asking.close()


def test_a_reader_that_does_not_start_is_a_problem() -> None:
    asking = Asking(["/nowhere/python"])
    answer = asking.ask("any", {}, 30)
    assert answer.problem is not None
    assert "does not start" in answer.problem["error"]
    asking.close()


@pytest.mark.parametrize(
    ("module", "spared"),
    [
        ("__main__", ("pydantic", "click", "openstack")),
        ("reads_here", ("openstack", "requests", "keystoneauth1")),
    ],
)
def test_a_process_has_in_memory_only_what_it_needs(module: str, spared: tuple[str, ...]) -> None:
    code = f"import sys, onestack.console.{module}; print(*set({spared!r}) & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_each_part_is_read_by_a_reader_that_can() -> None:
    readers = {"here": Here, "apis": ByApis}
    for name, part in PARTS.items():
        kind, _, read = part.read.partition(".")
        assert callable(getattr(readers[kind], read, None)), name
        assert not read.startswith("_")


@pytest.mark.parametrize("kind", ["flavor", "", "__class__"])
def test_what_cannot_be_explained_is_refused(paths: Paths, kind: str) -> None:
    with pytest.raises(BadInput, match="cannot be explained"):
        ByApis(paths).why(kind, "web")
    with pytest.raises(BadInput, match="cannot be explained"):
        Here(paths).subjects(kind)


def test_a_read_that_an_open_page_repeats_keeps_its_reader() -> None:
    asking = Asking(WORDS, idle=0.5, polled={"repeated": 60})
    asking.ask("repeated", {}, 30)
    before = asking.pid
    time.sleep(3.0)
    assert asking.pid == before is not None
    asking.close()
