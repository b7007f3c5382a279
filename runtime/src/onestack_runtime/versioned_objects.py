"""Questions about oslo's versioned objects, answered in fewer steps: which fields are set, and which have changed.

Nova asks an instance which of its 60 fields have changed some thirty times for each server it makes. For each field
upstream makes the list of all fields, to look whether it is one of them.
"""

from __future__ import annotations

from typing import Any

_PREFIX = "_obj_"
"""How an object's attributes that hold its fields' values begin."""


def quicken(base: Any) -> None:
    """`base`: oslo_versionedobjects.base, before any class of objects is made. The answers are upstream's."""
    kind = base.VersionedObject
    assert base._get_attrname("x") == f"{_PREFIX}x"
    _field_is_set(kind)
    _changes(kind)
    _reading(base)


def _field_is_set(kind: Any) -> None:
    ask = kind.obj_attr_is_set

    def obj_attr_is_set(self: Any, attrname: str) -> Any:
        # Whatever is no field may be one of the further attributes that a class names, or a mistake.
        return hasattr(self, _PREFIX + attrname) if attrname in self.fields else ask(self, attrname)

    kind.obj_attr_is_set = obj_attr_is_set


def _changes(kind: Any) -> None:
    def obj_what_changed(self: Any) -> set[str]:
        fields = self.fields
        changes = {name for name in self._changed_fields if name in fields}
        for attribute, value in tuple(vars(self).items()):
            if isinstance(value, kind) and attribute.startswith(_PREFIX):
                name = attribute[len(_PREFIX) :]
                if name in fields and value.obj_what_changed():
                    changes.add(name)
        return changes

    kind.obj_what_changed = obj_what_changed


def _reading(base: Any) -> None:
    """Of a field that is set: from the object's own dictionary."""
    make = base._make_class_properties

    def _make_class_properties(cls: Any) -> None:
        make(cls)
        for name in cls.fields:
            slow = vars(cls)[name]
            setattr(cls, name, property(_getter(_PREFIX + name, slow.fget), slow.fset, slow.fdel))

    base._make_class_properties = _make_class_properties


def _getter(attribute: str, slow: Any) -> Any:
    def get(self: Any) -> Any:
        try:
            return self.__dict__[attribute]
        except KeyError:
            pass
        return slow(self)

    return get
