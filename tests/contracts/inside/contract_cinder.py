"""Cinder."""

from __future__ import annotations

import os

os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
from cinder import monkey_patch

monkey_patch.patch(backend="threading")

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


def test_upstream_is_what_it_was_written_against(entry_name: str, misfits: Any) -> None:
    assert misfits(entry_name) == ""


@pytest.mark.replaces("image-copies")
def test_what_the_pool_is_given_is_done(both: Any) -> None:
    theirs, ours = both.functions
    for pool in (theirs, ours):
        file = pool.Proxy(io.BytesIO(b"image"))
        assert file.read() == b"image"
        assert pool.execute(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            pool.execute(divmod, 7, 0)


@pytest.mark.replaces("image-copies")
def test_an_image_is_fetched_by_two_threads(tmp_path: Path, installed: Any) -> None:
    image = SimpleNamespace(download=lambda about, name, file: file.write(name.encode()))
    places = {name: tmp_path / name for name in ("one", "two")}

    def fetch(name: str) -> None:
        image_utils.fetch(None, image, name, str(places[name]), None, None)

    made = [threading.Thread(target=fetch, args=(name,), daemon=True) for name in places]
    for each in made:
        each.start()
    for each in made:
        each.join(30)
    assert {name: place.read_text() for name, place in places.items()} == {"one": "one", "two": "two"}


def bare(number: int) -> Any:
    """A service as `create` leaves it, without a database: its constructor is upstream's."""
    kind = identity.service_class()
    made = kind.__new__(kind)
    vars(made).update(origin_service_id=number, manager=identity.Bound(SimpleNamespace(), number))
    return made


@pytest.mark.replaces("service-identity")
def test_the_id_is_that_of_the_service_whose_thread_asks(
    installed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(
        service.Service, "report_state", lambda self: seen.update(reports=service.Service.service_id)
    )
    service.Service.service_id = 7
    assert service.Service.service_id == 7, (
        "a thread of no service has the one that was made last, as upstream"
    )
    bare(3).report_state()
    assert seen["reports"] == 3

    class Manager:
        def work(self) -> Any:
            return service.Service.service_id

    one, two = identity.Bound(Manager(), 1), identity.Bound(Manager(), 2)
    assert (one.work(), two.work(), service.Service.service_id) == (1, 2, 7)
    assert bare(4).service_id is None or bare(4).service_id == 7


@pytest.mark.replaces("service-identity")
def test_a_service_is_made_by_upstreams_own_constructor(
    installed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def construct(self: Any, *args: Any, **named: Any) -> None:
        vars(self).update(origin_service_id=5, manager=SimpleNamespace(said=args))

    monkeypatch.setattr(service.Service, "__init__", construct)
    made = identity.service_class().create("host", "cinder-volume", "cinder-volume", "a.manager")
    assert isinstance(made, service.Service)
    assert isinstance(made.manager, identity.Bound)
    assert made.manager.said == ("host", "cinder-volume", "cinder-volume", "a.manager")


@pytest.mark.replaces("service-identity")
def test_upstream_has_one_id_for_all() -> None:
    service.Service.service_id = 1
    service.Service.service_id = 2
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(service.Service.service_id))
    thread.start()
    thread.join()
    assert found == [2]


@pytest.mark.parametrize("module", ["driver", "lvm"])
def test_a_volume_of_this_host_is_refused_on_another(module: str) -> None:
    # LVM's driver names the classes of objects, which are there from now on.
    objects.register_all()
    found = importlib.import_module(f"onestack_runtime.drivers.volumes.{module}")
    kind = {"driver": "FileDriver", "lvm": "LogicalVolumeDriver"}[module]
    made = object.__new__(getattr(found, kind))
    vars(made)["host"] = "c1@files"
    made.validate_connector({"host": "c1"})
    # Cinder's manager answers this one with what it says, as a request that cannot be met.
    with pytest.raises(
        exception.InvalidConnectorException, match="stored on the host c1: only servers of that"
    ):
        made.validate_connector({"host": "n1"})
