"""What somebody made by hand is left alone, and taken over when one says so; images come from where the spec says."""

from __future__ import annotations

import functools
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cloud import command, inventory
from onestack import Cloud
from onestack.spec import BadSpec

pytestmark = pytest.mark.cloud

SPEC = """\
name: takes
flavors: [{name: taken, vcpus: 1, ram: 128, disk: 1}]
tenants:
  - name: taken
    description: Now it is ours
    users: [{name: taken-user, roles: [member]}]
    networks: [{name: net, subnets: [{name: sub, cidr: 10.45.0.0/24, dns: [192.0.2.53]}]}]
    routers: [{name: edge, networks: [net]}]
    security_groups: [{name: web, rules: [{protocol: tcp, ports: 80}]}]
    servers: [{name: web, image: tiny, flavor: taken, networks: [{network: net}], security_groups: [web]}]
"""


def by_hand(cloud: Cloud) -> dict[str, str]:
    """A tenant as somebody makes it: its ids, by the address that the spec gives them."""
    admin = cloud.connect()
    project = admin.identity.create_project(name="taken", domain_id="default")
    user = admin.identity.create_user(name="taken-user", domain_id="default", password="not-a-Secret-9")
    mine = {"project_id": project.id}
    network = admin.network.create_network(name="net", **mine)
    subnet = admin.network.create_subnet(
        name="sub", network_id=network.id, cidr="10.45.0.0/24", ip_version=4, **mine
    )
    router = admin.network.create_router(name="edge", **mine)
    admin.network.add_interface_to_router(router, subnet=subnet.id)
    group = admin.network.create_security_group(name="web", **mine)
    admin.network.create_security_group_rule(
        security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22
    )
    flavor = admin.compute.create_flavor(name="taken", vcpus=1, ram=128, disk=1)
    return {
        "tenant taken": project.id,
        "user taken-user": user.id,
        "network taken/net": network.id,
        "subnet taken/net/sub": subnet.id,
        "router taken/edge": router.id,
        "security group taken/web": group.id,
        "flavor taken": flavor.id,
    }


def test_it_is_taken_over_only_when_one_says_so(pretending: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "takes.yaml"
    file.write_text(SPEC)
    before = inventory.of(pretending)
    made = pretending.run(lambda: by_hand(pretending))
    root = pretending.paths.root

    with pytest.raises(BadSpec) as caught:
        pretending.plan(file)
    assert {each.hint for each in caught.value.diagnostics} == {"--adopt takes it over"}
    refused = command.onestack(root, "apply", str(file))
    assert refused.returncode == 2
    assert "OneStack did not create it" in refused.stderr

    done = command.onestack(root, "apply", str(file), "--adopt", "--yes", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    plan = pretending.plan(file)
    assert plan.empty
    assert {name: plan.present[address] for address in plan.present if (name := str(address)) in made} == made
    # The rule that was there for itself is not the spec's: a group has the rules of the file and no others.
    there = inventory.of(pretending)
    assert not [name for name in there if made["security group taken/web"] in name and name.endswith(" 22")]

    outcome = pretending.apply(pretending.removal(file), spec=file)
    assert outcome.ok, outcome.as_dict()
    assert inventory.of(pretending) == before


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """A server of images in this machine's network, where the cloud's own does not lead."""
    files = tmp_path / "files"
    files.mkdir()
    (files / "disk.raw").write_bytes(b"disk" * 300_000)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(files))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_an_image_from_a_url_is_whole_or_not_there(pretending: Cloud, tmp_path: Path, mirror: str) -> None:
    right = hashlib.sha256(b"disk" * 300_000).hexdigest()
    cases = {
        "whole": ("disk.raw", f"sha256:{right}", ""),
        "other": ("disk.raw", f"sha256:{'0' * 64}", "does not match the spec's checksum"),
        "gone": ("no.raw", f"sha256:{right}", "responds with 404"),
    }
    file, before = tmp_path / "fetch.yaml", inventory.of(pretending)
    images = [
        {"name": name, "url": f"{mirror}/{path}", "checksum": checksum, "format": "raw", "protected": True}
        for name, (path, checksum, _) in cases.items()
    ]
    file.write_text(json.dumps({"name": "fetch", "tenants": [{"name": "fetch", "images": images}]}))
    outcome = pretending.apply(spec=file)
    said = {failure.address.path[-1]: failure.error.summary for failure in outcome.failures}
    assert said.keys() == {"other", "gone"}
    for name, summary in said.items():
        assert cases[name][2] in summary

    def images_there() -> dict[str, tuple[str, int]]:
        admin = pretending.connect()
        return {one.name: (one.status, one.size) for one in admin.image.images() if one.name in cases}

    assert pretending.run(images_there) == {"whole": ("active", 1_200_000)}
    assert {str(one.address) for one in pretending.plan(file).changes} == {
        "image fetch/other",
        "image fetch/gone",
    }
    assert pretending.apply(pretending.removal(file), spec=file).ok
    assert inventory.of(pretending) == before
