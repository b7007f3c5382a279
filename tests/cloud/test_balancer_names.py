"""Balancers asked for by upstream's names of its provider are balancers of ours, with all that those have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openstack.exceptions import SDKException

from cloud import members
from cloud.members import Field
from cloud.web import Web
from onestack import Cloud

pytestmark = pytest.mark.cloud

NAMES = ("amphora", "octavia")


@pytest.fixture(scope="module")
def field(cloud: Cloud) -> Iterator[Field]:
    with members.in_network(cloud), members.field_of(cloud, "names", "10.67.0.0/24") as made:
        yield made


def test_the_list_of_providers_says_what_they_are(field: Field) -> None:
    found = {each.name: each.description for each in field.admin.load_balancer.providers()}
    assert next(iter(found)) == "haproxy", "the default first"
    assert all("haproxy" in found[name] for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_balancer_by_another_name_serves_heals_fails_over_and_goes(
    cloud: Cloud, field: Field, name: str
) -> None:
    api = field.admin.load_balancer
    one = field.machine(f"by-{name}")
    one.serve()
    web = Web(field, (one,), provider=name)
    assert api.get_load_balancer(web.lb.id).provider == name
    web.answers({one.name})
    # Listed and judged with all others.
    members.tell_haproxy(cloud, web.lb.id, "set server {first} state maint")
    said = cloud.balancing.check(repair=True)
    assert [each["balancer"] for each in said["found"]] == [web.lb.id]
    assert said["left"] == []
    web.answers({one.name})
    api.failover_load_balancer(web.lb.id)
    field.active(web.lb.id)
    web.answers({one.name})
    web.remove()
    field.gone(web.lb.id)


def test_flavors_and_zones_of_an_amphora_that_hold_here_are_taken_others_refused(field: Field) -> None:
    api: Any = field.admin.load_balancer
    capabilities = {each.name for each in api.provider_flavor_capabilities("amphora")}
    assert capabilities == {"loadbalancer_topology"}
    profile = api.create_flavor_profile(
        name="single", provider_name="amphora", flavor_data='{"loadbalancer_topology": "SINGLE"}'
    )
    flavor = api.create_flavor(name="single", flavor_profile_id=profile.id, is_enabled=True)
    zones = api.create_availability_zone_profile(
        name="here", provider_name="amphora", availability_zone_data='{"compute_zone": "nova"}'
    )
    zone = api.create_availability_zone(name="here", availability_zone_profile_id=zones.id, is_enabled=True)
    try:
        made = field.balancer("flavored", flavor_id=flavor.id, availability_zone=zone.name)
        assert (made.provider, made.availability_zone) == ("amphora", "here")
        api.delete_load_balancer(made.id, cascade=True)
        field.gone(made.id)
        with pytest.raises(SDKException, match="SINGLE only"):
            api.create_flavor_profile(
                name="pair",
                provider_name="octavia",
                flavor_data='{"loadbalancer_topology": "ACTIVE_STANDBY"}',
            )
        with pytest.raises(SDKException, match="nova only"):
            api.create_availability_zone_profile(
                name="there", provider_name="haproxy", availability_zone_data='{"compute_zone": "east"}'
            )
    finally:
        api.delete_flavor(flavor.id)
        api.delete_availability_zone(zone.name)
        api.delete_flavor_profile(profile.id)
        api.delete_availability_zone_profile(zones.id)
