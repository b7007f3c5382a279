"""A cloud of clouds.yaml, as a user of it who is no administrator; and the way back, of what was made by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from openstack.connection import Connection

from cloud import inventory, members, volumes
from onestack import Cloud, spec
from onestack.workloads.plan.document import as_data

pytestmark = pytest.mark.cloud

PASSWORD = "not-a-Secret-9"
TENANT = "outer"
USER = "outer-user"


@dataclass(frozen=True)
class Outsider:
    """A user with the role member in one project, and a clouds.yaml."""

    cloud: Cloud
    folder: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of OneStack's with the user's clouds.yaml, and nothing of the cloud's root."""
        argv = self.cloud.network.command([sys.executable, "-m", "onestack.cli", *words])
        own = {"OS_CLIENT_CONFIG_FILE": str(self.folder / "clouds.yaml"), "HOME": str(self.folder)}
        own |= {"XDG_STATE_HOME": str(self.folder / "state")}
        return subprocess.run(
            argv, env={**os.environ, **own}, capture_output=True, text=True, timeout=600, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def succeed(self, *words: str) -> str:
        done = self.run(*words, "--cloud", "other")
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def plan(self, file: Path, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.succeed("plan", str(file), "--json", *words).splitlines()[-1])
        return found

    def connect(self) -> Connection:
        return self.cloud.connect(user=USER, password=PASSWORD, project=TENANT)


@pytest.fixture
def outsider(pretending: Cloud, tmp_path: Path) -> Iterator[Outsider]:
    before = inventory.of(pretending)
    groups: set[str] = set()

    def make() -> None:
        admin = pretending.connect()
        groups.update(each.id for each in admin.network.security_groups())
        project = admin.identity.create_project(name=TENANT, domain_id="default")
        user = admin.identity.create_user(name=USER, domain_id="default", password=PASSWORD)
        role = admin.identity.find_role("member", ignore_missing=False)
        admin.identity.assign_project_role_to_user(project, user, role)

    def unmake() -> None:
        admin = pretending.connect()
        project = admin.identity.find_project(TENANT, ignore_missing=False)
        # Neutron creates a group `default` for each project with a port, also for that of the services.
        for group in admin.network.security_groups():
            if group.id not in groups:
                admin.network.delete_security_group(group)
        admin.identity.delete_user(admin.identity.find_user(USER))
        admin.identity.delete_project(project)

    pretending.run(make)
    auth = {
        "auth_url": f"{pretending.site.gateway}/identity/v3",
        "username": USER,
        "password": PASSWORD,
        "project_name": TENANT,
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    region = pretending.site.view.cloud.region
    content = {"clouds": {"other": {"auth": auth, "region_name": region, "identity_api_version": 3}}}
    (tmp_path / "clouds.yaml").write_text(json.dumps(content))
    yield Outsider(pretending, tmp_path)
    pretending.run(unmake)
    assert inventory.of(pretending) == before


def public_key() -> str:
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def test_its_tenant_comes_and_goes_as_in_a_file(outsider: Outsider) -> None:
    text = f"""\
name: mine
tenants:
  - name: shop
    users: [{{name: somebody, roles: [member]}}]
    quota: {{compute: {{instances: 20}}}}
    networks: [{{name: front, subnets: [{{cidr: 10.46.0.0/24}}]}}]
    routers: [{{name: edge, external: public, networks: [front]}}]
    security_groups: [{{name: web, rules: [{{protocol: tcp, ports: 80}}]}}]
    server_groups: [{{name: apart, policy: soft-anti-affinity}}]
    keypairs: [{{name: laptop, public_key: "{public_key()}"}}]
    volumes: [{{name: data, size: 1}}]
    servers:
      - name: web
        count: 2
        image: tiny
        flavor: m1.nano
        networks: [{{network: front}}]
        security_groups: [web]
        server_group: apart
        keypair: laptop
        floating_ip: public
        user_data: "#!/bin/true"
      - {{name: db, image: tiny, flavor: m1.nano, networks: [{{network: front}}], volumes: [data]}}
"""
    file = outsider.folder / "mine.yaml"
    file.write_text(text)
    planned = outsider.plan(file)
    assert "tenant shop is the project 'outer' of the account" in planned["notes"]
    assert planned["summary"]["destroy"] == 0
    outsider.succeed("apply", str(file), "--yes")
    after = outsider.plan(file)
    assert after["changes"] == []
    outsider.succeed("drift", str(file))

    # One that somebody made by hand stays, whatever its name.
    def by_hand() -> None:
        mine = outsider.connect()
        mine.network.create_network(name="hers")
        mine.network.delete_security_group_rule(
            next(one for one in mine.network.security_group_rules() if one.port_range_min == 80)
        )

    outsider.cloud.run(by_hand)
    drifted = outsider.run("drift", str(file), "--cloud", "other", "--json")
    assert drifted.returncode == 2
    assert [each["action"] for each in json.loads(drifted.stdout)["changes"]] == ["create"]

    exported = outsider.succeed("export")
    again = outsider.folder / "again.yaml"
    again.write_text(exported)
    names = {one.name for one in spec.loads(exported).tenants[0].servers}
    assert names == {"web-1", "web-2", "db"}
    assert "count: 2" in exported

    outsider.succeed("destroy", str(file), "--yes")
    left = outsider.cloud.run(
        lambda: [one.name for one in outsider.connect().network.networks(is_router_external=False)]
    )
    assert left == ["hers"]
    outsider.cloud.run(
        lambda: outsider.connect().network.delete_network(outsider.connect().network.find_network("hers"))
    )


def test_more_than_its_quota_or_rights_is_said_with_the_line(outsider: Outsider) -> None:
    file = outsider.folder / "large.yaml"
    file.write_text("""\
name: large
tenants:
  - name: outer
    networks: [{name: front, subnets: [{cidr: 10.46.0.0/24}]}]
    servers:
      - name: web
        count: 200
        image: tiny
        flavor: m1.nano
        networks: [{network: front}]
    qos_policies: [{name: slow, max_kbps: 100}]
""")
    done = outsider.run("plan", str(file), "--cloud", "other")
    assert done.returncode == 2
    assert "large.yaml:11:" in done.stderr and "qos policy outer/slow" in done.stderr
    file.write_text(file.read_text().rpartition("    qos_policies")[0])
    done = outsider.run("plan", str(file), "--cloud", "other")
    assert done.returncode == 2
    assert "the quota of 'outer' is too small: compute instances" in done.stderr
    assert "large.yaml:6:" in done.stderr


def make_by_hand(mine: Connection) -> dict[str, str]:
    """What a user makes with OpenStack's own client: ids by name."""
    network = mine.network.create_network(name="lan")
    subnet = mine.network.create_subnet(
        name="lan-v4", network_id=network.id, cidr="10.47.0.0/24", ip_version=4
    )
    public = mine.network.find_network("public", ignore_missing=False)
    router = mine.network.create_router(name="out", external_gateway_info={"network_id": public.id})
    mine.network.add_interface_to_router(router, subnet=subnet.id)
    group = mine.network.create_security_group(name="ssh", description="From the office")
    mine.network.create_security_group_rule(
        security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22,
        remote_ip_prefix="192.0.2.0/24",
    )  # fmt: skip
    mine.compute.create_keypair(name="my key", public_key=public_key())
    together = mine.compute.create_server_group(name="together", policy="soft-affinity")
    image = mine.image.find_image("tiny", ignore_missing=False)
    flavor = mine.compute.find_flavor("m1.nano", ignore_missing=False)
    servers = {}
    for name in ("node-1", "node-2"):
        servers[name] = mine.compute.create_server(
            name=name, image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}],
            security_groups=[{"name": "ssh"}], key_name="my key", scheduler_hints={"group": together.id},
        )  # fmt: skip
        mine.compute.wait_for_server(servers[name], wait=300)
    port = next(iter(mine.network.ports(device_id=servers["node-1"].id)))
    address = mine.network.create_ip(floating_network_id=public.id, port_id=port.id)
    volume = mine.block_storage.create_volume(name="disk", size=1)
    volumes.settled(lambda: mine.block_storage.get_volume(volume.id))
    balancer = mine.load_balancer.create_load_balancer(
        name="www", vip_subnet_id=subnet.id,
        pools=[{"name": "all", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN",
                "members": [{"address": port.fixed_ips[0]["ip_address"], "protocol_port": 80}],
                "healthmonitor": {"type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 3, "url_path": "/up"}}],
        listeners=[{"name": "web", "protocol": "HTTP", "protocol_port": 80, "default_pool": {"name": "all"}}],
    )  # fmt: skip
    members.wait_active(mine, balancer.id)
    return {
        "network lan": network.id,
        "node-1": servers["node-1"].id,
        "node-2": servers["node-2"].id,
        "port": port.id,
        "address": address.id,
        "volume": volume.id,
        "balancer": balancer.id,
    }


def test_what_was_made_by_hand_is_exported_adopted_and_not_changed(outsider: Outsider) -> None:
    made = outsider.cloud.run(lambda: make_by_hand(outsider.connect()))
    file = outsider.folder / "export.yaml"
    done = outsider.run("export", "--cloud", "other")
    assert done.returncode == 0, done.stderr
    file.write_text(done.stdout)
    assert "is left out" not in done.stderr, done.stderr + done.stdout
    tenant = spec.loads(done.stdout).tenants[0]
    assert [one.name for one in tenant.servers] == ["node-1", "node-2"]
    assert str(tenant.load_balancers[0].pools[0].members[0].server) == "node-1"

    planned = outsider.plan(file, "--adopt")
    assert {tuple(each["fields"]) for each in planned["changes"]} == {("owner",)}, (planned, done.stdout)
    outsider.succeed("apply", str(file), "--adopt", "--yes")
    assert outsider.plan(file)["changes"] == []

    def ids() -> set[str]:
        mine = outsider.connect()
        return {
            one.id
            for one in (*mine.compute.servers(), *mine.network.ports(), *mine.load_balancer.load_balancers())
        }

    assert {made["node-1"], made["node-2"], made["port"], made["balancer"]} <= outsider.cloud.run(ids)
    # An administrator's export of this tenant is the same cloud from another side.
    theirs = outsider.cloud.export(tenant=TENANT)
    read = spec.loads(theirs.text, "theirs.yaml")
    whole = outsider.cloud.plan(read, adopt=True)
    assert {tuple(one.fields) for one in whole.changes} <= {("owner",)}, (
        as_data(whole)["changes"],
        theirs.text,
    )

    outsider.succeed("destroy", str(file), "--yes")

    def tidy() -> None:
        mine = outsider.connect()
        for group in mine.compute.server_groups():
            mine.compute.delete_server_group(group)
        for key in mine.compute.keypairs():
            mine.compute.delete_keypair(key)

    outsider.cloud.run(tidy)
