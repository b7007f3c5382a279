"""Secrets that are replaced: the former value beside the new one, both valid, until nobody uses the former."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from onestack.core.errors import BadInput
from onestack.platform import catalogue, layout, rotation, secrets, site
from onestack.platform.infrastructure import mariadb
from onestack.platform.services import identity
from onestack.platform.site import Site

Make = Callable[..., Site]


def again(found: Site) -> Site:
    """The same cloud with the secrets that are stored now."""
    return site.on_this_host(found.paths, found.spec, found.here.choices)


def stored(found: Site) -> dict[str, str]:
    return dict(json.loads(found.secrets_file.read_text()))


@pytest.fixture
def found(make: Make) -> Site:
    cloud = make()
    assert cloud.view.cloud.secrets["database/nova"]
    return cloud


def replace(found: Site, *kinds: str, password: str | None = None) -> Site:
    secrets.replace(found.secrets_file, rotation.new_values(found, kinds, password))
    return again(found)


def test_the_former_value_stays_until_it_is_forgotten(found: Site) -> None:
    before = stored(found)
    after = stored(replace(found, "database"))
    for name in ("database/nova", "database/keystone"):
        assert after[name] != before[name]
        assert after[f"before/{name}"] == before[name]
    assert after["user/nova"] == before["user/nova"]
    secrets.forget_replaced(found.secrets_file)
    assert stored(found) == {name: value for name, value in after.items() if not name.startswith("before/")}
    assert found.secrets_file.stat().st_mode & 0o777 == 0o600


def test_a_second_one_before_the_first_is_finished_loses_nothing(found: Site) -> None:
    first = stored(replace(found, "database", "users"))
    again_ = stored(replace(again(found), "database", "users", "metadata"))
    assert {name: again_[name] for name in first if name != "metadata"} == {
        name: value for name, value in first.items() if name != "metadata"
    }
    assert again_["before/metadata"] == first["metadata"]


def test_a_database_takes_both_meanwhile(found: Site) -> None:
    new = replace(found, "database")
    sql = mariadb.grants(catalogue.databases(new.view.cloud.services), new.view)
    before, after = (each.view.cloud.secrets["database/nova"] for each in (found, new))
    both = (
        f"VIA mysql_native_password USING PASSWORD('{after}')"
        f" OR mysql_native_password USING PASSWORD('{before}');"
    )
    assert f"ALTER USER 'nova'@'localhost' IDENTIFIED {both}" in sql
    secrets.forget_replaced(found.secrets_file)
    done = again(found)
    sql = mariadb.grants(catalogue.databases(done.view.cloud.services), done.view)
    assert before not in sql
    assert f"IDENTIFIED VIA mysql_native_password USING PASSWORD('{after}');" in sql


def users(found: Site) -> set[str]:
    return {*identity.wanted(found.view, catalogue.services(found.view.cloud.services))["users"]}


def test_a_service_has_two_users_in_turn(found: Site) -> None:
    assert {"nova", "glance"} <= users(found)
    second = replace(found, "users")
    assert {"nova-b", "glance-b"} <= users(second)
    assert "username = nova-b" in layout.files(second.view)["nova/nova.conf"]
    assert "nova" in rotation.former_logins(second.view.cloud.secrets)
    secrets.forget_replaced(found.secrets_file)
    third = replace(again(found), "users")
    assert {"nova", "glance"} <= users(third)
    assert "nova-b" in rotation.former_logins(third.view.cloud.secrets)


def test_the_administrators_password_may_be_given(found: Site) -> None:
    assert stored(replace(found, "admin", password="Correct-horse-9!"))["user/admin"] == "Correct-horse-9!"


def test_every_secret_is_of_one_kind(found: Site) -> None:
    names = [name for kind in rotation.KINDS for name in rotation.names(found, kind.name)]
    assert len(names) == len({*names})
    assert {*stored(found)} == {*names}


def test_what_there_is_not_is_refused(found: Site) -> None:
    with pytest.raises(BadInput, match="no secrets called 'tokens'"):
        rotation.require(found, ["tokens"])


def test_a_full_disk_leaves_the_former_secrets(found: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    before = found.secrets_file.read_text()

    def full(file: Path, text: str) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(secrets, "replace_private", full)
    with pytest.raises(OSError, match="disk full"):
        replace(found, "database")
    assert found.secrets_file.read_text() == before
