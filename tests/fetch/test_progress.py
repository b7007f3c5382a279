"""While parts are fetched, a person sees how far it is, from what apt, dpkg and uv write."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from onestack.core.events import Event, step
from onestack.host import base
from onestack.host.command import CommandFailed
from onestack.host.fetch_progress import Packages, Reader, Wheels
from onestack.host.followed import follow


def sentences(reader: Reader, text: str) -> list[str]:
    return [said for line in text.strip().splitlines() if (said := reader.read(line))]


def test_debian_packages() -> None:
    text = """
0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.
Need to get 2,900 kB of archives.
Get:1 http://an.archive/debian trixie/main amd64 gcc-14-base amd64 14.2.0-19 [49.4 kB]
Get:2 http://an.archive/debian trixie/main amd64 libc6 amd64 2.41-12+deb13u5 [2850 kB]
I: extracting archives...
Unpacking gcc-14-base:amd64 (14.2.0-19) ...
Setting up gcc-14-base:amd64 (14.2.0-19) ...
Get:1 http://an.archive/debian trixie/main amd64 libbpf1 amd64 1:1.5.0-3 [1.1 MB]
0 upgraded, 4 newly installed, 0 to remove and 0 not upgraded.
Need to get 0 B/83.4 MB of archives.
0 upgraded, 4 newly installed, 0 to remove and 0 not upgraded.
Unpacking kmod (34.2-2) ...
Preparing to unpack .../09-netbase_6.5_all.deb ...
"""
    assert sentences(Packages(), text) == [
        "fetched 0 of 3 MB",
        "fetched 3 of 3 MB",
        "extracting the first packages",
        "unpacked 1 of 2 packages",
        "set up 1 of 2 packages",
        "fetched 4 MB",
        "unpacked 2 of 6 packages",
    ]


def test_python_packages() -> None:
    text = """
Resolved 75 packages in 858ms
Downloading netaddr (2.0MiB)
   Building libvirt-python==12.1.0
Downloading uv (16.8MiB)
 Downloaded netaddr
Prepared 75 packages in 4.21s
Installed 75 packages in 1.96s
"""
    assert sentences(Wheels(75), text) == [
        "fetching 75 packages, large ones: 0 of 2 MB",
        "building libvirt-python==12.1.0",
        "fetching 75 packages, large ones: 0 of 20 MB",
        "fetching 75 packages, large ones: 2 of 20 MB",
        "installing 75 packages",
    ]


def test_a_step_says_nothing_twice() -> None:
    heard: list[Event] = []
    with step("base", heard.append) as at:
        for message in ("one", "", "one", "two"):
            at.progress(message)
    assert [each.message for each in heard if each.state == "progressed"] == ["one", "two"]


def test_a_command_is_heard_while_it_runs(tmp_path: Path) -> None:
    heard: list[str] = []
    program = "import sys; print('one', flush=True); print('two'); sys.exit(int(sys.argv[1]))"
    argv = [sys.executable, "-c", program]
    follow([*argv, "0"], log=tmp_path / "log", seconds=30, heard=heard.append)
    assert heard == ["one", "two"]
    with pytest.raises(CommandFailed, match="ended with status 3") as failed:
        follow([*argv, "3"], log=tmp_path / "log", seconds=30, heard=heard.append)
    assert failed.value.detail == "one\ntwo"


def test_it_ends_with_whoever_listens(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    def interrupt(line: str) -> None:
        pid.write_text(line)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(["sh", "-c", "echo $$; exec sleep 60"], log=tmp_path / "log", seconds=30, heard=interrupt)
    assert not Path(f"/proc/{pid.read_text()}").exists()


def test_packages_are_fetched_side_by_side_with_what_mmdebstrap_has_apt_read() -> None:
    script = base.fetch_in_parallel(["haproxy", "ovn-host"])
    assert 'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"' in script
    assert "install haproxy ovn-host" in script
    argv = base.command(Path("/base"), ["haproxy"], [], ["deb x trixie main"])
    assert f"--essential-hook={base.fetch_in_parallel(['haproxy'])}" in argv
    assert "--verbose" in argv
