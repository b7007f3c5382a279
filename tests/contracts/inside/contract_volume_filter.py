"""Where servers and their volumes are: the scheduler's filter and the libvirt driver, with Nova's own classes."""

from __future__ import annotations

from nova import monkey_patch

monkey_patch.patch(backend="threading")

import importlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import uuid  # noqa: E402
from types import SimpleNamespace  # noqa: E402
from typing import Any  # noqa: E402

import pytest  # noqa: E402
from nova import exception, objects  # noqa: E402
from nova.conf import CONF  # noqa: E402
from nova.scheduler import filters as upstream  # noqa: E402

from onestack_runtime import contract  # noqa: E402
from onestack_runtime.drivers.volumes import scheduling  # noqa: E402

objects.register_all()
SERVER, VOLUME = str(uuid.uuid4()), str(uuid.uuid4())
HOSTS = [SimpleNamespace(host=name, nodename=name) for name in ("c1", "n1", "n2")]
ALL_LOCAL, MIXED = "files=c1,disks=c1", "pool=,files=c1"


class FakeCinder:
    """A client of a Cinder that has VOLUME in a backend."""

    def __init__(self, backend: str) -> None:
        volume = SimpleNamespace(**{"os-vol-host-attr:host": f"c1@{backend}#{backend}"})
        self.volumes = SimpleNamespace(get=lambda ident: volume)
        self.volume_snapshots = SimpleNamespace(get=lambda ident: SimpleNamespace(volume_id=VOLUME))
        own = SimpleNamespace(extra_specs={"volume_backend_name": backend})
        self.volume_types = SimpleNamespace(get=lambda name: own)


def mapping(**fields: Any) -> Any:
    given = {"source_type": "volume", "destination_type": "volume", "volume_id": None, "volume_type": None}
    return objects.BlockDeviceMapping(**{**given, "snapshot_id": None, **fields})


def spec(hints: dict[str, list[str]] | None = None, number: int = 1) -> Any:
    return objects.RequestSpec(instance_uuid=SERVER, scheduler_hints=hints or {}, num_instances=number)


@pytest.fixture
def filtered(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Which hosts Nova's own handler leaves."""

    def call(
        backends: str,
        mappings: list[Any],
        asked: Any = None,
        hosts: Any = HOSTS,
        volume_in: str = "files",
    ) -> list[str]:
        monkeypatch.setenv(contract.VOLUME_HOSTS, backends)
        monkeypatch.setattr(scheduling.cinder, "cinderclient", lambda context: FakeCinder(volume_in))
        request = SimpleNamespace(block_device_mappings=mappings)
        monkeypatch.setattr(objects.BuildRequest, "get_by_instance_uuid", lambda context, ident: request)
        handler = upstream.HostFilterHandler()
        (found,) = (
            each
            for each in handler.get_matching_classes([contract.VOLUME_FILTERS])
            if each.__name__ == contract.VOLUME_FILTER
        )
        left = handler.get_filtered_objects([found()], hosts, asked or spec())
        return [each.host for each in left]

    return call


def test_nova_finds_it_beside_its_own_filters() -> None:
    found = upstream.HostFilterHandler().get_matching_classes([contract.VOLUME_FILTERS])
    assert {each.__name__ for each in found} == {
        contract.VOLUME_FILTER,
        *(each.__name__ for each in upstream.all_filters()),
    }


def test_novas_default_filters_stay_enabled() -> None:
    assert (
        json.loads(os.environ["ONESTACK_TEST_SETTINGS"])["filters"] == CONF.filter_scheduler.enabled_filters
    )


@pytest.mark.parametrize(
    ("backends", "mappings", "volume_in", "expected"),
    [
        ("", [mapping(volume_id=VOLUME)], "files", ["c1", "n1", "n2"]),
        (ALL_LOCAL, [], "files", ["c1", "n1", "n2"]),
        (ALL_LOCAL, [mapping(source_type="image", destination_type="local")], "files", ["c1", "n1", "n2"]),
        (ALL_LOCAL, [mapping(volume_id=VOLUME)], "files", ["c1"]),
        (ALL_LOCAL, [mapping(source_type="image")], "files", ["c1"]),
        (MIXED, [mapping(volume_id=VOLUME)], "files", ["c1"]),
        (MIXED, [mapping(volume_id=VOLUME)], "pool", ["c1", "n1", "n2"]),
        # The default type is the first backend's.
        (MIXED, [mapping(source_type="blank")], "files", ["c1", "n1", "n2"]),
        (MIXED, [mapping(source_type="blank", volume_type="files")], "files", ["c1"]),
        (MIXED, [mapping(source_type="blank", volume_type="gold")], "files", ["c1"]),
        (MIXED, [mapping(source_type="blank", volume_type="gold")], "pool", ["c1", "n1", "n2"]),
        (MIXED, [mapping(source_type="snapshot", snapshot_id=VOLUME)], "files", ["c1"]),
    ],
)
def test_a_server_goes_where_its_volumes_are(
    backends: str, mappings: list[Any], volume_in: str, expected: list[str], filtered: Any
) -> None:
    assert filtered(backends, mappings, volume_in=volume_in) == expected


@pytest.mark.parametrize("backends", [ALL_LOCAL, MIXED])
def test_a_hint_names_a_volume_that_comes_later(backends: str, filtered: Any) -> None:
    assert filtered(backends, [], spec({contract.VOLUME_HINT: [VOLUME]})) == ["c1"]


def test_the_error_names_the_host_and_what_to_do(filtered: Any) -> None:
    with pytest.raises(exception.NoValidHost) as raised:
        filtered(ALL_LOCAL, [mapping(volume_id=VOLUME)], hosts=HOSTS[1:])
    said = raised.value.format_message()
    assert "stored on the host c1" in said and "Make room on c1" in said
    # Nova releases what the first of several servers claimed only if no exception is raised.
    assert filtered(ALL_LOCAL, [mapping(volume_id=VOLUME)], spec(number=2), HOSTS[1:]) == []


def test_one_that_is_to_leave_its_volumes_host_stays(filtered: Any) -> None:
    leaving = objects.RequestSpec(
        instance_uuid=SERVER, scheduler_hints={}, num_instances=1, ignore_hosts=["c1"]
    )
    with pytest.raises(exception.NoValidHost, match=r"on the host c1: .* so this one cannot move"):
        filtered(ALL_LOCAL, [mapping(volume_id=VOLUME)], leaving, HOSTS[1:])


def test_a_rebuild_stays_where_it_is(filtered: Any) -> None:
    rebuild = spec({"_nova_check_type": ["rebuild"]})
    assert filtered(ALL_LOCAL, [mapping(volume_id=VOLUME)], rebuild, HOSTS[1:2]) == ["n1"]


def test_a_cinder_that_does_not_answer_stops_no_server(
    filtered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCinder, "__init__", lambda self, backend: None)
    assert filtered(MIXED, [mapping(volume_id=VOLUME)]) == ["c1", "n1", "n2"]


@pytest.mark.parametrize(
    ("backends", "volume_type", "host", "refused"),
    [
        (ALL_LOCAL, "whatever", "n1", True),
        (ALL_LOCAL, "whatever", "c1", False),
        (MIXED, "files", "n1", True),
        (MIXED, "pool", "n1", False),
        (MIXED, "gold", "n1", False),
    ],
)
def test_an_attachment_is_refused_while_the_caller_waits(
    backends: str, volume_type: str, host: str, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nova.virt.libvirt import driver as libvirt

    from onestack_runtime.drivers.volumes import libvirt as registration

    registration.register()
    module, _, name = f"nova.virt.{contract.LIBVIRT_DRIVER}".rpartition(".")
    ours = getattr(importlib.import_module(module), name)
    monkeypatch.setenv(contract.VOLUME_HOSTS, backends)
    monkeypatch.setattr(CONF, "host", host, raising=False)
    monkeypatch.setattr(
        scheduling.cinder, "API", lambda: SimpleNamespace(get=lambda *which: {"volume_type_id": volume_type})
    )
    monkeypatch.setattr(libvirt.LibvirtDriver, "get_device_name_for_instance", lambda *given: "/dev/vdb")
    driver = ours.__new__(ours)
    asked = mapping(volume_id=VOLUME)
    asked._context = None
    if not refused:
        assert driver.get_device_name_for_instance(None, [], asked) == "/dev/vdb"
        return
    with pytest.raises(exception.InvalidVolume) as raised:
        driver.get_device_name_for_instance(None, [], asked)
    assert "stored on the host c1" in raised.value.format_message()


def test_a_server_that_moves_is_looked_up_in_its_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(context: Any, ident: str) -> Any:
        raise exception.BuildRequestNotFound(uuid=ident)

    class Cell:
        def __enter__(self) -> str:
            return "in the cell"

        def __exit__(self, *error: object) -> None:
            return None

    known = SimpleNamespace(cell_mapping="cell1")
    monkeypatch.setenv(contract.VOLUME_HOSTS, ALL_LOCAL)
    monkeypatch.setattr(objects.BuildRequest, "get_by_instance_uuid", gone)
    monkeypatch.setattr(objects.InstanceMapping, "get_by_instance_uuid", lambda context, ident: known)
    monkeypatch.setattr(scheduling.contexts, "target_cell", lambda context, cell: Cell())
    volumes = {"in the cell": [mapping(volume_id=VOLUME)]}
    monkeypatch.setattr(
        objects.BlockDeviceMappingList, "get_by_instance_uuid", lambda context, ident: volumes[context]
    )
    found = scheduling.LocalVolumeFilter()
    assert [each.host for each in found.filter_all(HOSTS, spec())] == ["c1"]
    # Nova keeps the hint, and the volume may be gone since.
    volumes["in the cell"] = []
    hinted = spec({contract.VOLUME_HINT: [VOLUME]})
    assert [each.host for each in found.filter_all(HOSTS, hinted)] == ["c1", "n1", "n2"]
