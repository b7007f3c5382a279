"""Rules for logins: what the spec says, as Keystone's options."""

from __future__ import annotations

import re

import pytest

from onestack import spec
from onestack.platform.site import logins
from onestack.spec.security import Security


def read(text: str) -> Security:
    return spec.loads(f"version: 1\nplatform: {{security: {{{text}}}}}\n").platform.security


def test_without_rules_keystones_options_are_upstreams() -> None:
    assert set(logins(Security()).values()) == {None}


def test_all_of_them() -> None:
    found = logins(
        read(
            "lockout_attempts: 6, lockout_time: 10m, password_length: 12, password_mixed: true,"
            " password_history: 3, password_days: 90, inactive_days: 60"
        )
    )
    assert found == {
        "lockout_failure_attempts": 6,
        "lockout_duration": 600,
        "password_regex": "^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{12,}$",
        "password_regex_description": (
            "a password of 12 or more characters, with a small letter, a capital letter and a digit"
        ),
        "unique_last_password_count": 3,
        "password_expires_days": 90,
        "disable_user_account_days_inactive": 60,
    }


@pytest.mark.parametrize(
    ("password", "fits"),
    [("Abcdefghij12", True), ("abcdefghij12", False), ("Abcdefghijkl", False), ("Ab1", False)],
)
def test_the_pattern(password: str, fits: bool) -> None:
    pattern = read("password_length: 12, password_mixed: true").pattern
    assert pattern
    assert bool(re.match(pattern, password)) is fits


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("lockout_attempts: 0", "too small: 0"),
        ("lockout_time: 2", "not a time"),
        ("lockout_attempts: 3, lockout_time: 400d", "not a valid time"),
        ("password_mixed: true, password_length: 2", "three kinds of characters"),
        ("password_length: 65", "too large: 65"),
    ],
)
def test_wrong_rules_are_refused(text: str, why: str) -> None:
    with pytest.raises(spec.BadSpec, match=why):
        read(text)
