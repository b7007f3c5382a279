"""OneStack's commands in OpenStack's own client, as an ordinary user of a real cloud."""

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

from onestack import Cloud

pytestmark = pytest.mark.cloud

PASSWORD = "Not-a-Secret-9"
SPEC = """\
name: osc
tenants:
  - name: elastic
    users: [{name: elastic-user, password: "env:OSC_PASSWORD", roles: [member]}]
    networks: [{name: front, subnets: [{cidr: 10.53.0.0/24}]}]
    scaling_groups:
      - {name: web, min: 1, max: 3, suspended: true, server: {image: tiny, flavor: m1.nano, network: front}}
"""
NETWORK = """\
name: by-hand
tenants:
  - name: elastic
    networks: [{name: back, subnets: [{cidr: 10.54.0.0/24}]}]
"""


@dataclass(frozen=True)
class Client:
    """The client `openstack` with a user's clouds.yaml."""

    cloud: Cloud
    folder: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("openstack")), "--os-cloud", "mine", *words]
        own = {"OS_CLIENT_CONFIG_FILE": str(self.folder / "clouds.yaml")}
        own |= {"XDG_STATE_HOME": str(self.folder / "state")}
        return subprocess.run(
            self.cloud.network.command(command), env={**os.environ, **own}, capture_output=True, text=True,
            timeout=300, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def json(self, *words: str, status: int = 0) -> Any:
        done = self.run(*words, "-f", "json")
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout)


@pytest.fixture
def client(pretending: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("OSC_PASSWORD", PASSWORD)
    file = tmp_path / "osc.yaml"
    file.write_text(SPEC)
    assert pretending.apply(spec=file).ok
    auth = {
        "auth_url": f"{pretending.site.gateway}/identity/v3",
        "username": "elastic-user",
        "password": PASSWORD,
        "project_name": "elastic",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    region = pretending.site.view.cloud.region
    content = {"clouds": {"mine": {"auth": auth, "region_name": region}}}
    (tmp_path / "clouds.yaml").write_text(json.dumps(content))
    yield Client(pretending, tmp_path)
    assert pretending.apply(pretending.removal(file), spec=file).ok


def test_scaling_groups_and_specs_in_openstacks_own_client(client: Client) -> None:
    (listed,) = client.json("scaling", "group", "list")
    assert (listed["Name"], listed["Min"], listed["Max"], listed["State"]) == ("web", 1, 3, "suspended")
    shown = client.json("scaling", "group", "set", "web", "--size", "2", "--resume")
    assert (shown["wanted"], shown["state"]) == (2, "active")
    assert client.json("scaling", "group", "show", "web")["wanted"] == 2
    assert client.cloud.scaling_groups.group("elastic/web").record.desired == 2
    why = client.json("scaling", "group", "why", "web")["why"]
    assert "it has no policies" in why
    refused = client.run("scaling", "group", "set", "web", "--size", "9")
    assert refused.returncode == 1 and "web has 1 to 3 members, not 9" in refused.stderr
    missing = client.run("scaling", "group", "show", "other")
    assert missing.returncode == 1 and "there are: web" in missing.stderr

    file = client.folder / "by-hand.yaml"
    file.write_text(NETWORK)
    planned = client.json("onestack", "plan", str(file))
    assert [(each["Action"], each["Kind"], each["Name"]) for each in planned] == [
        ("create", "network", "elastic/back"),
        ("create", "subnet", "elastic/back/back"),
    ]
    assert client.json("onestack", "drift", str(file), status=2)[0]["Kind"] == "network"
    wrong = client.run("onestack", "plan", str(client.folder / "none.yaml"))
    assert wrong.returncode == 1 and "the spec cannot be read" in wrong.stderr
