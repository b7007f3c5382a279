"""Secrets are replaced while the cloud serves: nobody who tries again sees an error, and the former ones are void."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from openstack.connection import Connection
from openstack.exceptions import HttpException, SDKException

from cloud import health
from cloud.command import lines, onestack, start, succeed
from cloud.test_secrets import rounds
from onestack import Cloud
from onestack.core.wait import until
from onestack.host.command import CommandFailed
from onestack.platform import secrets
from onestack.platform.infrastructure import mariadb

pytestmark = pytest.mark.cloud

KINDS = ("database", "users", "metadata", "fernet")
AWAY = (502, 503, 504)
"""What a client that tries again tries again for."""
PATIENCE = 60.0


def stored(cloud: Cloud) -> dict[str, str]:
    found: dict[str, str] = json.loads((cloud.paths.etc / "secrets.json").read_text())
    return found


class Prober:
    """Asks every API, with its first token, as a client that tries again for as long as one is away."""

    def __init__(self, admin: Connection) -> None:
        self._admin = admin
        self.asked = 0
        self.failed: list[str] = []
        self._ended = threading.Event()

    def run(self) -> None:
        me = self._admin
        calls = {
            "keystone": lambda: list(me.identity.projects()),
            "glance": lambda: list(me.image.images()),
            "nova": lambda: list(me.compute.servers(all_projects=True)),
            # Nova asks Neutron for this, Neutron Nova; each as a service.
            "neutron": lambda: me.network.delete_network(me.network.create_network(name="probed")),
            "cinder": lambda: list(me.block_storage.volumes(all_projects=True)),
            "placement": lambda: list(me.placement.resource_providers()),
        }
        while not self._ended.is_set():
            for name, call in calls.items():
                self._ask(name, call)

    def _ask(self, name: str, call: object) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                call()  # type: ignore[operator]
            except HttpException as error:
                if error.status_code in AWAY and time.monotonic() < deadline:
                    self._ended.wait(0.2)
                    continue
                self.failed.append(f"{name}: {error}")
            except SDKException as error:
                self.failed.append(f"{name}: {error}")
            self.asked += 1
            return

    def end(self) -> None:
        self._ended.set()


@contextmanager
def probed(cloud: Cloud) -> Iterator[Prober]:
    """A prober that asks during the body."""
    prober = Prober(cloud.connect())
    thread = threading.Thread(target=prober.run)
    thread.start()
    try:
        yield prober
    finally:
        prober.end()
        thread.join(2 * PATIENCE)


def refuses(cloud: Cloud, user: str, password: str) -> bool:
    """Whether MariaDB refuses a service's user with this password."""
    asked = "/run/lock/asked.cnf"
    words = ["mariadb", f"--defaults-extra-file={asked}", "--skip-ssl", f"--socket={mariadb.DATABASE_SOCKET}"]
    words += [f"--user={user}", "--execute=SELECT 1"]
    told = "[client]\npassword=" + password
    inside = cloud.site.leader.outside(asked)
    inside.write_text(told)
    try:
        cloud.site.leader.inside(words)
    except CommandFailed:
        return True
    finally:
        inside.unlink()
    return False


def test_all_are_replaced_while_a_prober_asks(cloud: Cloud) -> None:
    health.wait_healthy(cloud)
    before = stored(cloud)
    with probed(cloud) as prober:
        until("the prober to ask", lambda: (prober.asked > 6, prober.asked), seconds=60)
        said = lines(succeed(cloud.paths.root, "secrets rotate", "--json", seconds=600))
        asked = prober.asked
        until("the prober to ask on", lambda: (prober.asked > asked + 12, prober.asked), seconds=120)
    assert prober.failed == []
    after = stored(cloud)
    assert not secrets.replaced(after)
    changed = {name for name, value in before.items() if after[name] != value}
    assert {"database/nova", "database/keystone", "user/nova", "user/neutron", "metadata"} <= changed
    assert not changed & {"user/admin", "dashboard"}
    assert refuses(cloud, "nova", before["database/nova"])
    assert not refuses(cloud, "nova", after["database/nova"])
    names = {each.name for each in cloud.run(lambda: list(cloud.connect().identity.users()))}
    for service in ("nova", "neutron", "glance"):
        assert len(names & {service, f"{service}-b"}) == 1
    health.wait_healthy(cloud)
    told = json.dumps(said) + "".join(
        file.read_text(errors="replace") for file in cloud.paths.log.rglob("*") if file.is_file()
    )
    values = {
        value for known in (before, after) for name, value in known.items() if not name.startswith("login/")
    }
    assert not [value for value in values if value in told]


def test_the_list_shows_no_values(cloud: Cloud) -> None:
    found = json.loads(succeed(cloud.paths.root, "secrets list", "--json"))
    assert {*KINDS, "admin"} <= {each["name"] for each in found}
    assert not any(each["unfinished"] for each in found)
    shown = json.dumps(found) + succeed(cloud.paths.root, "secrets list")
    assert not [
        value for name, value in stored(cloud).items() if not name.startswith("login/") and value in shown
    ]


def test_the_administrators_password_is_the_operators(cloud: Cloud, tmp_path: Path) -> None:
    before = stored(cloud)["user/admin"]
    file = tmp_path / "password"
    file.write_text("Correct-horse-9!\n")
    succeed(cloud.paths.root, "secrets rotate", "admin", "--password-file", str(file))
    assert stored(cloud)["user/admin"] == "Correct-horse-9!"
    cloud.run(lambda: list(cloud.connect().identity.projects()))
    # A person chose it: it is hashed as such.
    assert rounds(cloud, "admin") == "$2b$12$"
    with pytest.raises(SDKException):
        cloud.run(lambda: cloud.connect(password=before).authorize())
    # A random one again, as other tests expect it.
    succeed(cloud.paths.root, "secrets rotate", "admin")
    assert len(stored(cloud)["user/admin"]) == 48
    health.wait_healthy(cloud)


def test_one_that_was_killed_is_finished_by_the_next(cloud: Cloud) -> None:
    running = start(cloud.paths.root, "secrets rotate", "users", "--json")
    assert running.stdout is not None
    for line in running.stdout:
        if '"step": "neutron"' in line:
            break
    running.send_signal(signal.SIGKILL)
    running.wait()
    known = stored(cloud)
    under_way = secrets.replaced(known)
    assert "user/nova" in under_way
    # Both are known, and both are valid: what was not stopped serves on.
    assert all(known[secrets.before(name)] != known[name] for name in under_way)
    assert any(each["unfinished"] for each in json.loads(succeed(cloud.paths.root, "secrets list", "--json")))
    succeed(cloud.paths.root, "up")
    health.wait_healthy(cloud)
    succeed(cloud.paths.root, "secrets rotate", "fernet")
    assert not secrets.replaced(stored(cloud))
    health.wait_healthy(cloud)


def test_wrong_words_change_nothing(cloud: Cloud, tmp_path: Path) -> None:
    before = stored(cloud)
    short = tmp_path / "short"
    short.write_text("abc\n")
    for words, why in (
        (("nonsense",), "there are no secrets called 'nonsense'"),
        (("admin", "--password-file", str(short)), "8 to 72 bytes"),
        (("users", "--password-file", str(short)), "is admin's"),
    ):
        done = onestack(cloud.paths.root, "secrets rotate", *words)
        assert done.returncode == 2, done
        assert why in done.stderr
    assert stored(cloud) == before
