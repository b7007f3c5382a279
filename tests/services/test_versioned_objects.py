"""oslo's versioned objects answer as they do without us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from oslo_versionedobjects import base, fields

from onestack_runtime import versioned_objects


def classes() -> tuple[Any, Any]:
    """A class of objects, and one of those that hold them; made anew, as what is made depends on when."""

    @base.VersionedObjectRegistry.objectify
    class Flavor(base.VersionedObject):  # type: ignore[misc]
        fields = {"name": fields.StringField(), "vcpus": fields.IntegerField()}  # noqa: RUF012

    @base.VersionedObjectRegistry.objectify
    class Server(base.VersionedObject):  # type: ignore[misc]
        fields = {  # noqa: RUF012
            "name": fields.StringField(nullable=True),
            "flavor": fields.ObjectField("Flavor", nullable=True),
            "former": fields.ObjectField("Flavor", nullable=True),
            "number": fields.IntegerField(read_only=True),
        }
        obj_extra_fields = ["title"]  # noqa: RUF012

        @property
        def title(self) -> str:
            return str(self.name).title()

        def obj_load_attr(self, attrname: str) -> None:
            if attrname != "former":
                super().obj_load_attr(attrname)
            self.former = None

    return Flavor, Server


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[tuple[Any, Any], tuple[Any, Any]]]:
    """Upstream's, and ours. Only one can be at a time, so `using` sets what the classes share."""
    kept = {name: vars(base.VersionedObject)[name] for name in ("obj_attr_is_set", "obj_what_changed")}
    make = base._make_class_properties
    theirs = classes()
    versioned_objects.quicken(base)
    ours = classes()
    changed = {name: vars(base.VersionedObject)[name] for name in kept}
    assert all(changed[name] is not kept[name] for name in kept)

    def using(which: dict[str, Any]) -> None:
        for name, value in which.items():
            setattr(base.VersionedObject, name, value)

    for kind, which in (*((each, kept) for each in theirs), *((each, changed) for each in ours)):
        for name, value in which.items():
            setattr(kind, name, value)
    using(kept)
    base._make_class_properties = make
    yield theirs, ours


Act = Callable[[Any, Any], object]
ACTS: dict[str, Act] = {
    "name it": lambda server, flavor: setattr(server, "name", "web"),
    "no name": lambda server, flavor: setattr(server, "name", None),
    "a wrong name": lambda server, flavor: setattr(server, "name", {}),
    "give a flavor": lambda server, flavor: setattr(server, "flavor", flavor(name="small", vcpus=1)),
    "no flavor": lambda server, flavor: setattr(server, "flavor", None),
    "change its flavor": lambda server, flavor: setattr(server.flavor, "vcpus", 2),
    "forget its name": lambda server, flavor: delattr(server, "name"),
    "number it": lambda server, flavor: setattr(server, "number", 1),
    "number it anew": lambda server, flavor: setattr(server, "number", 2),
    "look at what is loaded": lambda server, flavor: server.former,
    "look at its name": lambda server, flavor: server.name,
    "look at its title": lambda server, flavor: server.title,
    "settle": lambda server, flavor: server.obj_reset_changes(recursive=True),
    "settle it alone": lambda server, flavor: server.obj_reset_changes(),
    "is its title set": lambda server, flavor: server.obj_attr_is_set("title"),
    "is nonsense set": lambda server, flavor: server.obj_attr_is_set("nonsense"),
    "is nonsense in it": lambda server, flavor: "nonsense" in server,
    "copy": lambda server, flavor: server.obj_clone().obj_what_changed(),
}


def told(act: Act, server: Any, flavor: Any) -> object:
    try:
        said = act(server, flavor)
    except Exception as error:
        return type(error), str(error)
    return said if said is None or isinstance(said, bool | str | set) else type(said).__name__


@given(some.lists(some.sampled_from(sorted(ACTS)), max_size=12))
def test_whatever_is_done_they_answer_the_same(both: Any, done: list[str]) -> None:
    (their_flavor, their_server), (our_flavor, our_server) = both
    theirs, ours = their_server(), our_server()
    for name in done:
        act = ACTS[name]
        assert told(act, ours, our_flavor) == told(act, theirs, their_flavor), name
        assert ours.obj_what_changed() == theirs.obj_what_changed(), name
        for field in theirs.fields:
            assert ours.obj_attr_is_set(field) == theirs.obj_attr_is_set(field), (name, field)
