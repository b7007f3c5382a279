"""A host is asked by an agent that comes over the connection: what this machine answers, it answers too."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from onestack.core.errors import PermanentError, TemporaryError, Unready
from onestack.core.wait import until
from onestack.host.machine import Condition, File, LocalMachine, Machine, Ran, RemoteMachine, agent, ssh, wire
from onestack.host.machine.bundle import BOOT, bundle
from onestack.host.progress import tree

AGENT = [sys.executable, "-I", "-u", "-c", BOOT]


@pytest.fixture
def remote() -> Iterator[RemoteMachine]:
    with RemoteMachine("far", AGENT) as found:
        yield found


@pytest.fixture(params=["local", "remote"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    if request.param == "local":
        yield LocalMachine()
    else:
        with RemoteMachine("far", AGENT) as found:
            yield found


def test_the_agent_needs_nothing_but_python() -> None:
    # -S: no site-packages. The bundle is what it has; a module that wants more fails here.
    with RemoteMachine("far", [sys.executable, "-I", "-S", "-u", "-c", BOOT]) as found:
        assert "lo" in found.interfaces()
    assert len(bundle()) < 60_000


def test_facts_are_the_same(remote: RemoteMachine, tmp_path: Path) -> None:
    here, there = LocalMachine().facts([tmp_path]), remote.facts([tmp_path])
    for name in (
        "system",
        "kernel",
        "cpus",
        "features",
        "addresses",
        "routes",
        "interfaces",
        "kvm",
        "python",
    ):
        assert getattr(there, name) == getattr(here, name), name
    assert set(there.disks) == {tmp_path}
    assert there.disks[tmp_path].device == here.disks[tmp_path].device


def test_commands(machine: Machine) -> None:
    assert machine.run(["sh", "-c", "echo one; echo two >&2; exit 3"]) == Ran(3, "one\ntwo\n")
    assert machine.run(["cat"], text_in="héllo").output == "héllo"
    assert machine.run(["sh", "-c", "echo $WORD"], environment={"WORD": "a b"}).output == "a b\n"
    assert machine.run(["printf", "%s|", "a b", "$HOME", "'"]).output == "a b|$HOME|'|"
    with pytest.raises(PermanentError, match="did not end in time"):
        machine.run(["sleep", "60"], seconds=0.2)
    with pytest.raises(PermanentError, match="no-such-program is not installed"):
        machine.run(["no-such-program"])


def test_files(machine: Machine, tmp_path: Path) -> None:
    secret, other = tmp_path / "new/folder/secret", tmp_path / "other"
    wanted = {secret: File(bytes(range(256)), 0o600), other: File(b"")}
    assert machine.read_file(secret) is None
    assert set(machine.write_files(wanted)) == {secret, other}
    assert machine.read_file(secret) == bytes(range(256))
    assert secret.stat().st_mode & 0o777 == 0o600
    assert machine.write_files(wanted) == []
    assert machine.write_files({secret: File(b"new", 0o600), other: File(b"")}) == [secret]
    assert sorted(each.name for each in secret.parent.iterdir()) == ["secret"]
    with pytest.raises(PermanentError):
        machine.write_files({other / "below a file": File(b"")})


def test_readiness(machine: Machine, tmp_path: Path) -> None:
    file, log, said = tmp_path / "status", tmp_path / "log", []
    log.write_text("one\nlast words\n")
    condition = Condition(written=(file, 60.0), seconds=20, log=log)
    threading.Timer(0.5, file.touch).start()
    assert machine.wait_ready("it", condition, said.append).startswith("written")
    assert said[0] == "no file (FileNotFoundError)"
    with pytest.raises(Unready, match="waited 0 s for it; last seen: no file") as late:
        machine.wait_ready("it", Condition(written=(tmp_path / "never", 60.0), seconds=0.3, log=log))
    assert "last words" in late.value.detail
    assert str(log) in str(late.value.where)
    assert machine.wait_ready("it", Condition(command=("true",))) == ""


def test_many_questions_at_a_time(remote: RemoteMachine) -> None:
    begun, answers = time.monotonic(), {}

    def ask(number: int) -> None:
        answers[number] = remote.run(["sh", "-c", f"sleep 0.5; echo {number}"]).output

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert answers == {number: f"{number}\n" for number in range(8)}
    assert time.monotonic() - begun < 8 * 0.5


def test_what_a_command_writes_does_not_disturb_the_connection(remote: RemoteMachine) -> None:
    assert remote.run(["sh", "-c", "echo >/proc/$PPID/fd/1; echo fine"]).output.endswith("fine\n")
    assert "lo" in remote.interfaces()


def test_when_the_asking_side_is_killed_what_ran_ends(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    source = (
        "import sys; from onestack.host.machine import RemoteMachine;"
        f"RemoteMachine('far', {AGENT!r}).run(['sh', '-c', 'echo $$ > {mark}; sleep 60; true'])"
    )
    program = [sys.executable, "-c", source]
    asking = os.spawnve(
        os.P_NOWAIT, sys.executable, program, {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    )
    until("the command to run", lambda: (mark.exists() and bool(mark.read_text()), ""), seconds=30)
    pids = tree(int(mark.read_text()))
    os.kill(asking, signal.SIGKILL)
    os.waitpid(asking, 0)
    until("it to end", lambda: (not any(Path(f"/proc/{pid}").exists() for pid in pids), ""), seconds=20)


def test_an_agent_that_dies_is_told_as_a_lost_connection(remote: RemoteMachine) -> None:
    asked = threading.Timer(0.5, lambda: os.kill(remote._connection.process.pid, signal.SIGKILL))
    asked.start()
    with pytest.raises(TemporaryError, match="the connection to far was lost during run") as lost:
        remote.run(["sleep", "60"])
    assert lost.value.unsure
    with pytest.raises(TemporaryError) as again:
        remote.interfaces()
    assert again.value.summary == "the connection to far was lost"
    assert not again.value.unsure


def test_a_silent_asking_side_counts_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "SILENCE_SECONDS", 0.2)
    questions, answers = os.pipe(), os.pipe()
    begun = time.monotonic()
    agent.Agent(questions[0], answers[1], {}).serve()
    assert time.monotonic() - begun >= 0.2
    for each in (*questions, *answers):
        os.close(each)


def test_a_host_that_cannot_be_reached() -> None:
    with pytest.raises(PermanentError, match="far cannot be reached") as failed:
        RemoteMachine("far", ["sh", "-c", "echo 'Permission denied (publickey).' >&2; exit 255"])
    assert "Permission denied" in failed.value.detail
    assert "`onestack host key`" in failed.value.hint


def test_ssh_is_the_operators_own() -> None:
    plain = ssh.command(ssh.Address("n1"))
    assert plain[:2] == ["ssh", "-T"]
    assert plain[-2] == "n1"
    assert "-F" not in plain
    assert "-p" not in plain
    full = ssh.command(ssh.Address("n1", "root", 2222, Path("/etc/other")))
    assert full[2:4] == ["-F", "/etc/other"]
    assert full[full.index("-p") + 1] == "2222"
    assert full[full.index("-l") + 1] == "root"
    assert "BatchMode=yes" in full


def test_what_goes_over_a_connection() -> None:
    assert wire.plain({"a": (b"\0", Path("/x"), frozenset({2, 1}))}) == {"a": ["AA==", "/x", [1, 2]]}
    with pytest.raises(TypeError, match="object cannot be sent over"):
        wire.plain(object())
    told = wire.error_from_data(wire.error_as_data(Unready("late", where="/log", hint="look")), "n1")
    assert isinstance(told, Unready)
    assert (told.summary, told.where, told.hint) == ("late", "n1: /log", "look")
