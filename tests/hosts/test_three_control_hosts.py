"""Three control hosts: what each runs, how its processes reach databases and bus, and how clusters are formed."""

from __future__ import annotations

from graphlib import TopologicalSorter
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from hosts.conftest import ADDRESS, Views, replicated, views
from onestack.core import contract
from onestack.health import quorum
from onestack.health.quorum import Quorum
from onestack.platform import between_hosts, catalogue, connect, graph, layout, places, stop_order
from onestack.platform.infrastructure import galera, gateway, mariadb, ovn, ovn_databases, virtual_address
from onestack.platform.services import CATALOGUE
from onestack.platform.services._common import DATABASES
from onestack.platform.services.identity import BOOTSTRAP
from onestack.platform.shape import Form, leader, local
from onestack.platform.trees import trees
from onestack.platform.view import View
from onestack.spec.platform import Platform
from services.test_declarations import read

if TYPE_CHECKING:
    from onestack.platform.site import Site

CONTROL = ("c1", "c2", "c3")
CLUSTERS = {"mariadb", "database-check", "database-gateway", "rabbitmq", "epmd", "ovn-databases"}


@pytest.fixture
def three() -> Views:
    return replicated()


def names(view: View) -> set[str]:
    return {each.name for each in layout.processes(view)}


def test_each_control_host_has_the_apis_and_a_member_of_each_cluster(three: Views) -> None:
    for host in CONTROL:
        assert names(three[host]) >= {
            *CLUSTERS,
            *(
                "keepalived",
                "api-gateway",
                "ovn-northd",
                "keystone",
                "placement",
                "neutron",
                "nova",
                "horizon",
            ),
        }
    assert not names(three["n1"]) & {*CLUSTERS, "keepalived", "api-gateway", "keystone"}


def test_apis_are_on_each_control_host_and_what_has_data_on_one_is_there_alone(three: Views) -> None:
    for host in CONTROL:
        mine = {each.name: each for each in layout.processes(three[host])}
        assert {"glance", "cinder", "octavia"} <= set(mine)
        for name in ("cinder", "octavia"):
            workers = mine[name].environment.get(contract.WORKERS)
            assert workers == (None if host == "c1" else contract.API_ONLY), (host, name)
        assert {"prometheus"} & set(mine) == ({"prometheus"} & names(three["c1"]) if host == "c1" else set())
        own = {each.name for each in layout.steps(three[host])} | set(mine)
        missing = {each.name for each in mine["cinder"].needs if each.where == "local"} - own
        assert not missing, "what only the leader does is not waited for elsewhere"
    for service in CATALOGUE.values():
        if service.endpoint:
            (process,) = (each for each in service.processes(three["c1"]) if each.name == service.name)
            assert service.endpoint.scope == process.scope, service.name


def backend(view: View, name: str) -> list[str]:
    """The lines of one of the API gateway's backends."""
    text = layout.files(view)["api-gateway/haproxy.cfg"]
    return [
        line.strip() for line in text.partition(f"\nbackend {name}\n")[2].partition("\n\n")[0].splitlines()
    ]


def test_a_request_waits_for_an_exchange_only_where_no_other_host_has_the_service(three: Views) -> None:
    assert backend(views()["c1"], "nova")[0] == "http-request lua.await /run/api/nova.sock"
    assert not [line for host in CONTROL for line in backend(three[host], "nova") if "await" in line]


@pytest.mark.parametrize("name", ["glance", "cinder", "octavia"])
def test_the_leader_is_asked_first_for_what_has_data_there(three: Views, name: str) -> None:
    for host in CONTROL:
        servers = [line for line in backend(three[host], name) if line.startswith("server ")]
        first = [line.split()[1] for line in servers if not line.endswith(" backup")]
        assert first == ([name] if host == "c1" else ["c1"])
        assert [line.split()[1] for line in servers] == [name, *(each for each in CONTROL if each != host)]
    keystone = [line for line in backend(three["c2"], "keystone") if line.startswith("server ")]
    assert [line.split()[1] for line in keystone if not line.endswith(" backup")] == ["keystone"]


def test_what_needs_the_leaders_disk_is_refused_without_it(three: Views) -> None:
    glance, cinder = (
        [line for line in backend(three["c2"], name) if line.startswith("http-request return")]
        for name in ("glance", "cinder")
    )
    assert all("status 503" in line and "c1 does not answer" in line for line in (*glance, *cinder))
    assert cinder[0].endswith("if { method POST PUT PATCH DELETE } !{ srv_is_up(cinder/c1) }")
    assert glance[0].endswith(
        "if { path_reg ^/image/v2/images/[^/]+/(file|stage|import)$ } !{ srv_is_up(glance/c1) }"
    )
    own = backend(three["c1"], "cinder")
    assert "use-server cinder if { method POST PUT PATCH DELETE }" in own, "never by another host's API"
    assert not [line for line in own if "status 503" in line]


def test_one_control_host_has_none_of_it(hosts: Views) -> None:
    mine = {each.name: each for each in layout.processes(hosts["c1"])}
    assert not {"database-check", "database-gateway", "ovn-databases", "keepalived"} & set(mine)
    assert mine["mariadb"].tree == ""
    text = "".join(layout.files(hosts["c1"]).values())
    for word in ("wsrep", "classic_config", "transparent", "verifyhost", "inetrc"):
        assert word not in text, word


def test_services_reach_the_database_by_their_hosts_gateway(three: Views) -> None:
    for host in CONTROL:
        url = three[host].database_url("nova", "nova")
        assert "unix_socket=/run/database/mysql.sock" in url
        assert "&connect_timeout=5" in url, "the gateway does not close what has not been greeted"
        text = layout.files(three[host])["database-gateway/haproxy.cfg"]
        members = [
            line.split()[1]
            for line in text.splitlines()
            if line.startswith("    server c") and ":3306" in line
        ]
        assert members == list(CONTROL), "the same order on each host, so that all use the same member"
        assert text.count(" backup") == 2


def test_the_bus_and_ovn_are_known_by_all_members_the_own_one_first(three: Views) -> None:
    backing = three["c2"].backing
    assert backing.transport_url == (
        "rabbit://c2:secret-of-bus-c2@192.0.2.12:5671,c2:secret-of-bus-c2@192.0.2.11:5671,"
        "c2:secret-of-bus-c2@192.0.2.13:5671/nova"
    )
    assert backing.ovn_north == "ssl:192.0.2.12:6641,ssl:192.0.2.11:6641,ssl:192.0.2.13:6641"
    assert backing.ovn_south == backing.ovn_north, "with all rights: Neutron and ovn-northd write to it"
    assert three["n1"].backing.ovn_south == "ssl:192.0.2.11:6642,ssl:192.0.2.12:6642,ssl:192.0.2.13:6642"
    ml2 = read(layout.files(three["c2"])["neutron/ml2_conf.ini"])["ovn"]
    assert ml2["ovn_nb_private_key"] == ml2["ovn_sb_private_key"] == "/etc/onestack/tls/host.key"


def test_open_vswitchs_own_database_is_not_open_to_other_hosts(three: Views) -> None:
    for view in three.values():
        (switch,) = (each for each in layout.processes(view) if each.name == "ovsdb")
        assert not [word for word in switch.command if "ssl" in word or "ovnsb" in word]
    assert ovn_databases.access(three["c1"])[-2:] == ["role=ovn-controller", "pssl:6642:0.0.0.0"]
    assert 'external_ids:ovn-remote="ssl:192.0.2.12' in " ".join(ovn.settings(three["c2"]))


def test_guests_metadata_and_apis_are_at_the_virtual_address(three: Views) -> None:
    agent = read(layout.files(three["n1"])["neutron/neutron.conf"])["DEFAULT"]
    assert (agent["nova_metadata_host"], agent["nova_metadata_protocol"]) == (ADDRESS, "https")
    text = layout.files(three["c3"])["api-gateway/haproxy.cfg"]
    assert f"bind {ADDRESS}:8775 transparent ssl" in text
    assert f"bind {ADDRESS}:8443 transparent ssl" in text


def servers(text: str, backend: str) -> list[str]:
    lines = text[text.index(f"backend {backend}\n") :].split("\n\n")[0].splitlines()
    return [line for line in lines if line.startswith("    server ")]


def test_an_api_gateway_uses_its_own_hosts_processes_first(three: Views) -> None:
    text = layout.files(three["c2"])["api-gateway/haproxy.cfg"]
    keystone = servers(text, "keystone")
    assert [line.split()[1] for line in keystone] == ["keystone", "c1", "c3"]
    assert [line.endswith(" backup") for line in keystone] == [False, True, True]
    assert "use-server keystone if { nbsrv(keystone) eq 0 }" in text, "it may start right now"
    (here,) = (part for part in text.split("\n\n") if part.startswith("backend glance-here\n"))
    assert "c1" not in here, "another gateway must not be sent back"


def test_only_control_hosts_reach_what_is_among_them(three: Views) -> None:
    table = between_hosts.rules(three["c2"], "t")
    (line,) = (each for each in table.splitlines() if "4567" in each)
    assert "saddr != { 192.0.2.11, 192.0.2.12, 192.0.2.13 }" in line
    assert {str(port) for port in between_hosts.AMONG_CONTROL} <= set(line.replace(",", "").split())
    (everywhere,) = (each for each in table.splitlines() if "iifname" in each)
    assert "192.0.2.14" in everywhere and "{ 6642 }" in everywhere
    assert "4567" not in between_hosts.rules(three["n1"], "t")


@pytest.mark.parametrize(
    ("states", "chosen"),
    [
        ({"c1": "", "c2": "", "c3": ""}, "c1"),
        ({"c1": "00000000-0000-0000-0000-000000000000:-1", "c2": "", "c3": ""}, "c1"),
        ({"c1": "", "c2": "8ed41d2b-0000-0000-0000-000000000000:12", "c3": ""}, "c2"),
        (
            {
                f"c{n}": f"8ed41d2b-0000-0000-0000-000000000000:{seqno}"
                for n, seqno in ((1, 9), (2, 9), (3, 10))
            },
            "c3",
        ),
        ({f"c{n}": "8ed41d2b-0000-0000-0000-000000000000:9" for n in (1, 2, 3)}, "c1"),
        ({"c1": "8ed41d2b-0000-0000-0000-000000000000:9", "c2": galera.MEMBER, "c3": galera.MEMBER}, None),
    ],
)
def test_the_newest_data_begin_the_cluster(states: dict[str, str], chosen: str | None) -> None:
    assert galera.choose(states, "c1") == chosen


def test_ovn_begins_with_the_databases_that_there_are() -> None:
    assert ovn_databases.choose({"c1": "", "c2": "", "c3": ""}, "c1") == "c1"
    assert ovn_databases.choose({"c1": "", "c2": ovn_databases.ALONE, "c3": ""}, "c1") == "c2"
    assert ovn_databases.choose({"c1": "", "c2": ovn_databases.MEMBER, "c3": ""}, "c1") is None


def test_every_dependency_is_there_and_they_have_an_order(three: Views) -> None:
    there = {
        name: [each.name for each in (*layout.processes(view), *layout.steps(view))]
        for name, view in three.items()
    }
    lead = three["c1"]
    tasks: dict[str, tuple[str, ...]] = {
        layout.at(DATABASES, "c1"): layout.resolve(leader(*mariadb.serving(lead)), "c1", "c1", there),
        layout.at(BOOTSTRAP, "c1"): (layout.at(DATABASES, "c1"),),
    }
    for service in catalogue.infrastructure(lead):
        if service.form:
            needs = layout.resolve(service.form.needs, "c1", "c1", there)
            tasks[layout.at(Form.task(service.name), "c1")] = needs
    for name, view in three.items():
        for one in (*layout.processes(view), *layout.steps(view)):
            tasks[layout.at(one.name, name)] = layout.resolve(one.needs, name, "c1", there)
    for task, before in graph.in_turn(lead, CONTROL).items():
        tasks[task] += before
    assert not {need for needs in tasks.values() for need in needs} - set(tasks)
    order = list(TopologicalSorter(tasks).static_order())
    assert order.index("form galera@c1") < order.index("mariadb@c2")
    assert order.index("mariadb@c1") < order.index("mariadb@c2") < order.index("mariadb@c3")
    assert order.index("keepalived@c1") < order.index("keystone@c3")
    for view in three.values():
        assert stop_order.rows(layout.processes(view), layout.steps(view))


def test_processes_run_in_trees_that_control_hosts_have(three: Views) -> None:
    for view in three.values():
        there = {"", *trees(Platform(), view.here.roles, several=True, replicated=True)}
        assert {each.tree for each in layout.processes(view)} <= there
    assert {each.name for each in layout.processes(three["c2"]) if each.tree == galera.TREE} == {
        "mariadb",
        virtual_address.NAME,
    }


def test_keepalived_sends_to_the_other_control_hosts_alone(three: Views) -> None:
    text = virtual_address.configuration(three["c2"], "eth0")
    assert "unicast_src_ip 192.0.2.12" in text
    assert "unicast_peer {\n    192.0.2.11\n    192.0.2.13\n  }" in text
    assert f"{ADDRESS}/32 dev eth0" in text
    assert "nopreempt" in text
    assert "vrrp_rt_priority" in text, "a busy host would lose the address"
    needs = {need for each in virtual_address.processes(three["c2"]) for need in each.needs}
    assert {*local(gateway.NAME), *leader(mariadb.NAME)} <= needs


def test_a_host_without_the_majority_does_not_have_the_address(three: Views) -> None:
    text = layout.files(three["c2"])["api-gateway/haproxy.cfg"]
    front = text[text.index("frontend alive\n") :].split("\n\n")[0]
    assert f"bind 127.0.0.1:{places.ALIVE_PORT}" in front
    assert "monitor fail if { nbsrv(majority) lt 1 }" in front
    assert f"unix@{galera.CHECK_SOCKET} check" in text[text.index("backend majority\n") :].split("\n\n")[0]
    assert "frontend alive" not in layout.files(views()["c1"])["api-gateway/haproxy.cfg"]


OVN_STATUS = """\
8d1e
Name: OVN_Northbound
Cluster ID: 2f0a (2f0aa44c-8c0e-4d4c-9c0e-1ce5b6d2c0aa)
Status: cluster member
Role: follower
Leader: {leader}
Connections: ->1f2a <-1f2a (->77c0)
Servers:
    8d1e (8d1e at ssl:192.0.2.11:6643) (self)
    1f2a (1f2a at ssl:192.0.2.12:6643)
    77c0 (77c0 at ssl:192.0.2.13:6643)
"""


def test_ovns_members_are_counted() -> None:
    assert ovn_databases.connected(OVN_STATUS.format(leader="1f2a")) == 2
    assert ovn_databases.connected(OVN_STATUS.format(leader="unknown")) == 0


def test_status_says_what_one_more_loss_would_cost() -> None:
    found = [
        Quorum("galera", 3, 3),
        Quorum("rabbitmq", 2, 3),
        Quorum("ovn-databases", 0, 3),
        Quorum("a", 4, 5),
    ]
    assert quorum.reasons(found) == [
        "rabbitmq has 2 of 3 members: the next loss stops it",
        "ovn-databases has 0 of 3 members, no majority: it stands still",
        "a has 4 of 5 members: it can lose 1 more",
    ]


def test_up_sends_a_request_again_that_no_api_took() -> None:
    for view, retries in ((replicated()["c1"], connect.RETRIES), (views()["c1"], None)):
        site = SimpleNamespace(
            view=view,
            gateway=view.cloud.gateway,
            ca_file=None,
            leader=SimpleNamespace(network=None),
            here=SimpleNamespace(network=None),
            require_leader=lambda: None,
        )
        made = connect.connection(cast("Site", site))
        assert made.config.get_status_code_retries("network") == retries


def test_members_of_mariadb_join_one_after_another(three: Views) -> None:
    assert graph.in_turn(three["c1"], CONTROL) == {
        "mariadb@c2": ("mariadb@c1", f"{DATABASES}@c1"),
        "mariadb@c3": ("mariadb@c2", f"{DATABASES}@c1"),
    }
    assert set(graph.in_turn(three["c1"], ("c1", "c3"))) == {"mariadb@c3"}, "c2 is away"


def test_one_control_host_waits_for_no_turn(hosts: Views) -> None:
    assert graph.in_turn(hosts["c1"], ("c1",)) == {}
