"""One file over two real clouds: this machine's, as root, and another one by an ordinary account in clouds.yaml."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cloud import inventory
from onestack import Cloud

pytestmark = pytest.mark.cloud

PASSWORD = "Not-a-Secret-9"
PROJECT = USER = "burst"
FILE = """\
name: hybrid
clouds:
  here: {local: true}
  burst: {cloud: other}
existing: {networks: [public], images: [tiny], flavors: [m1.nano]}
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.51.0.0/24}]}]
    servers: [{name: web, image: tiny, flavor: m1.nano, networks: [{network: front}]}]
  - name: shop-burst
    cloud: burst
    networks: [{name: front, subnets: [{cidr: 10.52.0.0/24}]}]
    routers: [{name: edge, external: public, networks: [front]}]
    security_groups: [{name: web, rules: [{protocol: tcp, ports: 80}]}]
"""


@dataclass(frozen=True)
class Both:
    """Two clouds, each in a network of its own: the command runs in that of `there`, and finds `here` by its root."""

    here: Cloud
    there: Cloud
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "hybrid.yaml"

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "onestack.cli",
            words[0],
            "--root",
            str(self.here.paths.root),
            *words[1:],
        ]
        own = {
            "OS_CLIENT_CONFIG_FILE": str(self.folder / "clouds.yaml"),
            "XDG_STATE_HOME": str(self.folder / "state"),
        }
        return subprocess.run(
            self.there.network.command(command), env={**os.environ, **own}, capture_output=True, text=True,
            timeout=600, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def result(self, status: int, *words: str) -> dict[str, Any]:
        done = self.run(words[0], str(self.file), "--json", *words[1:])
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def changes(self, status: int, *words: str) -> list[str]:
        found = self.result(status, *words)["changes"]
        return [f"{one['cloud']}: {one['action']} {one['kind']} {'/'.join(one['path'])}" for one in found]


@pytest.fixture
def both(pretending: Cloud, varied: Cloud, tmp_path: Path) -> Iterator[Both]:
    before = inventory.of(pretending), inventory.of(varied)
    groups: set[str] = set()

    def make() -> None:
        admin = varied.connect()
        groups.update(each.id for each in admin.network.security_groups())
        project = admin.identity.create_project(name=PROJECT, domain_id="default")
        user = admin.identity.create_user(name=USER, domain_id="default", password=PASSWORD)
        admin.identity.assign_project_role_to_user(project, user, admin.identity.find_role("member"))

    def unmake() -> None:
        admin = varied.connect()
        for group in admin.network.security_groups():
            if group.id not in groups:
                admin.network.delete_security_group(group)
        admin.identity.delete_user(admin.identity.find_user(USER))
        admin.identity.delete_project(admin.identity.find_project(PROJECT))

    varied.run(make)
    connection = varied.environment()
    auth = {
        "auth_url": connection["OS_AUTH_URL"],
        "username": USER,
        "password": PASSWORD,
        "project_name": PROJECT,
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    entry: dict[str, Any] = {"auth": auth, "region_name": varied.site.view.cloud.region}
    if certificate := connection.get("OS_CACERT"):
        entry["cacert"] = certificate
    (tmp_path / "clouds.yaml").write_text(json.dumps({"clouds": {"other": entry}}))
    found = Both(pretending, varied, tmp_path)
    found.file.write_text(FILE)
    yield found
    varied.run(unmake)
    assert (inventory.of(pretending), inventory.of(varied)) == before


@contextmanager
def away(both: Both) -> Iterator[None]:
    """The other cloud does not answer, at the address where it did."""
    entry = both.folder / "clouds.yaml"
    written = entry.read_text()
    data = json.loads(written)
    data["clouds"]["other"]["auth"]["auth_url"] = "http://127.0.0.1:9/identity/v3"
    entry.write_text(json.dumps(data))
    yield
    entry.write_text(written)


def test_one_file_over_two_clouds_comes_drifts_and_goes(both: Both) -> None:
    planned = both.changes(2, "plan", "--detailed-exitcode")
    assert "here: create server shop/web" in planned
    assert "burst: create router shop-burst/edge" in planned
    assert [one.split(":")[0] for one in planned] == sorted(
        (one.split(":")[0] for one in planned), reverse=True
    )

    # One that does not answer fails its own part alone.
    with away(both):
        found = both.result(1, "apply", "--yes")
        assert found["added"] and not found["failures"]
        assert list(found["away"]) == ["burst"] and "cannot be reached" in found["away"]["burst"]["error"]
    assert {one.split(":")[0] for one in both.changes(0, "plan")} == {"burst"}
    assert both.result(0, "apply", "--yes")["ok"]
    assert both.changes(0, "drift") == []

    def by_hand() -> None:
        mine = both.there.connect(user=USER, password=PASSWORD, project=PROJECT)
        rules = mine.network.security_group_rules()
        mine.network.delete_security_group_rule(next(one for one in rules if one.port_range_min == 80))

    both.there.run(by_hand)
    drifted = both.changes(2, "drift")
    assert len(drifted) == 1 and drifted[0].startswith("burst: create security group rule")
    shown = both.run("drift", str(both.file))
    assert "burst: security group rule" in shown.stdout and shown.returncode == 2

    assert both.result(0, "destroy", "--yes")["ok"]
    assert both.run("plan", str(both.file), "--cloud", "other").returncode == 2
