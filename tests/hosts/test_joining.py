"""Which machine may be which host: the right system, nothing of another cloud, and what the cloud has put there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from onestack import spec
from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.host.machine import Ran
from onestack.platform.choices import choices_file
from onestack.platform.hosts import joining, known
from onestack.platform.hosts.joining import Joining, Part
from onestack.platform.site import spec_file
from onestack.platform.view import HostView

TEXT = """\
hosts:
  - {name: c1, address: 192.0.2.11, roles: [control, network, compute]}
  - {name: n1, address: 192.0.2.21, roles: [compute]}
  - {name: n2, address: 192.0.2.22, roles: [compute]}
"""
SPEC = spec.loads(TEXT, "cloud.yaml")
C1, N1, N2 = SPEC.hosts


def hosts_of(leader: str, addresses: Mapping[str, str]) -> known.Hosts:
    return known.Hosts(leader, tuple(HostView(n, a, "qemu", "netdev") for n, a in addresses.items()))


OURS = hosts_of("c1", {"c1": "192.0.2.11", "n1": "192.0.2.21"})
MINE = Part("debian 12", "c1", OURS, TEXT, b"our CA")
FRESH = Part("debian 12")


def obstacle(found: Part, host: spec.Host = N1, mine: Part = MINE) -> BadInput | None:
    return Joining(Paths(Path("/nowhere")), SPEC, mine).obstacle(host, found)


def test_a_host_of_this_cloud_and_a_fresh_machine_may() -> None:
    assert obstacle(Part("debian 12", "n1", OURS, TEXT, b"our CA")) is None
    assert obstacle(FRESH, N2) is None
    assert obstacle(FRESH, N1, Part("debian 12")) is None


def test_another_system_may_not() -> None:
    found = obstacle(Part("ubuntu 24.04"))
    assert found is not None and str(found) == "n1 runs ubuntu 24.04, this host debian 12"
    assert "same Debian or Ubuntu release" in found.hint
    assert found.exit_status == 2


def test_the_address_of_another_host_of_the_cloud() -> None:
    found = obstacle(Part("debian 12", "n2", OURS, TEXT, b"our CA"))
    assert found is not None and str(found) == "the machine at 192.0.2.21 is n2 in this cloud, not n1"


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (Part("debian 12", "n1", None, "version: 1\n"), "has a cloud of its own"),
        (
            Part("debian 12", "srv", None, "hosts: [{name: srv, address: 192.0.2.21}]"),
            "has a cloud of its own",
        ),
        (Part("debian 12", "n1", None, "no: spec"), "has a cloud of its own"),
        (
            Part("debian 12", "n1", hosts_of("n1", {"n1": "192.0.2.21"}), TEXT, b"other CA"),
            "is the control host of another cloud, or of an earlier one",
        ),
        (
            Part("debian 12", "n1", hosts_of("c9", {"c9": "192.0.2.99"}), TEXT, b"other CA"),
            r"is n1 of another cloud, or of an earlier one \(its control host: c9\)",
        ),
        # The same names and addresses, of a cloud that was destroyed while this host was away.
        (Part("debian 12", "n1", OURS, TEXT, b"former CA"), "is n1 of another cloud, or of an earlier one"),
    ],
)
def test_a_machine_with_something_of_another_cloud(there: Part, says: str) -> None:
    found = obstacle(there)
    assert found is not None
    with pytest.raises(BadInput, match=says):
        raise found


def test_an_earlier_cloud_is_known_before_the_new_one_has_a_ca() -> None:
    found = obstacle(Part("debian 12", "n1", OURS, TEXT, b"former CA"), mine=Part("debian 12"))
    assert found is not None and "of an earlier one" in str(found)


def test_what_an_up_that_was_cut_off_left_is_this_clouds() -> None:
    # Chosen, and not told of the others yet; or told, and without its certificate.
    assert obstacle(Part("debian 12", "n1", None, TEXT), mine=Part("debian 12")) is None
    assert obstacle(Part("debian 12", "n1", OURS, TEXT, None)) is None


def test_what_was_left_on_a_second_control_host_is_this_clouds() -> None:
    text = TEXT.replace("hosts:", "platform: {address: 192.0.2.10}\nhosts:")
    text = "".join(f"{line.replace('[compute]', '[control]')}\n" for line in text.splitlines())
    three = Joining(Paths(Path("/nowhere")), spec.loads(text, "cloud.yaml"), Part("debian 12"))
    assert three.obstacle(N1, Part("debian 12", "n1", None, text)) is None
    led = three.obstacle(C1, Part("debian 12", "c1", None, text))
    assert led is not None and str(led).endswith("has a cloud of its own")


def test_the_control_host_may_get_another_address() -> None:
    moved = hosts_of("c1", {"c1": "192.0.2.200", "n1": "192.0.2.21"})
    assert obstacle(Part("debian 12", "n1", moved, TEXT, b"our CA")) is None


def test_a_machine_that_was_installed_anew_is_not_the_host_it_was() -> None:
    found = obstacle(FRESH)
    assert found is not None and "has nothing of this cloud, of which n1 is a host" in str(found)
    assert "`onestack host remove n1`" in found.hint


class Machine:
    """Another machine, by its files. The newest copy of the tool is `tool`."""

    name = "n1"

    def __init__(self, files: Mapping[Path, str], tool: str = "") -> None:
        self._files = files
        self._tool = tool

    def read_file(self, path: Path) -> bytes | None:
        return self._files[path].encode() if path in self._files else None

    def run(self, argv: Any, **more: Any) -> Ran:
        return Ran(0, self._tool)


def test_it_is_read_from_the_machines_files_and_said_with_the_place_and_the_way_out(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    other = hosts_of("c9", {"c9": "192.0.2.99"})
    files = {
        joining.OS_RELEASE: 'ID=debian\nVERSION_ID="12"\n',
        choices_file(paths): json.dumps({"host": "n1"}),
        known.file(paths): json.dumps(other.as_dict()),
        spec_file(paths): TEXT,
        paths.etc / "tls/ca.pem": "other CA",
    }
    machine: Any = Machine(
        files, "/var/cache/onestack/tool/abc/complete\n/var/cache/onestack/tool/old/complete\n"
    )
    assert joining.read(machine, paths) == Part("debian 12", "n1", other, TEXT, b"other CA")
    with pytest.raises(BadInput) as raised:
        Joining(paths, SPEC, MINE).require_not_anothers(machine, N1)
    assert str(raised.value.where) == "cloud.yaml:3:25"
    python = "/var/cache/onestack/tool/abc/env/bin/python"
    assert f"ssh 192.0.2.21 {python} -m onestack.cli destroy --yes" in raised.value.hint


def test_what_is_no_part_of_another_cloud_may_be_removed(tmp_path: Path) -> None:
    machine: Any = Machine({joining.OS_RELEASE: "ID=ubuntu\nVERSION_ID=24.04\n"})
    Joining(Paths(tmp_path), SPEC, MINE).require_not_anothers(machine, N1)
