"""Cinder: copying of images in threads, several services in one process, and volumes that only one host has."""

from __future__ import annotations

import os

os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
from onestack_runtime import series

series.here().cinder_threads()

import importlib  # noqa: E402
import io  # noqa: E402
import threading  # noqa: E402
from pathlib import Path  # noqa: E402
from types import SimpleNamespace  # noqa: E402
from typing import Any  # noqa: E402

import pytest  # noqa: E402
from cinder import exception, objects, service  # noqa: E402
from cinder.image import image_utils  # noqa: E402

from onestack_runtime.drivers.volumes import identity  # noqa: E402

ENTRIES = ("image-copies", "service-identity")


def test_upstream_source_is_unchanged(entry_name: str, source_changes: Any) -> None:
    assert source_changes(entry_name) == ""


@pytest.mark.replaces("image-copies")
def test_the_pool_runs_functions_and_raises_their_errors(both: Any) -> None:
    for pool in both.functions:
        file = pool.Proxy(io.BytesIO(b"image"))
        assert file.read() == b"image"
        assert pool.execute(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            pool.execute(divmod, 7, 0)


@pytest.mark.replaces("image-copies")
def test_two_threads_can_fetch_images(tmp_path: Path, installed: Any) -> None:
    image_service = SimpleNamespace(download=lambda request_context, name, file: file.write(name.encode()))
    paths = {name: tmp_path / name for name in ("one", "two")}

    def fetch(name: str) -> None:
        image_utils.fetch(None, image_service, name, str(paths[name]), None, None)

    fetching = [threading.Thread(target=fetch, args=(name,), daemon=True) for name in paths]
    for thread in fetching:
        thread.start()
    for thread in fetching:
        thread.join(30)
    assert {name: path.read_text() for name, path in paths.items()} == {"one": "one", "two": "two"}


def service_with_id(number: int) -> Any:
    """A service as `create` returns it. Upstream's constructor is not called, since it needs a database."""
    service_class = identity.service_class()
    new = service_class.__new__(service_class)
    vars(new).update(origin_service_id=number, manager=identity.Bound(SimpleNamespace(), number))
    return new


@pytest.mark.replaces("service-identity")
def test_the_service_id_depends_on_the_thread_that_reads_it(
    installed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: dict[str, Any] = {}
    monkeypatch.setattr(
        service.Service, "report_state", lambda self: reported.update(service_id=service.Service.service_id)
    )
    service.Service.service_id = 7
    assert service.Service.service_id == 7, (
        "a thread of no service reads the id of the service that was created last, as upstream"
    )
    service_with_id(3).report_state()
    assert reported["service_id"] == 3

    class Manager:
        def read_service_id(self) -> Any:
            return service.Service.service_id

    one, two = identity.Bound(Manager(), 1), identity.Bound(Manager(), 2)
    assert (one.read_service_id(), two.read_service_id(), service.Service.service_id) == (1, 2, 7)
    assert service_with_id(4).service_id is None or service_with_id(4).service_id == 7


@pytest.mark.replaces("service-identity")
def test_create_calls_upstreams_constructor(installed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def construct(self: Any, *args: Any, **options: Any) -> None:
        vars(self).update(origin_service_id=5, manager=SimpleNamespace(arguments=args))

    monkeypatch.setattr(service.Service, "__init__", construct)
    created = identity.service_class().create("host", "cinder-volume", "cinder-volume", "a.manager")
    assert isinstance(created, service.Service)
    assert isinstance(created.manager, identity.Bound)
    assert created.manager.arguments == ("host", "cinder-volume", "cinder-volume", "a.manager")


@pytest.mark.replaces("service-identity")
def test_upstream_has_one_service_id_for_all_threads() -> None:
    service.Service.service_id = 1
    service.Service.service_id = 2
    read: list[Any] = []
    thread = threading.Thread(target=lambda: read.append(service.Service.service_id))
    thread.start()
    thread.join()
    assert read == [2]


@pytest.mark.parametrize("module", ["driver", "lvm"])
def test_a_volume_on_one_host_is_not_attached_on_another(module: str) -> None:
    # The LVM driver refers to versioned objects, which exist once they are registered.
    objects.register_all()
    driver_module = importlib.import_module(f"onestack_runtime.drivers.volumes.{module}")
    class_name = {"driver": "FileDriver", "lvm": "LogicalVolumeDriver"}[module]
    driver = object.__new__(getattr(driver_module, class_name))
    vars(driver)["host"] = "c1@files"
    driver.validate_connector({"host": "c1"})
    # Cinder's manager passes the message of this exception on to the client, as an invalid request.
    with pytest.raises(
        exception.InvalidConnectorException, match="stored on the host c1: only servers of that"
    ):
        driver.validate_connector({"host": "n1"})
