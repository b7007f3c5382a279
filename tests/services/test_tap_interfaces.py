"""A guest's tap interface that is down is set up again, and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from onestack_runtime.runners import tap_interfaces
from onestack_runtime.serving.commands import Failed

UP, DOWN = "0x1103\n", "0x1102\n"


@pytest.fixture
def interfaces(tmp_path: Path) -> Path:
    taps = {
        "tapa1b2c3d4-01": (DOWN, True),
        "tapa1b2c3d4-02": (UP, True),
        "tapa1b2c3d4-40": (DOWN, False),  # the metadata agent's: a pair of interfaces, not a program's
        "br-int": (DOWN, True),
        "tap0": (DOWN, True),
        "tapa1b2c3d4-01b": (DOWN, True),
    }
    for name, (flags, program) in taps.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "flags").write_text(flags)
        if program:
            (tmp_path / name / "tun_flags").write_text("0x1002\n")
    (tmp_path / "tapa1b2c3d4-03").mkdir()
    return tmp_path


def looks(times: int) -> list[bool]:
    return [False] * times + [True]


def test_only_guests_interfaces_that_are_down_are_set_up(
    interfaces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def run(argv: list[str]) -> str:
        ran.append(argv)
        (interfaces / argv[3] / "flags").write_text(UP)
        return ""

    monkeypatch.setattr(tap_interfaces, "run", run)
    ended = iter(looks(3))
    tap_interfaces.keep_up(lambda seconds: next(ended), interfaces)
    assert ran == [["ip", "link", "set", "tapa1b2c3d4-01", "up"]]


def test_one_that_cannot_be_set_up_is_tried_again(interfaces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(argv: list[str]) -> str:
        ran.append(argv)
        raise Failed("Cannot find device")

    monkeypatch.setattr(tap_interfaces, "run", run)
    ended = iter(looks(2))
    tap_interfaces.keep_up(lambda seconds: next(ended), interfaces)
    assert len(ran) == 2
