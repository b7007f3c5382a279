"""The agent on another host, asked over a connection as `up` does; here its process runs on this machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from onestack.agent import HostAgent
from onestack.core.errors import BadInput, Busy, PermanentError
from onestack.core.events import Event, silent
from onestack.core.paths import Paths
from onestack.host.lock import held
from onestack.host.machine.connection import Connection
from onestack.platform.choices import Choices, choices_file
from onestack.platform.hosts.remote import RemoteHost
from onestack.platform.site import spec_file

SPEC = "hosts: [{name: n1, address: 192.0.2.21}]\n"


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[[], RemoteHost]]:
    found: list[RemoteHost] = []

    def call() -> RemoteHost:
        words = [sys.executable, "-m", "onestack.agent", str(tmp_path / "root"), str(tmp_path / "cache")]
        found.append(RemoteHost("n1", Connection("n1", words)))
        return found[-1]

    yield call
    for each in found:
        each.close()


def test_the_lock_is_held_until_the_connection_ends(
    connect: Callable[[], RemoteHost], tmp_path: Path
) -> None:
    first, second = connect(), connect()
    first.hold("onestack up", 0)
    with pytest.raises(Busy, match="another command works on this: onestack up") as raised:
        second.hold("onestack down", 0)
    assert str(raised.value.where).startswith("n1: ")
    first.close()
    second.hold("onestack down", 10)
    with pytest.raises(Busy), held(Paths(tmp_path / "root").lock, "test"):
        pass


def test_a_host_without_a_part_of_the_cloud_has_no_processes(connect: Callable[[], RemoteHost]) -> None:
    assert connect().ask("status", {}, TypeAdapter(list[object])) == []


def test_a_host_tells_its_clock(connect: Callable[[], RemoteHost]) -> None:
    before = time.time()
    assert before <= connect().ask("clock", {}, TypeAdapter(float)) <= time.time()


def test_what_the_host_refuses_names_it_and_keeps_its_kind(connect: Callable[[], RemoteHost]) -> None:
    with pytest.raises(BadInput, match="there is no cloud") as raised:
        connect().prepare(silent)
    assert raised.value.exit_status == 2
    assert str(raised.value.where) == "n1"


def test_a_process_that_the_host_does_not_know_is_refused(
    connect: Callable[[], RemoteHost], tmp_path: Path
) -> None:
    paths = Paths(tmp_path / "root")
    paths.etc.mkdir(parents=True)
    Choices("n1", "qemu", "netdev", False, "/b", "/e", "/r", {}).save(choices_file(paths))
    spec_file(paths).write_text(SPEC)
    with pytest.raises(PermanentError, match="this host has no novad"):
        connect().start("novad", silent)


def test_events_of_the_host_carry_its_name(connect: Callable[[], RemoteHost], tmp_path: Path) -> None:
    heard: list[Event] = []
    connect().destroy(heard.append, purge=False)
    assert {each.host for each in heard} == {"n1"}
    assert heard[-1].about.startswith("n1: ")
    assert not (tmp_path / "root/etc/onestack").exists()


def test_whatever_a_host_can_do_can_be_asked_of_it(tmp_path: Path) -> None:
    methods = {name for name, each in vars(HostAgent).items() if not name.startswith("_") and callable(each)}
    assert {*HostAgent(Paths.at(tmp_path)).verbs()} == methods - {"verbs"}
