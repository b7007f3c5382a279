"""OneStack's own kinds declare what others derive from, without gaps or contradictions."""

from __future__ import annotations

from typing import get_args

import pytest

from kinds.more.toy import Toys
from onestack.language.words import Counted
from onestack.spec.compose import compose, whole
from onestack.spec.model import Spec
from onestack.spec.tenants import Tenant
from onestack.workloads.kind.base import Kind, Listed
from onestack.workloads.kind.discovery import RESOURCES, discover, in_order_of_removal, kinds
from onestack.workloads.resources.quota import Quota, Word

OF_THE_AUTOSCALER = {"scaling_groups"}
IN_EACH_OTHER = {("volume", "snapshot"), ("snapshot", "volume")}


def test_kinds_name_only_kinds_that_there_are() -> None:
    known = kinds()
    for kind in known.values():
        assert kind.reads_after() <= known.keys(), kind.name
        assert set(kind.removed_after) <= {one.name for one in known.values() if one.removable}, kind.name


def test_each_is_read_after_those_whose_names_it_holds() -> None:
    order = list(kinds())
    late = {
        (name, other)
        for name, kind in kinds().items()
        for other in kind.reads_after()
        if order.index(other) > order.index(name)
    }
    assert late < IN_EACH_OTHER


def test_each_is_removed_after_what_stands_in_its_way() -> None:
    order = [kind.name for kind in in_order_of_removal(kinds())]
    assert {"server", "volume", "network", "image"} <= set(order)
    for kind in in_order_of_removal(kinds()):
        assert all(order.index(other) < order.index(kind.name) for other in kind.removed_after)


@pytest.mark.parametrize("section", list(Quota.model_fields))
def test_each_limit_of_a_quota_is_of_some_kind(section: str) -> None:
    tenant = get_args(whole().model_fields["tenants"].annotation)[0]
    limits = tenant.model_fields["quota"].annotation.model_fields[section].annotation.model_fields
    assert limits
    for key, field in limits.items():
        assert any(isinstance(one, Word) for one in field.metadata), key
        assert field.description, key


def test_each_list_in_the_spec_is_of_some_kind() -> None:
    def lists(model: type) -> set[str]:
        fields = model.model_fields.items()  # type: ignore[attr-defined]
        inner = {key: get_args(field.annotation) for key, field in fields}
        return {key for key, args in inner.items() if args and hasattr(args[0], "problems")}

    of_kinds = {kind.key for kind in kinds().values() if kind.in_tenant}
    assert lists(Tenant) == of_kinds | OF_THE_AUTOSCALER
    of_all = {kind.key for kind in kinds().values() if kind.in_platform}
    assert lists(Spec) == of_all | {"hosts", "tenants", "templates"}


def test_two_kinds_of_one_name_are_refused() -> None:
    with pytest.raises(TypeError, match="both called 'toy'"):
        discover("kinds.more", "kinds.more")


def test_a_list_that_is_not_of_its_kinds_model_is_refused() -> None:
    class OtherServers(Kind):
        name, service, key = "server", "compute", "servers"
        in_tenant = Listed(Counted, "")

    with pytest.raises(TypeError, match=r"Tenant\.servers is no list of Counted"):
        compose({"server": OtherServers()})


def test_a_kind_of_another_folder_is_not_onestacks() -> None:
    assert Toys.name not in discover(RESOURCES)
