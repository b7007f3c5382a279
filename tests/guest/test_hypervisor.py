"""KVM is taken only when a guest proved it; a hanging or dying guest is told in words and leaves nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from onestack.core.errors import PermanentError
from onestack.host import hypervisor
from onestack.host.hypervisor import Probe, boots, choose

GOOD = Probe(True, "a guest booted in 1.2 s", 1.2)
BAD = Probe(False, "/dev/kvm does not exist")


def test_what_is_chosen() -> None:
    assert choose(GOOD, "auto") == ("kvm", GOOD.reason)
    assert choose(GOOD, "kvm") == ("kvm", GOOD.reason)
    assert choose(GOOD, "qemu")[0] == "qemu"
    virt, reason = choose(BAD, "auto")
    assert virt == "qemu"
    assert BAD.reason in reason


def test_kvm_demanded_in_vain_says_what_to_do() -> None:
    with pytest.raises(PermanentError) as caught:
        choose(BAD, "kvm")
    assert caught.value.detail == BAD.reason
    assert "modprobe kvm_intel" in caught.value.hint


def test_without_the_device_nothing_is_tried(tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    assert hypervisor.probe_kvm(tmp_path, device=device) == Probe(False, f"{device} does not exist")


def guest(tmp_path: Path, script: str) -> tuple[list[str], Path]:
    """A stand-in for QEMU that leaves its process id behind."""
    pid = tmp_path / "pid"
    return ["sh", "-c", f"echo $$ >{pid}; {script}"], pid


def gone(pid: Path) -> bool:
    number = int(pid.read_text())
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_a_guest_that_speaks_is_proof_and_is_ended(tmp_path: Path) -> None:
    argv, pid = guest(tmp_path, "echo Linux; echo onestack-guest: kernel 6 is up; exec sleep 60")
    probe = boots(argv, 10)
    assert probe.usable
    assert probe.seconds is not None
    assert gone(pid)


def test_a_silent_guest_is_given_up(tmp_path: Path) -> None:
    argv, pid = guest(tmp_path, "echo SeaBIOS; exec sleep 60")
    probe = boots(argv, 30, silence=0.3)
    assert not probe.usable
    assert "did not boot" in probe.reason
    assert "SeaBIOS" in probe.reason
    assert gone(pid)


def test_a_guest_that_only_chatters_meets_the_deadline(tmp_path: Path) -> None:
    argv, pid = guest(tmp_path, "while :; do echo again; sleep 0.05; done")
    probe = boots(argv, 0.5, silence=10)
    assert not probe.usable
    assert gone(pid)


def test_the_telling_line_is_given(tmp_path: Path) -> None:
    argv, pid = guest(tmp_path, "echo 'KVM internal error. Suberror: 1'; echo EAX=0; exec sleep 60")
    probe = boots(argv, 30, silence=10)
    assert "KVM internal error. Suberror: 1" in probe.reason
    assert gone(pid)


def test_qemus_own_error_is_given(tmp_path: Path) -> None:
    argv, _ = guest(tmp_path, "echo 'failed to initialize kvm: Permission denied' >&2; exit 1")
    probe = boots(argv, 10)
    assert not probe.usable
    assert "QEMU ended" in probe.reason
    assert "Permission denied" in probe.reason


@pytest.mark.parametrize(("took", "times"), [(0.05, 1), (0.2, 1), (2.5, 10), (600, hypervisor.SLOWEST)])
def test_a_slow_machine_is_given_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, took: float, times: float
) -> None:
    monkeypatch.setattr(hypervisor, "run", lambda *_, **__: "QEMU emulator version 10.0.13")
    clock = iter([100.0, 100.0 + took])
    assert hypervisor.slowness(tmp_path, tmp_path, lambda: next(clock)) == pytest.approx(times)


def test_an_answer_is_kept_while_circumstances_are_the_same(tmp_path: Path) -> None:
    cache = tmp_path / "deep/kvm.json"
    assert hypervisor.remembered(cache, "now") is None
    hypervisor.remember(cache, "now", GOOD)
    assert hypervisor.remembered(cache, "now") == GOOD
    assert hypervisor.remembered(cache, "after a reboot") is None
    assert [path.name for path in cache.parent.iterdir()] == ["kvm.json"]


@pytest.mark.parametrize(
    "torn", ["", "{", "[]", '{"circumstances": "now"}', '{"circumstances":"now","probe":{"x":1}}']
)
def test_a_torn_answer_is_asked_anew(tmp_path: Path, torn: str) -> None:
    cache = tmp_path / "kvm.json"
    cache.write_text(torn)
    assert hypervisor.remembered(cache, "now") is None


def test_another_qemu_is_another_circumstance(tmp_path: Path) -> None:
    before = hypervisor.circumstances(tmp_path)
    assert hypervisor.circumstances(tmp_path) == before
    binary = tmp_path / "usr/bin/qemu-system-x86_64"
    binary.parent.mkdir(parents=True)
    binary.write_text("x")
    assert hypervisor.circumstances(tmp_path) != before
