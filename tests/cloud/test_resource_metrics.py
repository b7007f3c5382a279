"""The metrics of OpenStack's resources, and the lists that the console shows, say what the APIs say."""

from __future__ import annotations

from typing import Any

import pytest

from onestack import Cloud
from onestack.core.wait import until
from onestack.observe import objects, topology
from onestack.observe.resources import nova, quotas, read

pytestmark = pytest.mark.cloud
Samples = dict[str, list[tuple[dict[str, str], float]]]


def found(cloud: Cloud) -> Samples:
    families = read.read(cloud.site, read.groups(cloud.site))
    return {each.name: [(one.labels, one.value) for one in each.samples] for each in families}


def value(samples: Samples, name: str) -> float:
    ((_, only),) = samples[name]
    return only


def limits(admin: Any) -> dict[tuple[str, str | None], float]:
    """The quotas of the administrator's project and their use, as the APIs say: by metric and type."""
    project = admin.current_project_id
    nova_says = admin.compute.get(f"/os-quota-sets/{project}/detail").json()["quota_set"]
    neutron_says = admin.network.get(f"/quotas/{project}/details.json").json()["quota"]
    cinder_says = admin.block_storage.get(f"/os-quota-sets/{project}?usage=True").json()["quota_set"]
    found: dict[tuple[str, str | None], float] = {}
    for name in quotas.NOVA_DEFAULTS:
        for kind in ("in_use", "limit"):
            found[f"openstack_nova_quota_{name}", kind] = nova_says[name][kind]
    for name in quotas.NEUTRON_DEFAULTS:
        for kind in ("used", "limit"):
            found[f"openstack_neutron_quota_{name}", kind] = neutron_says[name][kind]
    for word, name in {"vcpus": "cores", "memory": "ram", "instances": "instances"}.items():
        found[f"openstack_nova_limits_{word}_max", None] = nova_says[name]["limit"]
        found[f"openstack_nova_limits_{word}_used", None] = nova_says[name]["in_use"]
    for word, name in {"volume": "gigabytes", "backup": "backup_gigabytes"}.items():
        found[f"openstack_cinder_limits_{word}_max_gb", None] = cinder_says[name]["limit"]
        found[f"openstack_cinder_limits_{word}_used_gb", None] = cinder_says[name]["in_use"]
    return found


def test_each_service_is_read(cloud: Cloud) -> None:
    samples = found(cloud)
    up = {name: rows for name, rows in samples.items() if name.endswith("_up")}
    assert up.pop("mysql_up") == [({}, 1.0)]
    assert len(up) == len(read.groups(cloud.site)) > 5
    assert {row[0][1] for row in up.values()} == {1.0}


def test_they_are_what_the_apis_list(cloud: Cloud) -> None:
    """A network, a volume and a server are there for it; other tests' may be there as well."""

    def compared() -> tuple[dict[str, Any], dict[str, Any]]:
        admin = cloud.connect()
        network = admin.network.create_network(name="measured")
        subnet = admin.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.9.8.0/28")
        volume = admin.block_storage.create_volume(size=1, name="measured")
        try:
            admin.block_storage.wait_for_status(volume, "available", wait=120)
            samples = found(cloud)
            networks = list(admin.network.networks())
            listed = {
                "networks": len(networks),
                "ports": len(list(admin.network.ports())),
                "routers": len(list(admin.network.routers())),
                "volumes": len(list(admin.block_storage.volumes(all_projects=True))),
                "images": len(list(admin.image.images())),
                "flavors": len(list(admin.compute.flavors(is_public=None))),
                "users": len(list(admin.identity.users())),
                "projects": len(list(admin.identity.projects())),
                "balancers": len(list(admin.load_balancer.load_balancers())),
                "servers": {
                    each.id: (each.status, float(nova.STATUSES[each.status]))
                    for each in admin.compute.servers(all_projects=True)
                },
                "volume": (1.0, "available", volume.volume_type),
                "network": ("false", "geneve", subnet.id, str(network.mtu)),
                "addresses": 13.0,
                "quotas": limits(admin),
                "workers": {
                    (each.binary, each.host): each.state == "up"
                    for service in (admin.compute, admin.block_storage)
                    for each in service.services()
                },
                "ids": {
                    "server": {each.id for each in admin.compute.servers(all_projects=True)},
                    "volume": {each.id for each in admin.block_storage.volumes(all_projects=True)},
                    "port": {each.id for each in admin.network.ports()},
                    "balancer": {each.id for each in admin.load_balancer.load_balancers()},
                },
                "topology": {each.id: each.is_router_external for each in networks},
                "agents": {
                    (each.binary, each.host): float(each.state == "up") for each in admin.compute.services()
                },
            }
            (size,) = (
                (gib, labels["status"], labels["volume_type"])
                for labels, gib in samples["openstack_cinder_volume_gb"]
                if labels["id"] == volume.id
            )
            (made,) = (
                (each["is_external"], each["provider_network_type"], each["subnets"], each["mtu"])
                for each, _ in samples["openstack_neutron_network"]
                if each["id"] == network.id
            )
            (free,) = (
                total
                for labels, total in samples["openstack_neutron_network_ip_availabilities_total"]
                if labels["network_id"] == network.id
            )
            measured = {
                "networks": value(samples, "openstack_neutron_networks"),
                "ports": value(samples, "openstack_neutron_ports"),
                "routers": value(samples, "openstack_neutron_routers"),
                "volumes": value(samples, "openstack_cinder_volumes"),
                "images": value(samples, "openstack_glance_images"),
                "flavors": value(samples, "openstack_nova_flavors"),
                "users": value(samples, "openstack_identity_users"),
                "projects": value(samples, "openstack_identity_projects"),
                "balancers": value(samples, "openstack_loadbalancer_total_loadbalancers"),
                "servers": {
                    labels["id"]: (labels["status"], number)
                    for labels, number in samples["openstack_nova_server_status"]
                },
                "volume": size,
                "network": made,
                "addresses": free,
                "workers": {(each.kind, each.host): each.alive for each in objects.workers(cloud.site)},
                "ids": {
                    kind: {each.id for each in objects.last(cloud.site, kind, 1000)} for kind in objects.KINDS
                },
                "topology": {each.id: each.external for each in topology.now(cloud.site).networks},
                "quotas": {
                    (name, labels.get("type")): number
                    for name, _ in limits(admin)
                    for labels, number in samples[name]
                    if labels["tenant_id"] == admin.current_project_id and labels.get("type") != "reserved"
                },
                "agents": {
                    (labels["service"], labels["hostname"]): alive
                    for labels, alive in samples["openstack_nova_agent_state"]
                },
            }
            return listed, measured
        finally:
            admin.block_storage.delete_volume(volume)
            admin.network.delete_network(network)

    listed, measured = cloud.run(compared)
    assert measured == listed


def test_what_was_deleted_counts_in_the_months_usage(cloud: Cloud) -> None:
    def counted() -> None:
        admin = cloud.connect()
        project = admin.current_project_id

        def hours() -> float:
            _, found = cloud.observing.usage()
            return sum(each.used["volume_gib_hours"] for each in found if each.project == project)

        before = hours()
        volume = admin.block_storage.create_volume(size=5, name="counted")
        admin.block_storage.wait_for_status(volume, "available", wait=120)
        # Records are in whole seconds, and when it was deleted is rounded down.
        second = 5 / 3600
        wanted = before + 2 * second
        until("its first seconds to count", lambda: ((now := hours()) > wanted, str(now)), seconds=60)
        while_there = hours()
        admin.block_storage.delete_volume(volume)
        admin.block_storage.wait_for_delete(volume, wait=120)
        assert hours() >= while_there - second

    cloud.run(counted)
