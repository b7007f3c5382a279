"""Metrics of resources: openstack-exporter's names and labels, and what is served when a database does not answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client.metrics_core import Metric as Family

from hosts.conftest import views
from onestack.core.errors import PermanentError
from onestack.observe import exporter
from onestack.observe.resources import missing, quotas, read
from onestack.observe.resources.metric import Group, Metric
from onestack.platform.site import Site

# From openstack-exporter's source (exporters/*.go) as of 2026: what it has for these services, but for what
# docs/operate.md lists as missing.
OF_HOST = "hostname availability_zone aggregates"
OF_SUBNET = "network_id network_name ip_version cidr subnet_name project_id"
OF_PROVIDER = "hostname resourcetype"
NAMES = {
    "openstack_nova_flavors": "",
    "openstack_nova_flavor": "id name vcpus ram disk is_public",
    "openstack_nova_availability_zones": "",
    "openstack_nova_total_vms": "",
    "openstack_nova_running_vms": f"{OF_HOST} tenant_id",
    "openstack_nova_server_status": "id status name tenant_id user_id address_ipv4 address_ipv6 host_id"
    " hypervisor_hostname uuid availability_zone flavor_id instance_libvirt",
    "openstack_nova_server_local_gb": "name id tenant_id",
    "openstack_nova_agent_state": "id hostname service adminState zone disabledReason",
    "openstack_nova_current_workload": OF_HOST,
    "openstack_nova_vcpus_available": OF_HOST,
    "openstack_nova_vcpus_used": OF_HOST,
    "openstack_nova_memory_available_bytes": OF_HOST,
    "openstack_nova_memory_used_bytes": OF_HOST,
    "openstack_nova_local_storage_available_bytes": OF_HOST,
    "openstack_nova_local_storage_used_bytes": OF_HOST,
    "openstack_nova_free_disk_bytes": OF_HOST,
    **dict.fromkeys(
        (
            f"openstack_nova_limits_{what}_{kind}"
            for what in ("vcpus", "memory", "instances")
            for kind in ("max", "used")
        ),
        "tenant tenant_id",
    ),
    **dict.fromkeys(
        (f"openstack_nova_quota_{each}" for each in quotas.NOVA_DEFAULTS), "type tenant tenant_id"
    ),
    **dict.fromkeys(
        (f"openstack_neutron_quota_{each}" for each in quotas.NEUTRON_DEFAULTS), "type tenant tenant_id"
    ),
    **dict.fromkeys(
        (
            f"openstack_cinder_limits_{what}_gb"
            for what in ("volume_max", "volume_used", "backup_max", "backup_used")
        ),
        "tenant tenant_id",
    ),
    "openstack_cinder_volume_type_quota_gigabytes": "tenant tenant_id volume_type",
    "openstack_neutron_floating_ips": "",
    "openstack_neutron_floating_ips_associated_not_active": "",
    "openstack_neutron_floating_ip": "id floating_network_id router_id status project_id floating_ip_address",
    "openstack_neutron_networks": "",
    "openstack_neutron_network": "id tenant_id status name is_shared is_external provider_network_type"
    " provider_physical_network provider_segmentation_id subnets tags mtu",
    "openstack_neutron_security_groups": "",
    "openstack_neutron_subnets": "",
    "openstack_neutron_subnet": "id tenant_id name network_id cidr gateway_ip enable_dhcp dns_nameservers tags",
    "openstack_neutron_ports": "",
    "openstack_neutron_ports_no_ips": "",
    "openstack_neutron_ports_lb_not_active": "",
    "openstack_neutron_port": "uuid network_id mac_address device_owner device_id status binding_vif_type"
    " admin_state_up fixed_ips",
    "openstack_neutron_routers": "",
    "openstack_neutron_routers_not_active": "",
    "openstack_neutron_router": "id name project_id admin_state_up status external_network_id",
    "openstack_neutron_network_ip_availabilities_total": OF_SUBNET,
    "openstack_neutron_network_ip_availabilities_used": OF_SUBNET,
    "openstack_cinder_volumes": "",
    "openstack_cinder_snapshots": "",
    "openstack_cinder_volume_gb": "id name status availability_zone bootable tenant_id user_id volume_type server_id",
    "openstack_cinder_volume_status": "id name status bootable tenant_id size volume_type server_id",
    "openstack_cinder_volume_status_counter": "status",
    "openstack_cinder_agent_state": "uuid hostname service adminState zone disabledReason",
    "openstack_glance_images": "",
    "openstack_glance_image_bytes": "id name tenant_id",
    "openstack_glance_image_created_at": "id name tenant_id visibility hidden status",
    "openstack_identity_domains": "",
    "openstack_identity_domain_info": "description enabled id name",
    "openstack_identity_users": "",
    "openstack_identity_groups": "",
    "openstack_identity_projects": "",
    "openstack_identity_project_info": "is_domain description domain_id enabled id name parent_id tags",
    "openstack_identity_regions": "",
    "openstack_placement_resource_total": OF_PROVIDER,
    "openstack_placement_resource_allocation_ratio": OF_PROVIDER,
    "openstack_placement_resource_reserved": OF_PROVIDER,
    "openstack_placement_resource_usage": OF_PROVIDER,
    "openstack_placement_resource_generation": OF_PROVIDER,
    "openstack_placement_resource_provider_allocations": f"{OF_PROVIDER} uuid",
    "openstack_loadbalancer_total_loadbalancers": "",
    "openstack_loadbalancer_loadbalancer_status": "id name project_id operating_status provisioning_status provider"
    " vip_address",
    "openstack_loadbalancer_total_amphorae": "",
    "openstack_loadbalancer_total_pools": "",
    "openstack_loadbalancer_pool_status": "id provisioning_status name loadbalancers protocol lb_algorithm"
    " operating_status project_id",
}
VPN = "endpoint_groups ike_policies ipsec_policies services service siteconnections siteconnection"
NO_QUOTA = (
    "fixed_ips floating_ips security_group_rules security_groups injected_file_content_bytes injected_file_path_bytes"
    " injected_files"
)
MISSING = {
    "openstack_nova_security_groups",
    *(f"openstack_nova_quota_{each}" for each in NO_QUOTA.split()),
    *(f"openstack_neutron_vpn_{each}" for each in VPN.split()),
    *(f"openstack_neutron_subnets_{each}" for each in ("total", "used", "free")),
    "openstack_neutron_agent_state",
    "openstack_neutron_l3_agent_of_router",
    "openstack_cinder_pool_capacity_free_gb",
    "openstack_cinder_pool_capacity_total_gb",
    "openstack_loadbalancer_amphora_status",
}
"""The others in its lists `default…Metrics` for these services, of its commit a94a54f."""
DOCS = Path(__file__).parents[2] / "docs/monitoring.md"
GROUP = Group("compute", "openstack_nova", (Metric("server", "A server; 1.", "SELECT 1", ("name", "host")),))


def test_names_and_labels_are_openstack_exporters() -> None:
    found = {
        f"{group.prefix}_{each.name}": " ".join(each.labels)
        for group in read.GROUPS
        for each in group.metrics
        if not each.prefix
    }
    assert found == NAMES


def test_the_rest_of_its_names_is_listed_with_reasons() -> None:
    assert not NAMES.keys() & missing.MISSING.keys()
    assert missing.MISSING.keys() == MISSING
    assert all(missing.MISSING.values())
    text = DOCS.read_text()
    assert missing.table() in text, "renew it: python -m onestack.observe.resources.missing"


def samples(found: list[Family]) -> dict[str, list[tuple[dict[str, str], float]]]:
    return {each.name: [(one.labels, one.value) for one in each.samples] for each in found}


def test_a_row_is_a_sample() -> None:
    output = 'server\t["a\\tb \\"c\\"", null, 2]\nserver\t["d", 7, null]\n'
    assert samples(read.families(GROUP, output)) == {
        "openstack_nova_server": [({"name": 'a\tb "c"', "host": ""}, 2.0), ({"name": "d", "host": "7"}, 0.0)]
    }


@pytest.mark.parametrize("line", ["ERROR 1054: no such column", 'other\t["a", 1]', "server\tnothing"])
def test_what_is_no_row_is_an_error(line: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        read.families(GROUP, line)


def test_a_service_that_cannot_be_read_is_said_and_others_are_served() -> None:
    def inside(words: list[str], text_in: str, seconds: float) -> str:
        if "nova." in text_in:
            raise PermanentError("Unknown column 's.vm_state'")
        return "networks\t[3]\n"

    site = cast(Site, SimpleNamespace(leader=SimpleNamespace(inside=inside), view=views()["c1"]))
    wanted = [each for each in read.groups(site) if each.service in ("compute", "network")]
    found = samples(read.read(site, wanted))
    assert found["openstack_nova_up"] == [({}, 0.0)]
    assert "openstack_nova_total_vms" not in found
    assert found["openstack_neutron_up"] == [({}, 1.0)]
    assert found["openstack_neutron_networks"] == [({}, 3.0)]


def test_only_services_of_the_cloud_are_read() -> None:
    view = SimpleNamespace(cloud=SimpleNamespace(services={"identity", "image"}))
    found = read.groups(cast(Site, SimpleNamespace(view=view)))
    assert [each.prefix for each in found] == ["openstack_glance", "openstack_identity"]


def test_an_old_reading_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = read.Reader(cast(Any, None))
    reader._found, reader._read_at = b"openstack_nova_up 1.0\n", 1000.0
    for seconds, served in ((read.OLDEST - 1, 1), (read.OLDEST + 1, 0)):
        monkeypatch.setattr(read.time, "monotonic", lambda seconds=seconds: 1000.0 + seconds)
        assert len(reader.text().splitlines()) == served


def test_they_are_in_the_answer_to_a_scrape() -> None:
    answer = exporter.text(None, {}, 0.0, [read.up(GROUP, True)]).decode()
    assert "openstack_nova_up 1.0" in answer
