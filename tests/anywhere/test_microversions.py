"""A cloud of an older release is asked in its own microversions, and one that is too old is refused."""

from __future__ import annotations

import pytest

from anywhere.account import Ordinary, Strict
from kinds.api import served
from onestack.core.errors import BadInput
from onestack.workloads.openstack import account
from onestack.workloads.openstack.account import AccountAccess


@pytest.mark.parametrize(
    ("highest", "used"), [("2.96", "2.96"), ("2.72", "2.72"), ("2.60", None), (None, None)]
)
def test_the_highest_that_both_have(
    monkeypatch: pytest.MonkeyPatch, highest: str | None, used: str | None
) -> None:
    monkeypatch.setattr(account, "maximum_supported_microversion", lambda adapter, most: highest)
    with served(Strict()) as connection:
        access = AccountAccess(Ordinary(connection))
        if used is None:
            with pytest.raises(BadInput, match="is too old: it has the microversion"):
                access.rest("compute")
        else:
            assert access.rest("compute")._microversion == used
        assert access.rest("network")._microversion is None
