"""With several control hosts Keystone's keys are derived: each host has the same without hearing of the others."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from onestack_runtime import contract
from onestack_runtime.admin import key_rotation

DAY = key_rotation.ROTATE_SECONDS
NOON = 20_000.5 * DAY


@pytest.fixture(params=["c1", "c2"])
def tokens(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return host(str(request.param), tmp_path, monkeypatch)


def host(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host's folder of token keys, and the module looking at that host's folders."""
    for constant in ("TOKEN_KEYS", "RECEIPT_KEYS", "CREDENTIAL_KEYS"):
        place = tmp_path / name / Path(getattr(contract, constant)).name
        place.mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(contract, constant, str(place))
    return Path(contract.TOKEN_KEYS)


def keys(place: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in place.iterdir()}


def test_a_days_keys_are_the_staged_one_todays_and_yesterdays(tokens: Path) -> None:
    key_rotation.share("secret", NOON)
    found = keys(tokens)
    assert set(found) == {"0", "19999", "20000"}
    assert all(len(base64.urlsafe_b64decode(key)) == 32 for key in found.values())
    assert len(set(found.values())) == 3
    assert all(each.stat().st_mode & 0o777 == 0o600 for each in tokens.iterdir())


def test_two_hosts_have_the_same_and_another_secret_has_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name, secret in (("c1", "secret"), ("c2", "secret"), ("c3", "other")):
        place = host(name, tmp_path, monkeypatch)
        key_rotation.share(secret, NOON)
        found.append(keys(place))
    assert found[0] == found[1]
    assert not set(found[0].values()) & set(found[2].values())


def test_the_staged_key_is_the_next_days(tokens: Path) -> None:
    key_rotation.share("secret", NOON)
    staged = keys(tokens)["0"]
    key_rotation.share("secret", NOON + DAY)
    assert keys(tokens)["20001"] == staged
    assert keys(tokens)["0"] != staged


def test_keys_of_one_control_host_stay_for_a_day(tokens: Path) -> None:
    (tokens / "3").write_bytes(b"older")
    now = (tokens / "3").stat().st_mtime
    key_rotation.share("secret", now)
    assert keys(tokens)["3"] == b"older"
    key_rotation.share("secret", now + DAY + 1)
    assert "3" not in keys(tokens)
