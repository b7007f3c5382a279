"""tempest.conf says what this cloud is: its addresses, what it has, what it cannot do."""

import configparser
import re
from dataclasses import replace

import pytest

from onestack.health.verify.tempest import BALANCERS, SMOKE, child_environment, chosen, is_tempests
from onestack.health.verify.tempest_conf import Target, free_network, render

TARGET = Target(
    folder="/var/lib/tempest/run",
    auth_url="http://127.0.0.1:8080/identity/v3",
    username="admin",
    password="pa$$=%(x)s#;word",
    project_name="admin",
    domain_name="Default",
    region="RegionOne",
    services=frozenset({"identity", "image", "placement", "compute", "network"}),
    hosts=("c1",),
    guests=True,
    image="image-id",
    flavor="flavor-id",
    flavor_alt="larger-id",
    external="public-id",
    external_name="public",
    external_cidrs=("172.24.4.0/24",),
)


def test_the_web_page_is_tried_where_there_is_one():
    assert parsed(TARGET)["service_available"]["horizon"] == "false"
    assert "dashboard" not in parsed(TARGET)
    url = "http://127.0.0.1:8080/dashboard/"
    found = parsed(replace(TARGET, dashboard=url))
    assert found["service_available"]["horizon"] == "true"
    assert found["dashboard"]["dashboard_url"] == url


def parsed(target):
    parser = configparser.RawConfigParser()
    parser.read_string(render(target))
    return parser


def test_where_and_who():
    conf = parsed(TARGET)
    assert conf["identity"]["uri_v3"] == "http://127.0.0.1:8080/identity/v3"
    assert conf["auth"]["admin_username"] == "admin"
    # oslo.config reads $$ as $.
    assert conf["auth"]["admin_password"].replace("$$", "$") == "pa$$=%(x)s#;word"
    assert conf["DEFAULT"]["log_file"] == "/var/lib/tempest/run/tempest.log"
    assert "ca_certificates_file" not in conf["identity"]
    assert parsed(replace(TARGET, ca_file="/etc/onestack/ca.pem"))["identity"]["ca_certificates_file"]


def test_the_password_is_in_no_repr():
    assert "word" not in repr(TARGET)


def test_services_that_are_not_there_are_off():
    on = {name for name, value in parsed(TARGET)["service_available"].items() if value == "true"}
    assert {"glance", "nova", "neutron"} <= on
    assert not {"cinder", "swift", "horizon"} & on
    few = parsed(replace(TARGET, services=frozenset({"identity", "image"})))
    assert few["service_available"]["nova"] == "false"
    assert few["auth"]["create_isolated_networks"] == "false"


def test_guests_are_tried_through_floating_ips_when_there_are_any():
    validation = parsed(TARGET)["validation"]
    assert (validation["run_validation"], validation["connect_method"]) == ("true", "floating")
    assert validation["image_ssh_user"] == "root"
    fake = parsed(replace(TARGET, guests=False))
    assert fake["validation"]["run_validation"] == "false"
    assert fake["compute-feature-enabled"]["console_output"] == "false"


def test_extensions_are_those_that_are_there():
    assert parsed(TARGET)["network-feature-enabled"]["api_extensions"] == "all"
    some = parsed(replace(TARGET, extensions=("router", "qos")))
    assert some["network-feature-enabled"]["api_extensions"] == "router,qos"


def test_moving_servers_needs_a_second_host():
    assert parsed(TARGET)["compute-feature-enabled"]["live_migration"] == "false"
    assert "migration_dest_host" not in parsed(TARGET)["compute"]
    two = parsed(replace(TARGET, hosts=("c1", "n1")))
    features, compute = two["compute-feature-enabled"], two["compute"]
    for name in ("live_migration", "cold_migration", "block_migration_for_live_migration"):
        assert features[name] == "true", name
    assert compute["min_compute_nodes"] == "2"
    assert (compute["migration_source_host"], compute["migration_dest_host"]) == ("c1", "n1")


def test_guests_on_volumes_move_where_each_host_reaches_those():
    two = replace(TARGET, hosts=("c1", "n1"))
    assert parsed(two)["compute-feature-enabled"]["volume_backed_live_migration"] == "false"
    shared = replace(two, shared_volumes=True)
    assert parsed(shared)["compute-feature-enabled"]["volume_backed_live_migration"] == "true"


@pytest.mark.parametrize(
    ("test", "wanted"),
    [
        ("tempest.api.compute.admin.test_migrations.M.test_cold_migration[id-4bf0,multinode]", True),
        ("tempest.scenario.test_network_advanced_server_ops.T.test_x[compute,id-a485,multinode,slow]", True),
        (
            "tempest.api.compute.admin.test_live_migration.L.test_live_block_migration[id-1dce,multinode]",
            True,
        ),
        (
            "tempest.api.compute.admin.test_live_migration.L."
            "test_live_block_migration_with_attached_volume[id-e19c,multinode,volume]",
            False,
        ),
        (
            "tempest.scenario.test_instances_with_cinder_volumes.T."
            "test_instances_with_cinder_volumes_on_all_compute_nodes[compute,id-d0e3,multinode,volume]",
            False,
        ),
        ("tempest.api.compute.admin.test_migrations.M.test_list_migrations[id-75c0]", False),
    ],
)
def test_several_hosts_are_tested_where_there_are_some(test, wanted):
    assert bool(re.search(chosen(TARGET.services, True), test)) is wanted
    assert not re.search(chosen(TARGET.services), test)


@pytest.mark.parametrize(
    ("taken", "chosen"),
    [
        ((), "10.100.0.0/16"),
        (("172.24.4.0/24", "2001:db8::/64"), "10.100.0.0/16"),
        (("10.100.7.0/24",), "10.200.0.0/16"),
        (("10.0.0.0/8",), "192.168.128.0/17"),
    ],
)
def test_networks_of_tests_avoid_the_external_one(taken, chosen):
    assert free_network(taken) == chosen


@pytest.mark.parametrize(
    ("test", "chosen"),
    [
        ("tempest.api.image.v2.test_versions.VersionsTest.test_list_versions[id-659e,smoke]", True),
        ("tempest.scenario.test_server_basic_ops.T.test_it[compute,id-7fff,network,smoke]", True),
        ("tempest.api.image.v2.test_versions.VersionsTest.test_other[id-659e]", False),
        ("tempest.api.volume.test_volumes_get.V.test_volume_create[id-54a0,image,smoke]", True),
        ("tempest.api.compute.T.test_smoke_signals[id-54a0]", False),
    ],
)
def test_which_tests_are_chosen(test, chosen):
    import re

    assert bool(re.search(SMOKE, test)) is chosen


def test_tempests_own_projects_are_told_from_others():
    class Project:
        def __init__(self, name, description):
            self.name, self.description = name, description

    assert is_tempests(Project("tempest-PortsTestJSON-12", "tempest-PortsTestJSON-12-desc"))
    assert not is_tempests(Project("tempest-weather", "forecasts"))
    assert not is_tempests(Project("shop", "shop-desc"))


def test_tempest_gets_none_of_the_callers_variables(monkeypatch):
    monkeypatch.setenv("OS_PASSWORD", "secret")
    monkeypatch.setenv("http_proxy", "http://proxy.example")
    variables = child_environment("/var/lib/tempest/run", "/var/lib/tempest/tempest-12345678")
    assert variables["PYTHONPATH"] == "/var/lib/tempest/tempest-12345678"
    assert not {"OS_PASSWORD", "http_proxy"} & set(variables)


def test_balancers_are_tested_where_there_are_any():
    services = TARGET.services | {"load-balancer"}
    providers = (("haproxy", "one HAProxy each"), ("ovn", "OVN's own"))
    conf = parsed(replace(TARGET, services=services, providers=providers))
    assert conf["service_available"]["load_balancer"] == "true"
    assert conf["load_balancer"]["provider"] == "haproxy"
    assert conf["load_balancer"]["enabled_provider_drivers"] == "haproxy:one HAProxy each,ovn:OVN's own"
    assert conf["loadbalancer-feature-enabled"]["not_implemented_is_error"] == "false"
    assert "load_balancer" not in parsed(TARGET).sections()
    assert chosen(TARGET.services) == SMOKE


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("api.v2.test_l7rule.L7RuleAPITest.test_l7rule_create[id-1]", True),
        ("api.v2.test_listener.ListenerAPITest.test_http_listener_create[id-1]", True),
        ("api.v2.test_listener.ListenerAPITest.test_http_listener_create_no_allowed_cidrs[id-1]", False),
        ("api.v2.test_pool.PoolAPITest.test_TCP_LC_pool_list[id-1]", False),
        ("scenario.v2.test_traffic_ops.TrafficOperationsScenarioTest.test_basic_http_traffic[id-1]", False),
    ],
)
def test_which_tests_of_balancers_are_chosen(name, wanted):
    services = TARGET.services | {"load-balancer"}
    assert bool(re.search(BALANCERS, f"octavia_tempest_plugin.tests.{name}")) is wanted
    assert bool(re.search(chosen(services), f"octavia_tempest_plugin.tests.{name}")) is wanted
