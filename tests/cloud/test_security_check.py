"""`doctor --security` on a real cloud: it passes as installed, and finds what was opened by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cloud.command import onestack, succeed
from onestack import Cloud
from onestack.platform.infrastructure import mariadb

pytestmark = pytest.mark.cloud


def failed(cloud: Cloud) -> set[str]:
    done = onestack(cloud.paths.root, "doctor", "--security", "--json")
    told = json.loads(done.stdout)
    names = {each["name"] for each in told["checks"] if not each["passed"]}
    assert done.returncode == (1 if names else 0)
    assert told["ok"] is not bool(names)
    return names


def test_it_passes_as_installed(cloud: Cloud) -> None:
    assert failed(cloud) == set()
    shown = succeed(cloud.paths.root, "doctor", "--security")
    for name in ("Check-Identity-01", "Check-Compute-02", "Check-Block-08", "OneStack-Screens"):
        assert name in shown


@contextmanager
def opened(cloud: Cloud, file: str) -> Iterator[None]:
    place = cloud.paths.etc / file
    mode = place.stat().st_mode
    place.chmod(0o644)
    try:
        yield
    finally:
        place.chmod(mode)


def test_files_that_were_opened_are_found(cloud: Cloud) -> None:
    with opened(cloud, "nova/nova.conf"), opened(cloud, "secrets.json"):
        assert failed(cloud) == {"Check-Compute-02", "OneStack-Files"}


def test_an_account_without_a_password_is_found(cloud: Cloud) -> None:
    def sql(text: str) -> None:
        cloud.site.leader.inside(mariadb.client(), text_in=text)

    sql("CREATE USER 'anybody'@'localhost' IDENTIFIED BY '';\n")
    try:
        assert failed(cloud) == {"OneStack-Accounts"}
    finally:
        sql("DROP USER 'anybody'@'localhost';\n")
