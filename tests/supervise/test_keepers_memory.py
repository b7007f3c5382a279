"""What the keeper loads: it runs on every host for as long as the cloud does."""

from __future__ import annotations

import json
import subprocess
import sys

_PROGRAM = "import json, sys, onestack.health.keeper; print(json.dumps(sorted(sys.modules)))"


def test_the_keeper_loads_no_client_of_openstack() -> None:
    said = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True).stdout
    loaded = {name.partition(".")[0] for name in json.loads(said)}
    assert "onestack" in loaded
    # Some 20 MiB, of which the keeper uses nothing.
    assert not loaded & {"openstack", "keystoneauth1", "requests"}
