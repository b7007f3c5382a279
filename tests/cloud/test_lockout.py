"""Who fails to log in too often is locked, and the audit log says so; the cloud's own users are not."""

from __future__ import annotations

import json

import pytest
from openstack.exceptions import BadRequestException, SDKException

from cloud.command import lines, succeed
from onestack import Cloud

pytestmark = pytest.mark.cloud

RIGHT, WRONG = "Correct-horse-9", "Wrong-horse-1"


def test_a_user_is_locked_and_admin_is_not(varied: Cloud) -> None:
    assert varied.site.spec.platform.security.lockout_attempts == 3

    def refused(user: str, password: str) -> None:
        with pytest.raises(SDKException, match="401"):
            varied.connect(user=user, password=password, project="admin").authorize()

    def work() -> None:
        keystone = varied.connect().identity
        with pytest.raises(BadRequestException, match="12 or more characters"):
            keystone.create_user(name="guessed", password="short-1A", domain_id="default")
        user = keystone.create_user(name="guessed", password=RIGHT, domain_id="default")
        try:
            for _ in range(3):
                refused("guessed", WRONG)
            # Even with the right one, now.
            refused("guessed", RIGHT)
            for _ in range(5):
                refused("admin", WRONG)
            varied.connect().authorize()
        finally:
            keystone.delete_user(user)

    varied.run(work)
    found = lines(succeed(varied.paths.root, "audit", "--json", "--user", "guessed"))
    assert [each["reason"]["reasonCode"] for each in found[-4:]] == ["401"] * 4
    assert "locked" in found[-1]["reason"]["detail"]
    assert WRONG not in json.dumps(found)
