"""What is read of a Ceph cluster's files, and where it is put."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path

import pytest

from onestack.core.errors import BadInput
from onestack.core.events import silent
from onestack.platform import ceph, graph, layout
from onestack.platform.hosts.work import Here
from onestack.platform.site import Site
from onestack.platform.stamps import stamps

KEY = "AQCDkFZqAAAAABAAKVN0bmUgb2YgYSBrZXkgIQ=="
CONF = """\
[global]
\tmon_host = 192.0.2.1
\tkeyring = /etc/ceph/$cluster.$name.keyring
"""
KEYRING = f"""\
[client.admin]
\tkey = AQAAAAAAAAAAAAAA
[client.me]
\tkey = {KEY}
\tcaps mon = "profile rbd"
"""
SPEC = """\
platform:
  volumes:
    backends:
      - {{name: files}}
      - {{name: pool, driver: rbd, pool: disks, user: me, conf: {folder}/ceph.conf}}
"""

Pooled = Callable[[str], Site]


@pytest.fixture
def pooled(make: Callable[..., Site], tmp_path: Path) -> Pooled:
    """A cloud with a pool, by what is in its keyring."""

    def call(keyring: str = KEYRING) -> Site:
        (tmp_path / "ceph.conf").write_text(CONF)
        (tmp_path / "ceph.client.me.keyring").write_text(keyring)
        return make(SPEC.format(folder=tmp_path))

    return call


def cinder(site: Site) -> ConfigParser:
    found = ConfigParser(interpolation=None)
    found.read_string(layout.files(site.view)["cinder/cinder.conf"])
    return found


def test_each_pool_is_a_cluster_of_its_backends_name(pooled: Pooled) -> None:
    site = pooled(KEYRING)
    files = ceph.files(site)
    assert files["ceph/pool.client.me.keyring"] == f"[client.me]\n\tkey = {KEY}\n"
    assert files["ceph/pool.conf"] == "[global]\n\tmon_host = 192.0.2.1\n"
    section = cinder(site)["pool"]
    assert (section["rbd_cluster_name"], section["rbd_pool"], section["rbd_user"]) == ("pool", "disks", "me")
    assert section["rbd_ceph_conf"] == "/etc/ceph/pool.conf"
    assert cinder(site)["files"]["volume_driver"].endswith("FileDriver")


def test_libvirt_knows_the_key_by_the_name_that_cinder_gives_it(pooled: Pooled) -> None:
    site = pooled(KEYRING)
    files = ceph.files(site)
    secret = cinder(site)["pool"]["rbd_secret_uuid"]
    said = ElementTree.fromstring(files[f"libvirt/secrets/{secret}.xml"])
    assert (said.findtext("uuid"), said.get("private"), said.get("ephemeral")) == (secret, "yes", "no")
    assert files[f"libvirt/secrets/{secret}.base64"] == KEY


@pytest.mark.parametrize("keyring", ["", "[client.other]\n\tkey = x\n", "[client.me]\n", "no keyring"])
def test_a_keyring_without_the_key_is_refused_with_the_place(pooled: Pooled, keyring: str) -> None:
    with pytest.raises(BadInput, match=r"has no key of client\.me") as refused:
        ceph.files(pooled(keyring))
    assert "spec.yaml:5" in str(refused.value.where)


def test_files_are_roots_alone_and_go_with_their_backend(
    pooled: Pooled, make: Callable[..., Site], tmp_path: Path
) -> None:
    site = pooled(KEYRING)
    ceph.write(site, ceph.files(site))
    there = [path for path in site.paths.etc.rglob("*") if path.is_file() and path.name != "secrets.json"]
    assert len(there) == 4
    assert {path.stat().st_mode & 0o777 for path in there} == {0o600}
    without = make("platform: {volumes: {backends: [{name: files}]}}\n")
    ceph.write(without, ceph.files(without))
    assert [path for path in there if path.exists()] == []


def test_who_reads_a_key_starts_anew_with_another_one_and_only_they(pooled: Pooled) -> None:
    site = pooled(KEYRING)
    ceph.write(site, ceph.files(site))
    before = stamps(site, site.leader)
    other = pooled(KEYRING.replace(KEY, KEY[::-1]))
    ceph.write(other, ceph.files(other))
    after = stamps(other, other.leader)
    assert {name for name in before if before[name] != after[name]} == {"cinder", "libvirtd"}


def test_cinder_waits_until_the_pool_answers(pooled: Pooled, tmp_path: Path) -> None:
    tasks = {
        task.name: task.needs
        for task in graph.tasks(pooled(KEYRING), [Here(pooled(KEYRING))], tmp_path / "image", silent)
    }
    assert "ceph@host" in tasks["cinder@host"]
