"""Templates, variables, counts; what names what."""

from __future__ import annotations

import pytest

from onestack import spec
from onestack.spec import BadSpec

WHOLE = """\
version: 1
variables: {size: m1.nano, how_many: 2}
templates:
  - name: base
    quota: {compute: {instances: 20, cores: 40}}
    users: [{name: "${tenant}-admin", roles: [member]}]
    networks: [{name: front, subnets: [{cidr: "10.${index}.0.0/24"}]}]
  - name: standard
    like: base
    servers:
      - {name: web, count: "${how_many}", image: tiny, flavor: "${size}", networks: [{network: front}]}
tenants:
  - {name: team, count: 2, like: standard, quota: {compute: {cores: 8}}}
  - name: solo
    networks: [{name: "n-${index}", count: 2}]
"""


def test_templates_variables_and_counts_are_worked_in() -> None:
    found = spec.loads(WHOLE, "cloud.yaml")
    assert [tenant.name for tenant in found.tenants] == ["team-1", "team-2", "solo"]
    second = found.tenants[1]
    assert second.quota.compute.instances == 20
    assert second.quota.compute.cores == 8
    assert [user.name for user in second.users] == ["team-2-admin"]
    assert str(second.networks[0].subnets[0].cidr) == "10.2.0.0/24"
    assert [(server.name, server.flavor) for server in second.servers] == [
        ("web-1", "m1.nano"),
        ("web-2", "m1.nano"),
    ]
    assert [network.name for network in found.tenants[2].networks] == ["n-1", "n-2"]


def test_a_value_from_a_template_knows_its_line() -> None:
    found = spec.loads(WHOLE, "cloud.yaml")
    assert found.place_of("tenants", 1, "quota", "compute", "instances").line == 5
    assert found.place_of("tenants", 1, "quota", "compute", "cores").line == 13
    assert found.place_of("tenants", 0, "servers", 1, "flavor").line == 11


def test_what_was_worked_in_can_be_written_and_read_again() -> None:
    found = spec.loads(WHOLE, "cloud.yaml")
    assert spec.loads(found.model_dump_json(exclude_unset=True)) == found


def refusal(text: str) -> list[str]:
    with pytest.raises(BadSpec) as raised:
        spec.loads(text, "cloud.yaml")
    return [str(one) for one in raised.value.diagnostics]


def test_a_mistake_in_a_template_is_reported_once() -> None:
    said = refusal(WHOLE.replace("[member]", "[membr]"))
    assert len(said) == 1, said
    said = refusal(WHOLE.replace("instances: 20", "instances: many"))
    assert len(said) == 1, said
    assert said[0].startswith("cloud.yaml:5:")


NET = "tenants:\n  - name: a\n    networks: [{name: front, subnets: [{cidr: 10.0.0.0/24}]}]\n"
SERVER = NET + "    servers: [{name: s, image: tiny, flavor: m1.nano, networks: [{network: front}]}]\n"


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        (WHOLE.replace("like: base", "like: bose"), "9", ("no template 'bose'", "'base'?")),
        (WHOLE.replace("like: base", "like: standard"), "9", ("'standard' refers to itself",)),
        (WHOLE.replace("${size}", "${sze}"), "11", ("no variable 'sze'", "'size'?")),
        (NET.replace("name: a", "name: a${index}"), "2:11", ("'index' here: it is defined only",)),
        (
            SERVER.replace("network: front", "network: frnt"),
            "4",
            ("no 'frnt' among the networks", "'front'?"),
        ),
        (SERVER.replace("m1.nano", "m1.naon"), "4", ("no 'm1.naon' among the flavors", "'m1.nano'?")),
        (SERVER.replace("image: tiny, ", ""), "4", ("boots from exactly one source",)),
        (SERVER.replace("flavor: m1.nano, ", ""), "4", ("the key 'flavor' is missing",)),
        (SERVER.replace("name: s,", "name: s, colour: red,"), "4", ("unknown key 'colour'",)),
        (SERVER.replace("name: s,", "name: s, state: on,"), "4", ("'state' cannot be 'on'", "running")),
        (SERVER.replace("name: s,", "name: s, count: 0,"), "4", ("'count' is too small",)),
        (SERVER.replace("name: s,", "name: a/b,"), "4", ("'a/b' is not valid",)),
        (SERVER.replace("name: s,", "name: s, keypair: k,"), "4", ("no 'k' among the keypairs",)),
        (SERVER.replace("network: front", "address: 10.0.0.5"), "4", ("a network or a port",)),
        (NET.replace("10.0.0.0/24", "10.0.0.7/24"), "3", ("host bits", "10.0.0.0/24")),
        (NET.replace("10.0.0.0/24", "10.0.0.0"), "3", ("no prefix length",)),
        (NET.replace("cidr: 10", "gateway: 10.9.9.1, cidr: 10"), "3", ("not in the subnet",)),
        (NET + "  - name: a\n", "4:11", ("two tenants have the name 'a'", "line 2")),
        (NET.replace("[{name: front", "[{name: front}, {name: front"), "3", ("two networks",)),
        (NET.replace("name: a", "name: a\n    like: x"), "3", ("no template 'x'", "templates")),
        (NET + "    users: [{name: u, password: secret1}]\n", "4", ("never written into the file",)),
        (NET + "    users: [{name: u, roles: [membr]}]\n", "4", ("no 'membr' among the roles", "'member'?")),
        (NET + "    groups: [{name: g, users: [u]}]\n", "4", ("no 'u' among the users",)),
        (NET + "    quota: {compute: {servers: 1}}\n", "4", ("unknown key 'servers'", "instances")),
        (NET + "    quota: {compute: {cores: -2}}\n", "4", ("too small: -2",)),
        (NET + "    quota: {instances: 2}\n", "4", ("unknown key 'instances'", "compute.instances")),
        (NET + "    domain: acme\n", "4:13", ("no 'acme' among the domains", "Default")),
        (NET + "    routers: [{name: r, external: publc}]\n", "4", ("'publc'", "'public'?")),
        (NET + "    security_groups: [{name: w, rules: [{ports: 80}]}]\n", "4", ("without a protocol",)),
        (
            NET + "    security_groups: [{name: w, rules: [{protocol: tcp, ports: 80-70}]}]\n",
            "4",
            ("not a port or a range",),
        ),
        (
            NET + "    security_groups: [{name: w, rules: [{cidr: 10.0.0.0/8, group: w}]}]\n",
            "4",
            ("both 'cidr' and 'group'",),
        ),
        (NET + "    images: [{name: i, file: i.qcow2}]\n", "4", ("not an absolute path",)),
        (NET + "    volumes: [{name: v, size: 0}]\n", "4", ("'size' is too small",)),
        (NET + "    volumes: [{name: v, size: 1, image: tiny, source: v}]\n", "4", ("both 'image'",)),
        (NET + "    snapshots: [{name: v, volume: x}]\n", "4", ("no 'x' among the volumes",)),
        (NET + "    floating_ips: [{name: f, port: p}]\n", "4", ("no 'p' among the ports",)),
        (NET + "    load_balancers: [{name: l, network: front, vip: 1}]\n", "4", ("unknown key 'vip'",)),
        (
            NET
            + "    load_balancers: [{name: l, network: front, listeners: [{name: h, port: 80, pool: p}]}]\n",
            "4",
            ("no 'p' among the pools",),
        ),
        ("flavors: [{name: f, vcpus: 1}]\n", "1", ("'ram' is missing",)),
        ("networks: [{name: n, type: vlan}]\n", "1", ("without 'physical_network'",)),
        ("tenants: {a: {}}\n", "1", ("'tenants' cannot be a mapping",)),
        ("tenant: []\n", "1:1", ("unknown key 'tenant'", "'tenants'?")),
        ("variables: [a]\ntenants: []\n", "1", ("'variables' is a mapping",)),
        ("servers: []\n", "1:1", ("unknown key 'servers'", "'tenants.servers'?")),
    ],
)
def test_says_what_and_where(text: str, place: str, says: tuple[str, ...]) -> None:
    said = refusal(text)
    matching = [
        one for one in said if one.startswith(f"cloud.yaml:{place}:") and all(part in one for part in says)
    ]
    assert matching, said


def test_a_volume_may_be_of_the_type_that_each_backend_has() -> None:
    text = """\
platform:
  volumes:
    backends: [{name: fast, driver: lvm, volume_group: vg}, {name: file}]
tenants:
  - name: a
    volumes: [{name: v, size: 1, type: fast}, {name: w, size: 1, type: file}]
"""
    assert [each.type for each in spec.loads(text).tenants[0].volumes] == ["fast", "file"]
    with pytest.raises(spec.BadSpec) as refused:
        spec.loads(text.replace("type: fast", "type: fats"), "cloud.yaml")
    assert "cloud.yaml:6" in refused.value.detail
    assert "did you mean 'fast'" in refused.value.detail or "'fast'?" in refused.value.detail
