"""The package as an operator installs it: the wheel in a clean environment, on each Python that is here, as an
ordinary user who has no cloud."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).with_name("uv")
ALL_PYTHONS = "ONESTACK_TEST_PYTHONS"
"""Set: each Python that the package supports and the machine has, and not only the one that runs the tests."""
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHONS = ("3.11", "3.12", "3.13") if os.environ.get(ALL_PYTHONS) else (OWN,)
NOBODY = "65534"
SPEC = """\
name: shop
existing: {networks: [ext-net]}
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    routers: [{name: edge, external: ext-net, networks: [front]}]
"""


def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(each) for each in words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd="/",
        stdin=subprocess.DEVNULL,
    )


def succeed(*words: str | Path, **environment: str) -> str:
    done = run(*words, **environment)
    assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def found(series: str) -> str | None:
    """A Python of this series that is on the machine, also one of pyenv's that its shims do not offer."""
    places = [str(each) for each in Path.home().glob(".pyenv/versions/*/bin")]
    path = os.pathsep.join([os.environ["PATH"], *places])
    done = run(UV, "python", "find", "--no-python-downloads", "--no-project", "--system", series, PATH=path)
    return done.stdout.strip() if done.returncode == 0 else None


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and words that run something as a user who is not root."""

    bin: Path
    folder: Path
    as_user: tuple[str, ...]

    def run(self, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        own = {"HOME": str(self.folder), "OS_CLIENT_CONFIG_FILE": str(self.folder / "clouds.yaml")}
        return run(*self.as_user, *words, **own, **environment)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("wheel")
    succeed(
        UV,
        "build",
        "-q",
        "--wheel",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "-o",
        made,
        REPOSITORY,
    )
    (wheel,) = made.glob("*.whl")
    return wheel


@pytest.fixture(scope="module", params=PYTHONS)
def installed(request: pytest.FixtureRequest, wheel: Path) -> Iterator[Installed]:
    python = found(request.param)
    if python is None:
        pytest.skip(f"there is no Python {request.param} on this machine")
    # Not pytest's own folder, which is root's alone.
    folder = Path(tempfile.mkdtemp(prefix="onestack-wheel-"))
    folder.chmod(0o755)
    try:
        succeed(UV, "venv", "-q", "--seed", "--python", python, folder / "venv")
        bin_ = folder / "venv/bin"
        # uv fetches what the wheel needs, from its cache; pip installs the wheel, and checks that all is there.
        succeed(UV, "pip", "install", "-q", "--python", bin_ / "python", wheel)
        succeed(UV, "pip", "uninstall", "-q", "--python", bin_ / "python", "onestack")
        succeed(bin_ / "python", "-m", "pip", "install", "-q", "--no-index", wheel)
        succeed(bin_ / "python", "-m", "pip", "check")
        user: tuple[str, ...] = ()
        if os.geteuid() == 0:
            user = ("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups")
            if run(*user, bin_ / "python", "-c", "").returncode:
                # A Python in root's own home: then its version is tried, and the user with another one.
                assert not os.access(python, os.X_OK) or Path(python).resolve().is_relative_to(Path.home())
                user = ()
        yield Installed(bin_, folder, user)
    finally:
        shutil.rmtree(folder)


def test_it_says_what_it_does(installed: Installed) -> None:
    said = installed.run(installed.bin / "onestack", "--help")
    assert said.returncode == 0, said.stderr
    assert {"plan", "apply", "drift", "destroy", "export"} <= {
        line.split()[0] for line in said.stdout.splitlines() if line
    }
    assert version("onestack") in installed.run(installed.bin / "onestack", "--version").stdout
    # The client of OpenStack's comes with the extra `osc` alone.
    assert not (installed.bin / "openstack").exists()


def test_a_plan_needs_a_clouds_yaml_and_nothing_else(installed: Installed) -> None:
    """It asks the cloud's Keystone, and imports nothing that only a cloud of one's own needs."""
    heard: list[str] = []

    class Keystone(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_error(404)

        def do_POST(self) -> None:
            self.send_error(401)

        def log_message(self, format: str, *args: object) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Keystone) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        auth = {
            "auth_url": f"http://127.0.0.1:{serving.server_port}/v3",
            "username": "anna",
            "password": "none",
            "project_name": "shop",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        (installed.folder / "clouds.yaml").write_text(json.dumps({"clouds": {"other": {"auth": auth}}}))
        spec = installed.folder / "shop.yaml"
        spec.write_text(SPEC)
        python = (installed.bin / "python", "-X", "importtime", "-m", "onestack.cli")
        done = installed.run(*python, "plan", spec, "--cloud", "other")
        serving.shutdown()
    assert heard and heard[0].startswith("/v3"), (heard, done.stderr)
    lines = done.stderr.splitlines()
    imported = {each.rpartition("|")[2].strip() for each in lines if each.startswith("import time:")}
    assert "onestack.workloads.other_cloud" in imported
    needless = ("onestack.platform", "supervisor", "openstackclient")
    assert not {each for each in imported if each.startswith(needless)}
    assert "the cloud 'other' refuses the credentials" in done.stderr, lines[-5:]
    assert done.returncode == 2


def test_a_cloud_of_ones_own_needs_root(installed: Installed) -> None:
    if not installed.as_user and os.geteuid() == 0:
        pytest.skip("this Python is in root's own home")
    done = installed.run(installed.bin / "onestack", "plan", installed.folder / "shop.yaml")
    assert done.returncode == 2
    assert "it needs root" in done.stderr
