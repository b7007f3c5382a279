"""Wrong input to the real command line is refused before anything is changed."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from cloud import health
from cloud.command import argv, lines, onestack
from onestack import Cloud

pytestmark = pytest.mark.cloud

# Another user who may read everything, wherever this machine keeps its Python.
AS_NOBODY = [
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("platfrom: {}\n", "platfrom"),
        ("platform: {listen: {port: many}}\n", "port"),
        ("hosts:\n- {name: one, address: 192.0.2.77}\n", "192.0.2.77"),
        ("platform: {services: [teapot]}\n", "teapot"),
    ],
)
def test_a_wrong_spec_changes_nothing(cloud: Cloud, tmp_path: Path, text: str, words: str) -> None:
    spec = tmp_path / "wrong.yaml"
    spec.write_text(text)
    before = health.pids(cloud)
    kept = (cloud.paths.etc / "cloud.yaml").read_text()
    done = onestack(cloud.paths.root, "up", str(spec), "--json")
    assert done.returncode == 2
    assert words in str(lines(done.stdout)[-1])
    assert f"{spec}:" in done.stdout
    assert health.pids(cloud) == before
    assert (cloud.paths.etc / "cloud.yaml").read_text() == kept


def test_a_wrong_spec_makes_no_cloud(cloud_roots: Path, tmp_path: Path) -> None:
    spec = tmp_path / "wrong.yaml"
    spec.write_text("nmae: x\n")
    root = cloud_roots / "wrong"
    assert onestack(root, "up", str(spec)).returncode == 2
    assert not root.exists()


def test_without_root_it_says_so(cloud_roots: Path) -> None:
    root = cloud_roots / "wrong"
    words = [*AS_NOBODY, *argv(root, "up", "--json")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    assert done.returncode not in (0, -1)
    assert "needs root" in done.stdout, done.stdout + done.stderr
    assert not root.exists()


def test_a_port_in_use_is_said_before_anything_is_made(cloud_roots: Path, tmp_path: Path) -> None:
    root = cloud_roots / "wrong"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        spec = tmp_path / "spec.yaml"
        spec.write_text(f"platform: {{listen: {{port: {port}}}, network: {{isolated: false}}}}\n")
        done = onestack(root, "up", str(spec), "--json")
    assert done.returncode == 2
    assert f"port {port} is in use on 127.0.0.1" in done.stdout
    assert not root.exists()
