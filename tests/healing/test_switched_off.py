"""`up` of a cloud whose healing is off does not wait for hosts that a healer has forced down."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from onestack.core.errors import PermanentError
from onestack.platform.hypervisors import force_down, lift


class Nova:
    """nova-compute of three hosts, two of them forced down."""

    def __init__(self, status: int = 200) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.status = status

    def services(self, binary: str) -> list[Any]:
        assert binary == "nova-compute"
        return [
            SimpleNamespace(id=f"id-{host}", host=host, is_forced_down=forced)
            for host, forced in (("c1", False), ("n1", True), ("n2", True))
        ]

    def put(self, path: str, json: dict[str, Any], microversion: str) -> Any:
        self.sent.append((path, json))
        return SimpleNamespace(status_code=self.status, text="no")


def lifted(nova: Nova, healing: object, present: tuple[str, ...]) -> list[str]:
    site: Any = SimpleNamespace(view=SimpleNamespace(cloud=SimpleNamespace(healing=healing)))
    admin: Any = SimpleNamespace(compute=nova)
    return lift(site, admin, present)


def test_hosts_that_are_there_are_heard_again() -> None:
    nova = Nova()
    assert lifted(nova, None, ("c1", "n1")) == ["n1"]
    assert nova.sent == [("/os-services/id-n1", {"forced_down": False})]


def test_where_healing_is_on_it_is_the_healers_business() -> None:
    nova = Nova()
    assert lifted(nova, object(), ("c1", "n1", "n2")) == []
    assert nova.sent == []


def test_what_nova_refuses_is_said() -> None:
    admin: Any = SimpleNamespace(compute=Nova(409))
    with pytest.raises(PermanentError, match="refused to change forced_down: no"):
        force_down(admin, "id-n1", True)
