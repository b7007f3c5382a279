"""Nothing secret can be seen by whoever is not root: in process lists, logs, answers, files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.command import succeed
from onestack import Cloud
from onestack.host import processes
from onestack.platform.infrastructure import mariadb
from onestack.platform.places import login

pytestmark = pytest.mark.cloud

AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]


@pytest.fixture(scope="module")
def secrets(cloud: Cloud) -> set[str]:
    """Every secret of the cloud: passwords, shared words, the keys of Keystone's tokens."""
    stored = json.loads((cloud.paths.etc / "secrets.json").read_text())
    # How a service's user is called stands there, too, and is no secret.
    found = {value for name, value in stored.items() if not name.startswith("login/")}
    keys = [each.read_text().strip() for each in (cloud.paths.data / "keystone").glob("*-keys/*")]
    assert keys
    assert len(found) > 5
    assert min(map(len, found)) >= 32
    return found | set(keys)


def command_lines(cloud: Cloud) -> Iterator[str]:
    pids = {each.pid for each in processes.inside(cloud.paths.run)}
    for pid in pids | {each.pid for each in cloud.site.leader.supervisor.programs().values() if each.pid}:
        yield Path(f"/proc/{pid}/cmdline").read_text()


def test_process_lists_show_none(cloud: Cloud, secrets: set[str]) -> None:
    shown = list(command_lines(cloud))
    assert len(shown) > 10
    assert not [line for line in shown if any(secret in line for secret in secrets)]


def test_logs_hold_none(cloud: Cloud, secrets: set[str]) -> None:
    logs = [each for each in cloud.paths.log.rglob("*") if each.is_file()]
    assert {"nova.log", "keystone.log", "neutron.log"} <= {each.name for each in logs}
    for log in logs:
        text = log.read_text(errors="replace")
        assert not [secret for secret in secrets if secret in text], log


def test_answers_in_json_hold_none(cloud: Cloud, secrets: set[str]) -> None:
    root = cloud.paths.root
    for words in (
        ("up", "--json"),
        ("status", "--json"),
        ("logs", "--json", "--since", "1d"),
        ("doctor", "--json"),
    ):
        said = succeed(root, *words)
        assert not [secret for secret in secrets if secret in said], words


def test_files_can_be_read_by_root_alone(cloud: Cloud, secrets: set[str]) -> None:
    assert not cloud.paths.etc.stat().st_mode & 0o077
    for name in ("secrets.json", "clouds.yaml"):
        assert (cloud.paths.etc / name).stat().st_mode & 0o777 == 0o600
    find = [*AS_NOBODY, "find", str(cloud.paths.root), "-readable", "-type", "f"]
    readable = subprocess.run(find, capture_output=True, text=True, check=False).stdout.splitlines()
    handles = cloud.paths.run / "ns"
    readable = [file for file in readable if not Path(file).is_relative_to(handles)]
    for file in readable:
        data = Path(file).read_bytes()
        assert not [secret for secret in secrets if secret.encode() in data], file
    inside = [Path(file).relative_to(cloud.paths.root) for file in readable]
    private = ("instances", "images", "mysql", "keystone", "openvswitch", "ovn")
    assert not [file for file in inside if set(private) & set(file.parts)]


def test_sockets_are_open_to_root_alone(cloud: Cloud) -> None:
    find = [*AS_NOBODY, "find", str(cloud.paths.root), "-writable", "-type", "s", "-printf", "%P\\n"]
    open_to_all = subprocess.run(find, capture_output=True, text=True, check=False).stdout.split()
    # MariaDB asks everybody for a password, and lets root in as root only.
    assert set(open_to_all) <= {"run/onestack/mysqld/mysqld.sock"}


def rounds(cloud: Cloud, user: str) -> str:
    """How a user's password is hashed: bcrypt's name and rounds."""
    # Keystone keeps former ones.
    query = (
        "SELECT SUBSTR(password.password_hash, 1, 7) FROM password JOIN local_user ON local_user.id ="
        f" password.local_user_id WHERE local_user.name = '{user}' ORDER BY password.id DESC LIMIT 1"
    )
    return cloud.site.leader.inside([*mariadb.client(), "keystone"], text_in=query).strip()


def test_only_passwords_that_nobody_chose_are_hashed_with_few_rounds(cloud: Cloud) -> None:
    identity = cloud.run(lambda: cloud.connect().identity)
    made = cloud.run(lambda: identity.create_user(name="chosen", password="a-Long-one-9"))
    try:
        # By two names in turn, if its password was replaced.
        glance = login(cloud.site.view.cloud.secrets, "glance")
        assert [rounds(cloud, user) for user in ("admin", glance, "chosen")] == [
            "$2b$04$",
            "$2b$04$",
            "$2b$12$",
        ]
    finally:
        cloud.run(lambda: identity.delete_user(made))
