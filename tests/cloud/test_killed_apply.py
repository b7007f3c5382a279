"""kill -9 of `apply` at random moments: the next one goes on, makes nothing twice and leaves nothing behind."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest

from cloud import command, inventory
from onestack import Cloud
from onestack.workloads.plan.document import as_data

pytestmark = pytest.mark.cloud

KILLS = int(os.environ.get("ONESTACK_TEST_KILLS", "20"))
SEED = int(os.environ.get("ONESTACK_TEST_SEED", "4"))

SPEC = """\
name: killed
flavors: [{name: killed, vcpus: 1, ram: 128, disk: 1}]
roles: [{name: killed-auditor}]
tenants:
  - name: killed
    quota: {compute: {instances: 5}, network: {ports: 50}, volume: {volumes: 5}}
    users: [{name: killed-user, roles: [member, killed-auditor]}]
    groups: [{name: killed-team, users: [killed-user], roles: [reader]}]
    application_credentials: [{name: robot, user: killed-user, roles: [member]}]
    images: [{name: killed, file: IMAGE, format: raw}]
    networks: [{name: net, subnets: [{cidr: 10.44.0.0/24}]}]
    routers: [{name: edge, external: public, networks: [net]}]
    security_groups: [{name: web, rules: [{protocol: tcp, ports: 80}, {protocol: icmp}]}]
    server_groups: [{name: apart, policy: soft-anti-affinity}]
    volumes: [{name: data, size: 1}]
    servers:
      - name: web
        count: 2
        image: killed
        flavor: killed
        networks: [{network: net}]
        security_groups: [web]
        server_group: apart
        floating_ip: public
"""


def kill_one(root: Path, spec: Path, dice: random.Random) -> bool:
    """Start `apply`, and kill it some steps later; False when it was done before."""
    steps, pause = dice.randint(1, 6), dice.uniform(0, 0.8)
    with command.start(root, "apply", str(spec), "--yes", "--json") as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            told = json.loads(line)
            if told.get("state") == "started" and told["step"].startswith(("create ", "change ", "delete ")):
                steps -= 1
                if not steps:
                    break
        else:
            assert process.wait() == 0, "".join(said[-5:])
            return False
        time.sleep(pause)  # the moment is the point
        killed = process.poll() is None
        process.kill()
        return killed


def goes_on(cloud: Cloud, spec: Path) -> None:
    """An apply that is let be makes what is left to make, and nothing a second time."""
    outcome = cloud.apply(spec=spec)
    assert outcome.ok, json.dumps(outcome.as_dict(), indent=1)
    assert inventory.twice(inventory.of(cloud)) == []


def test_killed_again_and_again_it_ends_in_what_was_wanted(pretending: Cloud, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    image, spec = tmp_path / "disk.raw", tmp_path / "killed.yaml"
    image.write_bytes(bytes(8 << 20))
    spec.write_text(SPEC.replace("IMAGE", str(image)))
    before = inventory.of(pretending)
    kills = 0
    while kills < KILLS:
        if kill_one(pretending.paths.root, spec, dice):
            kills += 1
            if kills % 4 == 0:
                # The next comes at once, while services are still at work for the one that was killed.
                goes_on(pretending, spec)
        else:
            # All is there: taken away, to be made anew under the next kills.
            assert inventory.twice(inventory.of(pretending)) == []
            assert pretending.apply(pretending.removal(spec), spec=spec).ok
            assert inventory.of(pretending) == before
    goes_on(pretending, spec)
    plan = pretending.plan(spec)
    assert plan.empty, as_data(plan)["changes"]
    removed = pretending.apply(pretending.removal(spec), spec=spec)
    assert removed.ok, removed.as_dict()
    left = inventory.of(pretending)
    assert left == before, f"left: {left - before}, gone: {before - left}"
