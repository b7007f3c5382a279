"""Volumes that only one host has: the scheduler filter and the libvirt driver, run by Nova's own classes."""

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
    """In place of Cinder's client; VOLUME is in `backend`."""

    def __init__(self, backend: str) -> None:
        volume = SimpleNamespace(**{"os-vol-host-attr:host": f"c1@{backend}#{backend}"})
        self.volumes = SimpleNamespace(get=lambda volume_id: volume)
        self.volume_snapshots = SimpleNamespace(get=lambda snapshot_id: SimpleNamespace(volume_id=VOLUME))
        volume_type = SimpleNamespace(extra_specs={"volume_backend_name": backend})
        self.volume_types = SimpleNamespace(get=lambda name: volume_type)


def mapping(**fields: Any) -> Any:
    defaults = {"source_type": "volume", "destination_type": "volume", "volume_id": None, "volume_type": None}
    return objects.BlockDeviceMapping(**{**defaults, "snapshot_id": None, **fields})


def request_spec(hints: dict[str, list[str]] | None = None, number: int = 1) -> Any:
    return objects.RequestSpec(instance_uuid=SERVER, scheduler_hints=hints or {}, num_instances=number)


@pytest.fixture
def filtered(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that runs our filter in Nova's filter handler, and returns the names of the hosts that pass."""

    def call(
        backends: str,
        mappings: list[Any],
        requested: Any = None,
        hosts: Any = HOSTS,
        volume_in: str = "files",
    ) -> list[str]:
        monkeypatch.setenv(contract.VOLUME_HOSTS, backends)
        monkeypatch.setattr(scheduling.cinder, "cinderclient", lambda context: FakeCinder(volume_in))
        request = SimpleNamespace(block_device_mappings=mappings)
        monkeypatch.setattr(objects.BuildRequest, "get_by_instance_uuid", lambda context, server_id: request)
        handler = upstream.HostFilterHandler()
        (filter_class,) = (
            each
            for each in handler.get_matching_classes([contract.VOLUME_FILTERS])
            if each.__name__ == contract.VOLUME_FILTER
        )
        passed = handler.get_filtered_objects([filter_class()], hosts, requested or request_spec())
        return [each.host for each in passed]

    return call


def test_nova_loads_our_filter_and_its_own() -> None:
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
        # The default volume type is that of the first backend.
        (MIXED, [mapping(source_type="blank")], "files", ["c1", "n1", "n2"]),
        (MIXED, [mapping(source_type="blank", volume_type="files")], "files", ["c1"]),
        (MIXED, [mapping(source_type="blank", volume_type="gold")], "files", ["c1"]),
        (MIXED, [mapping(source_type="blank", volume_type="gold")], "pool", ["c1", "n1", "n2"]),
        (MIXED, [mapping(source_type="snapshot", snapshot_id=VOLUME)], "files", ["c1"]),
    ],
)
def test_a_server_is_placed_on_the_host_of_its_volumes(
    backends: str, mappings: list[Any], volume_in: str, expected: list[str], filtered: Any
) -> None:
    assert filtered(backends, mappings, volume_in=volume_in) == expected


@pytest.mark.parametrize("backends", [ALL_LOCAL, MIXED])
def test_a_hint_names_a_volume_that_is_attached_later(backends: str, filtered: Any) -> None:
    assert filtered(backends, [], request_spec({contract.VOLUME_HINT: [VOLUME]})) == ["c1"]


def test_the_error_names_the_host_and_what_to_do(filtered: Any) -> None:
    with pytest.raises(exception.NoValidHost) as raised:
        filtered(ALL_LOCAL, [mapping(volume_id=VOLUME)], hosts=HOSTS[1:])
    message = raised.value.format_message()
    assert "stored on the host c1" in message and "Make room on c1" in message
    # If one of several servers has no host, Nova releases the others' allocations only if the filter raises nothing.
    assert filtered(ALL_LOCAL, [mapping(volume_id=VOLUME)], request_spec(number=2), HOSTS[1:]) == []


def test_a_server_cannot_move_away_from_the_host_of_its_volumes(filtered: Any) -> None:
    moving = objects.RequestSpec(
        instance_uuid=SERVER, scheduler_hints={}, num_instances=1, ignore_hosts=["c1"]
    )
    with pytest.raises(exception.NoValidHost, match=r"on the host c1: .* so this one cannot move"):
        filtered(ALL_LOCAL, [mapping(volume_id=VOLUME)], moving, HOSTS[1:])


def test_a_rebuild_stays_on_its_host(filtered: Any) -> None:
    rebuild = request_spec({"_nova_check_type": ["rebuild"]})
    assert filtered(ALL_LOCAL, [mapping(volume_id=VOLUME)], rebuild, HOSTS[1:2]) == ["n1"]


def test_all_hosts_pass_if_cinder_does_not_answer(filtered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_an_attachment_is_refused_in_the_response_to_the_request(
    backends: str, volume_type: str, host: str, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nova.virt.libvirt import driver as libvirt

    from onestack_runtime.drivers.volumes import libvirt as registration

    registration.register()
    module, _, name = f"nova.virt.{contract.LIBVIRT_DRIVER}".rpartition(".")
    driver_class = getattr(importlib.import_module(module), name)
    monkeypatch.setenv(contract.VOLUME_HOSTS, backends)
    monkeypatch.setattr(CONF, "host", host, raising=False)
    monkeypatch.setattr(
        scheduling.cinder, "API", lambda: SimpleNamespace(get=lambda *args: {"volume_type_id": volume_type})
    )
    monkeypatch.setattr(libvirt.LibvirtDriver, "get_device_name_for_instance", lambda *args: "/dev/vdb")
    driver = driver_class.__new__(driver_class)
    attachment = mapping(volume_id=VOLUME)
    attachment._context = None
    if not refused:
        assert driver.get_device_name_for_instance(None, [], attachment) == "/dev/vdb"
        return
    with pytest.raises(exception.InvalidVolume) as raised:
        driver.get_device_name_for_instance(None, [], attachment)
    assert "stored on the host c1" in raised.value.format_message()


def test_the_volumes_of_an_existing_server_are_read_from_its_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(context: Any, server_id: str) -> Any:
        raise exception.BuildRequestNotFound(uuid=server_id)

    class Cell:
        def __enter__(self) -> str:
            return "in the cell"

        def __exit__(self, *error: object) -> None:
            return None

    instance_mapping = SimpleNamespace(cell_mapping="cell1")
    monkeypatch.setenv(contract.VOLUME_HOSTS, ALL_LOCAL)
    monkeypatch.setattr(objects.BuildRequest, "get_by_instance_uuid", not_found)
    monkeypatch.setattr(
        objects.InstanceMapping, "get_by_instance_uuid", lambda context, server_id: instance_mapping
    )
    monkeypatch.setattr(scheduling.contexts, "target_cell", lambda context, cell: Cell())
    mappings = {"in the cell": [mapping(volume_id=VOLUME)]}
    monkeypatch.setattr(
        objects.BlockDeviceMappingList, "get_by_instance_uuid", lambda context, server_id: mappings[context]
    )
    volume_filter = scheduling.LocalVolumeFilter()
    assert [each.host for each in volume_filter.filter_all(HOSTS, request_spec())] == ["c1"]
    # Nova keeps the hint, also after the volume was detached.
    mappings["in the cell"] = []
    hinted = request_spec({contract.VOLUME_HINT: [VOLUME]})
    assert [each.host for each in volume_filter.filter_all(HOSTS, hinted)] == ["c1", "n1", "n2"]
